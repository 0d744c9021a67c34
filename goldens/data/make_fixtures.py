"""Makes the small data sets beside itself, and reference.json, which tests/data.rs reads.

    python -m venv venv && venv/bin/pip install -r goldens/data/requirements.txt
    venv/bin/python goldens/data/make_fixtures.py

Each folder has one data set as `repro fetch` would lay it out, but for its size. Who writes is independent of who reads:
scipy writes SVHN's .mat, numpy the IDX and CIFAR files, PIL (libjpeg-turbo) every image. reference.json says what is in
them: labels, shapes, the SHA-256 of all bytes as N x C x H x W; for image files the SHA-256 of what PIL decodes and
resizes, in the same order. Images are made here, from a fixed seed; nobody else's are shipped.
"""

import gzip
import hashlib
import json
import shutil
import struct
from pathlib import Path

import numpy as np
import scipy.io
from PIL import Image

HERE = Path(__file__).parent
GENERATOR = np.random.default_rng(200705869)
REFERENCE = {}
# What a recipe may ask for: (side, resolution on the way or none).
SIZES = [(24, None), (40, None), (24, 7)]


def picture(height, width, channels=3):
    """Like a photograph: light, a disc, a bar, a texture, noise. [height, width, channels], or [height, width] of one."""
    y, x = np.mgrid[0:1:height * 1j, 0:1:width * 1j]
    centre, radius, tilt = GENERATOR.uniform(0.3, 0.7, 2), GENERATOR.uniform(0.15, 0.35), GENERATOR.uniform(-1, 1, 2)
    planes = []
    for _ in range(channels):
        plane = GENERATOR.uniform(40, 200) + 90 * (tilt[0] * (x - 0.5) + tilt[1] * (y - 0.5))
        plane = np.where(np.hypot(x - centre[0], y - centre[1]) < radius, GENERATOR.uniform(0, 255), plane)
        plane = np.where(abs(x - y * tilt[0] - 0.3) < 0.06, GENERATOR.uniform(-40, 300), plane)
        plane += 25 * np.sin(GENERATOR.uniform(10, 60) * x + GENERATOR.uniform(5, 40) * y) * (y > 0.6)
        planes.append(plane + GENERATOR.normal(0, 2, plane.shape))
    pixels = np.clip(np.stack(planes, 2), 0, 255).round().astype(np.uint8)
    return pixels[:, :, 0] if channels == 1 else pixels


def pictures(count, height, width, channels=3):
    return np.stack([picture(height, width, channels) for _ in range(count)])


def sha256(contents):
    return hashlib.sha256(bytes(contents)).hexdigest()


def planar(pixels):
    """H x W x C (or H x W) to C x H x W."""
    return pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, 2, 0)


def described(images, labels):
    planes = np.ascontiguousarray(np.stack([planar(image) for image in images]))
    labels = [int(label) for label in labels]
    return {"labels": labels, "shape": planes.shape[1:], "sha256": sha256(planes.tobytes())}


def resized(image, side, through):
    if through:
        image = image.resize((through, through), Image.BILINEAR)
    return planar(np.asarray(image.resize((side, side), Image.BILINEAR)))


def described_files(root, names, labels, classes):
    images = [Image.open(root / name).convert("RGB") for name in names]
    lines = [f"classes {len(classes)}\n"] + [f"{name}\n" for name in classes]
    lines += [f"{sha256((root / name).read_bytes())} {label} {name}\n" for name, label in zip(names, labels)]
    at = {
        f"{side} through {through}": sha256(b"".join(resized(image, side, through).tobytes() for image in images))
        for side, through in SIZES
    }
    return {
        "names": names,
        "labels": labels,
        "classes": classes,
        "at": at,
        "digest": sha256("".join(lines).encode()),
    }


def folder(name):
    made = HERE / name
    made.mkdir(parents=True, exist_ok=True)
    return made


