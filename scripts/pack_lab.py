"""Packs the images of the lab world into a few files that are small enough to copy to a GPU.

    python3 scripts/pack_lab.py --out .data/lab --tiny-imagenet PATH --cifar10 PATH \\
        --kmnist DIR --mnist DIR --fmnist DIR

Each data set is optional and can be packed later. PATH is a folder or a tar archive with

  tiny-imagenet  .../train/WNID/images/*.JPEG, all or some classes (Tiny ImageNet, Stanford CS231n)
  cifar10        .../{train,test}/CLASS/*.jpg, or the official data_batch_*.bin and test_batch.bin

and DIR has the official IDX files, plain or with .gz. Output:

  source.safetensors   Tiny ImageNet: nine tenths of each class for training and one tenth for
                       testing, as WebP with the highest quality that fits into --most-bytes
  cifar10.safetensors  2,200 training and 250 test images of each class: unchanged JPEG files, or
                       the official images without loss
  mnist/, fmnist/      2,560 (Fashion-MNIST: 1,500) training images of each class from the training
                       split, and 250 test images from the test split, as IDX files
  kmnist/              from the test split alone: 640 training images of each class, and the other
                       360 as test images

The images of a class are ranked by the SHA-256 of the text "repro lab {dataset} {split} {name}",
where the name is their path or their position in the official files. The lowest ranks are taken,
and written in this order over all classes. A packed file is a safetensors file with `front` (the
common first bytes of all images), and for each split `files` (the rest of each image,
concatenated), `ends` (where each one ends) and `labels`. Its metadata name the classes and the
origin of the images. Tiny ImageNet and the official files of CIFAR-10 need Pillow with WebP,
everything else only Python's standard library.
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

MAX_BYTES = 40_000_000
# Training and test images of each class.
PER_CLASS = {
    "cifar10": (2200, 250),
    "mnist": (2560, 250),
    "fmnist": (1500, 250),
    "kmnist": (640, 360),
}
CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
CIFAR_RECORD = 1 + 3 * 32 * 32


def rank(dataset, split, name):
    return hashlib.sha256(f"repro lab {dataset} {split} {name}".encode()).digest()


def files(path, pattern):
    """The matches and the contents of files of a folder or an archive whose names match."""
    if path.is_dir():
        for folder, _, names in os.walk(path):
            for name in names:
                file = Path(folder) / name
                if match := pattern.search(file.relative_to(path).as_posix()):
                    yield match, file.read_bytes()
    else:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile() and (match := pattern.search(member.name)):
                    yield match, archive.extractfile(member).read()


def select(dataset, images, per_class):
    """The images (split, class, name, bytes) of the lowest ranks in each class of each split."""
    ranked = sorted(images, key=lambda image: rank(dataset, image[0], image[2]))
    taken, count = [], {}
    for image in ranked:
        group = image[:2]
        count[group] = count.get(group, 0) + 1
        if count[group] <= per_class[group[0]]:
            taken.append(image)
    for (split, label), found in count.items():
        if found < per_class[split]:
            needed = per_class[split]
            message = f"class {label} has {found} {split} images, but needs {needed}"
            raise SystemExit(f"failed to pack {dataset}: {message}")
    return taken


def webp(data, **options):
    try:
        from PIL import Image
    except ImportError as missing:
        remedy = "install Pillow with WebP: `python3 -m pip install pillow`"
        raise SystemExit(f"failed to pack images: {missing}: {remedy}") from None

    image = data if isinstance(data, Image.Image) else Image.open(io.BytesIO(data)).convert("RGB")
    packed = io.BytesIO()
    image.save(packed, "WEBP", method=6, **options)
    return packed.getvalue()


def write(path, images, classes, made_from):
    """Writes a packed file of (split, class, name, bytes), and returns its size in bytes."""
    front = os.path.commonprefix([data for *_, data in images])
    tensors = {"front": ("U8", front, len(front))}
    for split in ["train", "test"]:
        part = [image for image in images if image[0] == split]
        rests = [data[len(front) :] for *_, data in part]
        ends, end = [], 0
        for rest in rests:
            end += len(rest)
            ends.append(end)
        labels = [classes.index(label) for _, label, _, _ in part]
        tensors[f"{split}.files"] = ("U8", b"".join(rests), end)
        tensors[f"{split}.ends"] = ("U32", struct.pack(f"<{len(part)}I", *ends), len(part))
        tensors[f"{split}.labels"] = ("U32", struct.pack(f"<{len(part)}I", *labels), len(part))
    metadata = {"images": "1", "classes": json.dumps(classes), "made_from": made_from}
    header, at = {"__metadata__": metadata}, 0
    for name, (dtype, data, count) in tensors.items():
        header[name] = {"dtype": dtype, "shape": [count], "data_offsets": [at, at + len(data)]}
        at += len(data)
    header = json.dumps(header).encode()
    header += b" " * (-len(header) % 8)
    contents = b"".join(data for _, data, _ in tensors.values())
    packed = struct.pack("<Q", len(header)) + header + contents
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(packed)
    partial.replace(path)
    count = f"{len(images)} images of {len(classes)} classes"
    print(f"{path}: {count}, {len(packed)} bytes; {made_from}")
    return len(packed)


def tiny_imagenet(path, out, max_bytes):
    pattern = re.compile(r"(?:^|/)train/(n\d{8})/images/([^/]+\.JPEG)$")
    found = [(match[1], match[2], data) for match, data in files(path, pattern)]
    if not found:
        raise SystemExit(f"failed to pack {path}: it has no train/WNID/images/*.JPEG")
    classes = sorted({label for label, *_ in found})
    images, counts = [], {}
    found.sort(key=lambda image: rank("tiny-imagenet", "train", image[1]))
    for label, name, data in found:
        counts[label] = counts.get(label, 0) + 1
        # Every tenth image of a class is a test image.
        images.append(("test" if counts[label] % 10 == 0 else "train", label, name, data))
    sample = images[:: max(1, len(images) // 1000)]
    quality = 90
    while True:
        # With a margin of one percent, since this is an estimate from a sample.
        bytes_of_sample = sum(len(webp(data, quality=quality)) for *_, data in sample)
        size = bytes_of_sample * len(images) / len(sample)
        if size + 8 * len(images) <= 0.99 * max_bytes or quality == 1:
            break
        quality -= 1
    packed = [(*image, webp(data, quality=quality)) for *image, data in images]
    # This text is a part of records, so it must not change.
    source = (
        f"Tiny ImageNet, {len(classes)} classes of 200, "
        f"again compressed with loss (WebP, quality {quality})"
    )
    if write(out / "source.safetensors", packed, classes, source) > max_bytes:
        message = f"it has more than {max_bytes} bytes at the lowest quality"
        raise SystemExit(f"failed to pack source.safetensors: {message}")


def cifar10(path, out):
    train, test = PER_CLASS["cifar10"]
    jpeg = re.compile(r"(?:^|/)(train|test)/([^/]+)/([^/]+\.jpe?g)$")
    copied = [
        (match[1], match[2], f"{match[2]}/{match[3]}", data) for match, data in files(path, jpeg)
    ]
    images = copied or official_cifar10(path)
    images = select("cifar10", images, {"train": train, "test": test})
    # These texts are a part of records, so they must not change.
    made_from = "CIFAR-10 from a copy in JPEG, which is lossy"
    if not copied:
        made_from = "CIFAR-10, the official bytes"
        images = [(*image, lossless(data)) for *image, data in images]
    write(out / "cifar10.safetensors", images, CIFAR10, made_from)


def official_cifar10(path):
    binary = re.compile(r"(?:^|/)((data|test)_batch(?:_\d)?\.bin)$")
    images = []
    for match, data in files(path, binary):
        labels = data[::CIFAR_RECORD]
        if len(data) % CIFAR_RECORD or any(label >= len(CIFAR10) for label in labels):
            message = f"{match[1]} is no file of CIFAR-10: download it again"
            raise SystemExit(f"failed to read {path}: {message}")
        for at in range(0, len(data), CIFAR_RECORD):
            split = "test" if match[2] == "test" else "train"
            label = CIFAR10[data[at]]
            name = f"{match[1]} {at // CIFAR_RECORD}"
            images.append((split, label, name, data[at + 1 : at + CIFAR_RECORD]))
    if not images:
        message = "it has neither train/CLASS/*.jpg nor data_batch_*.bin"
        raise SystemExit(f"failed to read {path}: {message}")
    return images


def lossless(planes):
    from PIL import Image

    bands = [Image.frombytes("L", (32, 32), planes[at : at + 1024]) for at in (0, 1024, 2048)]
    return webp(Image.merge("RGB", bands), lossless=True, exact=True)


def idx(dataset, folder, out):
    train, test = PER_CLASS[dataset]
    read = {}
    for split, name in [("train", "train"), ("test", "t10k")]:
        # KMNIST is taken from its test split alone.
        if (dataset, split) != ("kmnist", "train"):
            kinds = ["images-idx3", "labels-idx1"]
            images, labels = (unpacked(folder / f"{name}-{kind}-ubyte") for kind in kinds)
            read[split] = [
                (labels[8 + at], images[16 + 784 * at : 800 + 784 * at])
                for at in range(len(labels) - 8)
            ]
    found = [
        (split, label, str(at), data)
        for split in read
        for at, (label, data) in enumerate(read[split])
    ]
    if dataset == "kmnist":
        taken = select(dataset, found, {"test": train + test})
        count, parts = {}, {"train": [], "test": []}
        for image in taken:
            count[image[1]] = count.get(image[1], 0) + 1
            parts["train" if count[image[1]] <= train else "test"].append(image)
    else:
        taken = select(dataset, found, {"train": train, "test": test})
        parts = {
            split: [image for image in taken if image[0] == split] for split in ["train", "test"]
        }
    (out / dataset).mkdir(parents=True, exist_ok=True)
    size = 0
    for split, name in [("train", "train"), ("test", "t10k")]:
        part = parts[split]
        images = struct.pack(">IIII", 0x803, len(part), 28, 28)
        images += b"".join(data for *_, data in part)
        labels = struct.pack(">II", 0x801, len(part))
        labels += bytes(label for _, label, _, _ in part)
        for kind, data in [("images-idx3", images), ("labels-idx1", labels)]:
            path = out / dataset / f"{name}-{kind}-ubyte.gz"
            # Without name and time, so that the same images give the same bytes.
            with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
                packed.write(data)
            size += path.stat().st_size
    count = f"{len(parts['train'])} training and {len(parts['test'])} test images"
    print(f"{out / dataset}: {count}, {size} bytes")


def unpacked(path):
    for path, read in [(path, open), (path.with_name(path.name + ".gz"), gzip.open)]:
        if path.is_file():
            with read(path, "rb") as file:
                return file.read()
    raise SystemExit(f"failed to read {path}: not found, with or without .gz")


def main():
    parser = argparse.ArgumentParser(description="Packs the images of the lab world.")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="output folder")
    parser.add_argument(
        "--most-bytes",
        type=int,
        default=MAX_BYTES,
        help="size limit of source.safetensors (%(default)s)",
    )
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
