"""Packs the images of the lab world into a few files that are small enough to be carried to a GPU.

    python3 scripts/pack_lab.py --out .data/lab --tiny-imagenet PATH --cifar10 PATH --kmnist DIR --mnist DIR --fmnist DIR

Any of them may be left out and packed later. PATH is a folder or a tar archive that holds

  tiny-imagenet  .../train/WNID/images/*.JPEG, of all classes or of some (Tiny ImageNet, Stanford CS231n)
  cifar10        .../{train,test}/CLASS/*.jpg, or the official data_batch_*.bin and test_batch.bin

and DIR the official IDX files, plain or with .gz. What comes out:

  source.safetensors   Tiny ImageNet: of each class nine tenths to train on and one tenth to test, as WebP of the best
                       quality that keeps the file within --most-bytes
  cifar10.safetensors  2,200 images of each class for train, 250 for test: JPEG files as they are, or what the official
                       files hold, without loss
  mnist/, fmnist/      of each class 2,560 (Fashion-MNIST: 1,500) of the train split for train, 250 of the test split
                       for test, as IDX files
  kmnist/              of the test split alone: of each class 640 for train, the other 360 for test

Which images of a class are taken follows from their rank by the SHA-256 of the text "repro lab {dataset} {split} {name}",
name being their path or their place in the official files; the lowest are taken, and written in that order over all
classes. A packed file is one of safetensors: `front`, the bytes that all image files begin with; for each split
`files`, what follows them, one after the other; `ends`, where each ends; `labels`. Its metadata name the classes and
say what the images are. Needs Pillow (with WebP) for Tiny ImageNet and for CIFAR-10's official files, else nothing but
Python's standard library.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import re
import struct
import tarfile
from pathlib import Path

MOST_BYTES = 40_000_000
OF_EACH = {"cifar10": (2200, 250), "mnist": (2560, 250), "fmnist": (1500, 250), "kmnist": (640, 360)}
CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
CIFAR_RECORD = 1 + 3 * 32 * 32


def rank(dataset, split, name):
    return hashlib.sha256(f"repro lab {dataset} {split} {name}".encode()).digest()


def files(path, wanted):
    """Names that match, with a function that reads the file, of a folder or an archive."""
    if path.is_dir():
        for folder, _, names in os.walk(path):
            for name in names:
                whole = Path(folder) / name
                if match := wanted.search(whole.relative_to(path).as_posix()):
                    yield match, whole.read_bytes()
    else:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile() and (match := wanted.search(member.name)):
                    yield match, archive.extractfile(member).read()


def chosen(dataset, images, of_each):
    """Of (split, class, name, bytes) the lowest of each class of each split, in the order of their ranks."""
    ranked = sorted(images, key=lambda image: rank(dataset, image[0], image[2]))
    taken, count = [], {}
    for image in ranked:
        of = image[:2]
        count[of] = count.get(of, 0) + 1
        if count[of] <= of_each[of[0]]:
            taken.append(image)
    for (split, label), found in count.items():
        if found < of_each[split]:
            raise SystemExit(f"{dataset}: class {label} has {found} {split} images, and {of_each[split]} are needed")
    return taken


def webp(data, **options):
    try:
        from PIL import Image
    except ImportError as missing:
        raise SystemExit(f"{missing}: these images need Pillow with WebP, `python3 -m pip install pillow`") from None

    image = data if isinstance(data, Image.Image) else Image.open(io.BytesIO(data)).convert("RGB")
    packed = io.BytesIO()
    image.save(packed, "WEBP", method=6, **options)
    return packed.getvalue()


def write(path, images, classes, made_from):
    """Writes a packed file of (split, class, name, bytes), and gives its size."""
    front = os.path.commonprefix([data for *_, data in images])
    tensors = {"front": ("U8", front, len(front))}
    for split in ["train", "test"]:
        of = [image for image in images if image[0] == split]
        rests = [data[len(front) :] for *_, data in of]
        ends, end = [], 0
        for rest in rests:
            end += len(rest)
            ends.append(end)
        labels = [classes.index(label) for _, label, _, _ in of]
        tensors[f"{split}.files"] = ("U8", b"".join(rests), end)
        tensors[f"{split}.ends"] = ("U32", struct.pack(f"<{len(of)}I", *ends), len(of))
        tensors[f"{split}.labels"] = ("U32", struct.pack(f"<{len(of)}I", *labels), len(of))
    header = {"__metadata__": {"images": "1", "classes": json.dumps(classes), "made_from": made_from}}
    at = 0
    for name, (dtype, data, count) in tensors.items():
        header[name] = {"dtype": dtype, "shape": [count], "data_offsets": [at, at + len(data)]}
        at += len(data)
    header = json.dumps(header).encode()
    header += b" " * (-len(header) % 8)
    whole = struct.pack("<Q", len(header)) + header + b"".join(data for _, data, _ in tensors.values())
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(whole)
    partial.replace(path)
    print(f"{path}: {len(images)} images of {len(classes)} classes, {len(whole)} bytes; {made_from}")
    return len(whole)


def tiny_imagenet(path, out, most_bytes):
    wanted = re.compile(r"(?:^|/)train/(n\d{8})/images/([^/]+\.JPEG)$")
    found = [(match[1], match[2], data) for match, data in files(path, wanted)]
    if not found:
        raise SystemExit(f"{path}: it has no train/WNID/images/*.JPEG")
    classes = sorted({label for label, *_ in found})
    images, counts = [], {}
    for label, name, data in sorted(found, key=lambda image: rank("tiny-imagenet", "train", image[1])):
        counts[label] = counts.get(label, 0) + 1
        # Every tenth of a class is tested on.
        images.append(("test" if counts[label] % 10 == 0 else "train", label, name, data))
    sample = images[:: max(1, len(images) // 1000)]
    quality = 90
    while True:
        # A hundredth below, since the sample is one.
        size = sum(len(webp(data, quality=quality)) for *_, data in sample) * len(images) / len(sample)
        if size + 8 * len(images) <= 0.99 * most_bytes or quality == 1:
            break
        quality -= 1
    packed = [(split, label, name, webp(data, quality=quality)) for split, label, name, data in images]
    source = f"Tiny ImageNet, {len(classes)} classes of 200, again compressed with loss (WebP, quality {quality})"
    if write(out / "source.safetensors", packed, classes, source) > most_bytes:
        raise SystemExit(f"source.safetensors: more than {most_bytes} bytes")


def cifar10(path, out):
    train, test = OF_EACH["cifar10"]
    jpeg = re.compile(r"(?:^|/)(train|test)/([^/]+)/([^/]+\.jpe?g)$")
    copied = [(match[1], match[2], f"{match[2]}/{match[3]}", data) for match, data in files(path, jpeg)]
    images = chosen("cifar10", copied or official_cifar10(path), {"train": train, "test": test})
    made_from = "CIFAR-10 from a copy in JPEG, which is lossy"
    if not copied:
        made_from = "CIFAR-10, the official bytes"
        images = [(split, label, name, lossless(data)) for split, label, name, data in images]
    write(out / "cifar10.safetensors", images, CIFAR10, made_from)


def official_cifar10(path):
    binary = re.compile(r"(?:^|/)((data|test)_batch(?:_\d)?\.bin)$")
    images = []
    for match, data in files(path, binary):
        if len(data) % CIFAR_RECORD or any(label >= len(CIFAR10) for label in data[::CIFAR_RECORD]):
            raise SystemExit(f"{path}: {match[1]} is no file of CIFAR-10: fetch it again")
        for at in range(0, len(data), CIFAR_RECORD):
            split = "test" if match[2] == "test" else "train"
            label = CIFAR10[data[at]]
            images.append((split, label, f"{match[1]} {at // CIFAR_RECORD}", data[at + 1 : at + CIFAR_RECORD]))
    if not images:
        raise SystemExit(f"{path}: it has neither train/CLASS/*.jpg nor data_batch_*.bin")
    return images


def lossless(planes):
    from PIL import Image

    bands = [Image.frombytes("L", (32, 32), planes[at : at + 1024]) for at in (0, 1024, 2048)]
    return webp(Image.merge("RGB", bands), lossless=True, exact=True)


def idx(dataset, folder, out):
    train, test = OF_EACH[dataset]
    read = {}
    for split, name in [("train", "train"), ("test", "t10k")]:
        # Of KMNIST the test split alone is taken.
        if (dataset, split) != ("kmnist", "train"):
            images, labels = (unpacked(folder / f"{name}-{kind}-ubyte") for kind in ["images-idx3", "labels-idx1"])
            read[split] = [(labels[8 + at], images[16 + 784 * at : 800 + 784 * at]) for at in range(len(labels) - 8)]
    of = [(split, label, str(at), data) for split in read for at, (label, data) in enumerate(read[split])]
    if dataset == "kmnist":
        of = chosen(dataset, of, {"test": train + test})
        count, parts = {}, {"train": [], "test": []}
        for image in of:
            count[image[1]] = count.get(image[1], 0) + 1
            parts["train" if count[image[1]] <= train else "test"].append(image)
    else:
        of = chosen(dataset, of, {"train": train, "test": test})
        parts = {split: [image for image in of if image[0] == split] for split in ["train", "test"]}
    (out / dataset).mkdir(parents=True, exist_ok=True)
    size = 0
    for split, name in [("train", "train"), ("test", "t10k")]:
        images = struct.pack(">IIII", 0x803, len(parts[split]), 28, 28) + b"".join(data for *_, data in parts[split])
        labels = struct.pack(">II", 0x801, len(parts[split])) + bytes(label for _, label, _, _ in parts[split])
        for kind, data in [("images-idx3", images), ("labels-idx1", labels)]:
            path = out / dataset / f"{name}-{kind}-ubyte.gz"
            with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
                packed.write(data)
            size += path.stat().st_size
    print(f"{out / dataset}: {len(parts['train'])} and {len(parts['test'])} images, {size} bytes")


def unpacked(path):
    for path, read in [(path, open), (path.with_name(path.name + ".gz"), gzip.open)]:
        if path.is_file():
            with read(path, "rb") as file:
                return file.read()
    raise SystemExit(f"{path}: not found, neither packed nor plain")


def main():
    parser = argparse.ArgumentParser(description="Packs the images of the lab world.")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where packed files go")
    parser.add_argument("--most-bytes", type=int, default=MOST_BYTES, help="of source.safetensors (%(default)s)")
    for dataset in ["tiny-imagenet", "cifar10", "kmnist", "mnist", "fmnist"]:
        parser.add_argument(f"--{dataset}", type=Path, metavar="PATH")
    given = parser.parse_args()
    if given.tiny_imagenet:
        tiny_imagenet(given.tiny_imagenet, given.out, given.most_bytes)
    if given.cifar10:
        cifar10(given.cifar10, given.out)
    for dataset in ["kmnist", "mnist", "fmnist"]:
        if folder := getattr(given, dataset):
            idx(dataset, folder, given.out)


if __name__ == "__main__":
    main()