def save(pixels, path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() != ".png":
        options = {"quality": 75} | options
    Image.fromarray(pixels).save(path, **options)


def mnist():
    root = folder("mnist")
    for split, name, count in [("train", "train", 4), ("test", "t10k", 3)]:
        images, labels = pictures(count, 28, 28, 1), GENERATOR.integers(0, 10, count).astype(np.uint8)
        packed = struct.pack(">4I", 0x803, count, 28, 28) + images.tobytes()
        (root / f"{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(packed, mtime=0))
        (root / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, count) + labels.tobytes())
        REFERENCE.setdefault("mnist", {})[split] = described(images, labels)


def cifar(name, inner, splits, coarse):
    """Records of a label (or a coarse and a fine one) and 3 x 32 x 32 bytes."""
    root = folder(f"{name}/{inner}")
    for split, files, each in splits:
        images, labels = [], []
        for file in files:
            records = b""
            for _ in range(each):
                image, label = picture(32, 32), int(GENERATOR.integers(0, 100 if coarse else 10))
                images.append(image)
                labels.append(label)
                records += bytes([label // 5, label] if coarse else [label]) + planar(image).tobytes()
            (root / file).write_bytes(records)
        REFERENCE.setdefault(name, {})[split] = described(images, labels)


def svhn():
    root = folder("svhn")
    for split, count, packed, kind in [("train", 5, True, np.uint8), ("test", 2, False, np.float64)]:
        images = pictures(count, 32, 32)
        labels = np.array([10, 1, 9, 10, 3][:count])
        contents = {"X": np.moveaxis(images, 0, 3), "y": labels[:, None].astype(kind)}
        scipy.io.savemat(root / f"{split}_32x32.mat", contents, do_compression=packed)
        # The header has the time of writing in its text, which is free.
        path = root / f"{split}_32x32.mat"
        written = path.read_bytes()
        path.write_bytes(b"MATLAB 5.0 MAT-file, by scipy".ljust(116) + written[116:])
        REFERENCE.setdefault("svhn", {})[split] = described(images, labels % 10)


def celeba():
    root = folder("celeba")
    names = [f"{at:06}.jpg" for at in range(1, 8)]
    for name in names:
        save(picture(22, 18), root / "img_align_celeba" / name)
    attributes = ["5_o_Clock_Shadow", "Male", "Young"]
    values = GENERATOR.choice([-1, 1], (len(names), len(attributes)))
    male = [1, -1, 1, -1, -1, 1, 1]
    values[:, 1] = male
    # As in the official file: a trailing space after the names, values in columns of two.
    rows = [f"{name} " + " ".join(f"{value:2}" for value in row) for name, row in zip(names, values)]
    text = f"{len(names)}\n" + " ".join(attributes) + " \n" + "\n".join(rows) + "\n"
    (root / "list_attr_celeba.txt").write_text(text)
    parts = [0, 0, 0, 0, 1, 2, 2]
    lines = "".join(f"{name} {part}\n" for name, part in zip(names, parts))
    (root / "list_eval_partition.txt").write_text(lines)
    for split, part in [("train", 0), ("test", 2)]:
        chosen = [at for at in range(len(names)) if parts[at] == part]
        REFERENCE.setdefault("celeba", {})[split] = described_files(
            root / "img_align_celeba", [names[at] for at in chosen], [int(male[at] == 1) for at in chosen],
            ["not male", "male"])


def caltech101():
    """Three of each class train here; which, is the rule of src/data/caltech101.rs written once more."""
    root = folder("caltech101/101_ObjectCategories")
    classes = ["Faces", "Faces_easy", "anchor"]
    splits = {"train": ([], []), "test": ([], [])}
    for label, (name, count) in enumerate(zip(classes, [6, 4, 5])):
        images = [f"{name}/image_{at:04}.jpg" for at in range(1, count + 1)]
        for at, image in enumerate(images):
            height, width = [(20, 30), (27, 18), (16, 16)][at % 3]
            save(picture(height, width, 1 if at == 3 else 3), root / image)
        drawn = sorted(images, key=lambda image: hashlib.sha256(f"repro split 1: {image}".encode()).digest())[:3]
        for image in images:
            names, labels = splits["train" if image in drawn else "test"]
            names.append(image)
            labels.append(label)
    save(picture(16, 16), root / "BACKGROUND_Google/image_0001.jpg")
    (root / "BACKGROUND_Google/tmp").write_bytes(b"not an image")
    for split, (names, labels) in splits.items():
        REFERENCE.setdefault("caltech101", {})[split] = described_files(root, names, labels, classes)


def tiny_imagenet():
    root = folder("tiny-imagenet/tiny-imagenet-200")
    wnids = ["n01443537", "n01629819"]
    # The official list is not in order.
    (root / "wnids.txt").write_text("\n".join(wnids[::-1]) + "\n")
    names, labels = [], []
    for label, wnid in enumerate(wnids):
        for at in [0, 1, 10]:
            name = f"{wnid}/images/{wnid}_{at}.JPEG"
            save(picture(16, 16, 1 if at == 10 else 3), root / "train" / name)
            names.append(name)
            labels.append(label)
        (root / "train" / wnid / f"{wnid}_boxes.txt").write_text(f"{wnid}_0.JPEG\t0\t0\t9\t9\n")
    REFERENCE["tiny-imagenet"] = {"train": described_files(root / "train", names, labels, wnids)}
    chosen = [1, 0, 1]
    lines = ""
    for at, label in enumerate(chosen):
        save(picture(16, 16), root / "val/images" / f"val_{at}.JPEG")
        lines += f"val_{at}.JPEG\t{wnids[label]}\t0\t0\t9\t9\n"
    (root / "val/val_annotations.txt").write_text(lines)
    names = [f"images/val_{at}.JPEG" for at in range(len(chosen))]
    REFERENCE["tiny-imagenet"]["test"] = described_files(root / "val", names, chosen, wnids)


def any_folder():
    root = folder("folder")
    for split, part in [("train", "train"), ("test", "val")]:
        names = ["Zebra/b.PNG", "Zebra/c.jpeg", "ant/10.jpg", "ant/9.jpg"]
        for name in names:
            save(picture(14, 17), root / part / name)
        (root / part / "ant/.thumbnails").write_bytes(b"hidden")
        REFERENCE.setdefault("folder", {})[split] = described_files(root / part, names, [0, 0, 1, 1], ["Zebra", "ant"])


def single_pictures():
    """One file a feature of JPEG and PNG that a photograph may have."""
    root = folder("pictures")
    colour, wide = picture(33, 47), picture(200, 300)
    save(wide, root / "photo-420.jpg", subsampling="4:2:0")
    save(picture(218, 178), root / "aligned-420.jpg", subsampling="4:2:0", quality=90)
    for name in ["4:4:4", "4:2:2", "4:2:0"]:
        save(colour, root / f"odd-{name.replace(':', '')}.jpg", subsampling=name)
    save(colour, root / "progressive.jpg", progressive=True)
    save(colour, root / "restarts.jpg", restart_marker_blocks=2, optimize=True)
    save(colour, root / "coarse.jpg", quality=5)
    save(picture(1, 1), root / "pixel.jpg")
    save(picture(20, 31, 1), root / "grey.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    save(colour, root / "turned.jpg", exif=exif)
    (root / "trailing.jpg").write_bytes((root / "odd-420.jpg").read_bytes() + b"after the end")
    image = Image.fromarray(colour)
    image.save(root / "colour.png")
    image.convert("L").save(root / "grey.png")
    image.convert("1").save(root / "one-bit.png")
    image.quantize(5).save(root / "palette.png")
    image.quantize(5).save(root / "palette-transparent.png", transparency=1)
    alpha = Image.fromarray(picture(33, 47, 1))
    Image.merge("RGBA", [*image.split(), alpha]).save(root / "alpha.png")
    Image.merge("LA", [image.convert("L"), alpha]).save(root / "grey-alpha.png")
    image.save(root / "lossless.webp", lossless=True)
    image.save(root / "lossy.webp")
    image.quantize(40).save(root / "palette.gif", interlace=0)
    image.quantize(256).save(root / "interlaced.gif", interlace=1)
    image.quantize(5).save(root / "transparent.gif", transparency=1)
    image.convert("L").save(root / "grey.gif")
    image.quantize(9).save(root / "moving.gif", save_all=True, append_images=[image.transpose(1).quantize(9)])
    (root / "gif-by-another-name.jpg").write_bytes((root / "palette.gif").read_bytes())
    image.convert("CMYK").save(root / "cmyk.jpg")
    # Another transform in Adobe's marker: the same bytes are luma, two chromas and black.
    adobe = (root / "cmyk.jpg").read_bytes()
    at = adobe.index(b"Adobe") + 11
    (root / "ycck.jpg").write_bytes(adobe[:at] + b"\2" + adobe[at + 1:])
    progressive = (root / "progressive.jpg").read_bytes()
    last = progressive.rindex(b"\xff\xda")
    (root / "without-its-last-scan.jpg").write_bytes(progressive[:last] + b"\xff\xd9")
    rows = (root / "odd-420.jpg").read_bytes()
    (root / "without-its-last-rows.jpg").write_bytes(rows[:-200] + b"\xff\xd9")
    for path in sorted(root.iterdir()):
        opened = Image.open(path).convert("RGB")
        planes = planar(np.asarray(opened))
        case = {"shape": planes.shape, "sha256": sha256(np.ascontiguousarray(planes).tobytes())}
        case["at"] = {f"{s} through {t}": sha256(resized(opened, s, t).tobytes()) for s, t in SIZES}
        REFERENCE.setdefault("pictures", {})[path.name] = case
    # What is refused.
    root = folder("refused")
    Image.fromarray(picture(9, 7, 1).astype(np.uint16) * 257).save(root / "deep.png")
    image.save(root / "windows.bmp.png", format="BMP")


for old in ["mnist", "cifar10", "cifar100", "svhn", "celeba", "caltech101", "tiny-imagenet", "folder", "pictures", "refused"]:
    shutil.rmtree(HERE / old, ignore_errors=True)
mnist()
batches = [f"data_batch_{at}.bin" for at in range(1, 6)]
cifar("cifar10", "cifar-10-batches-bin", [("train", batches, 2), ("test", ["test_batch.bin"], 3)], coarse=False)
cifar("cifar100", "cifar-100-binary", [("train", ["train.bin"], 4), ("test", ["test.bin"], 3)], coarse=True)
svhn()
celeba()
caltech101()
tiny_imagenet()
any_folder()
single_pictures()
(HERE / "reference.json").write_text(json.dumps(REFERENCE, indent=1) + "\n")
