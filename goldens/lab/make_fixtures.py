"""Makes the small packed images beside itself, and reference.json, which tests/lab.rs reads.

    python -m venv venv && venv/bin/pip install -r goldens/data/requirements.txt
    venv/bin/python goldens/lab/make_fixtures.py

`scripts/pack_lab.py` packs them, as it packs Tiny ImageNet, CIFAR-10 and KMNIST, from folders and files of the same
form; reference.json has what Pillow decodes of each image: the SHA-256 of all bytes of a split as N x 3 x H x W. Images
are made here, from a fixed seed; nobody else's are shipped.
"""

import hashlib
import json
import struct
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "goldens" / "data")]
import pack_lab  # noqa: E402

GENERATOR = np.random.default_rng(64)
CLASSES = ["n00000001", "n00000002", "n00000003", "n00000004"]
REFERENCE = {}


def picture(label, side):
    """A disc on a slope, whose place and colours are the class's, nearly."""
    y, x = np.mgrid[0 : 1 : side * 1j, 0 : 1 : side * 1j]
    own = np.random.default_rng(label)
    centre = own.uniform(0.3, 0.7, 2) + GENERATOR.normal(0, 0.06, 2)
    inside = np.hypot(x - centre[0], y - centre[1]) < own.uniform(0.15, 0.35)
    planes = []
    for _ in range(3):
        low, high = own.uniform(20, 120), own.uniform(130, 240)
        planes.append(np.where(inside, high, low + 60 * x) + GENERATOR.normal(0, 12, x.shape))
    return np.clip(np.stack(planes, 2), 0, 255).round().astype(np.uint8)


def folders(root):
    for label, name in enumerate(CLASSES):
        images = root / "tiny" / "train" / name / "images"
        images.mkdir(parents=True)
        for at in range(20):
            Image.fromarray(picture(label, 64)).save(images / f"{name}_{at}.JPEG", quality=75)
    for label, name in enumerate(pack_lab.CIFAR10):
        for split, count in [("train", 12), ("test", 6)]:
            images = root / "cifar10" / split / name
            images.mkdir(parents=True)
            for at in range(count):
                Image.fromarray(picture(100 + label, 32)).save(images / f"{at:04}.jpg", quality=75)


def idx(root):
    labels = np.arange(180, dtype=np.uint8) % 10
    images = np.stack([picture(200 + label, 28).mean(2).astype(np.uint8) for label in labels])
    root.mkdir()
    (root / "t10k-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x803, 180, 28, 28) + images.tobytes())
    (root / "t10k-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 180) + labels.tobytes())


def official(root):
    """Files as CIFAR-10's official ones: a label, then planes of red, green and blue."""
    root.mkdir()
    for file, count in [("data_batch_1", 20), ("data_batch_2", 10), ("test_batch", 10)]:
        labels = [at % 10 for at in range(count)]
        records = [bytes([label]) + np.moveaxis(picture(300 + label, 32), 2, 0).tobytes() for label in labels]
        (root / f"{file}.bin").write_bytes(b"".join(records))


def decoded(path):
    """What Pillow makes of a packed file, taken apart by its own header."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    part = lambda name: data[8 + length :][slice(*header[name]["data_offsets"])]
    numbers = lambda name: struct.unpack(f"<{len(part(name)) // 4}I", part(name))
    described = {"made_from": header["__metadata__"]["made_from"]}
    for split in ["train", "test"]:
        ends, files = numbers(f"{split}.ends"), part(f"{split}.files")
        pixels = hashlib.sha256()
        for start, end in zip((0, *ends), ends):
            with tempfile.SpooledTemporaryFile() as file:
                file.write(part("front") + files[start:end])
                file.seek(0)
                pixels.update(np.moveaxis(np.asarray(Image.open(file).convert("RGB")), 2, 0).tobytes())
        described[split] = {"labels": numbers(f"{split}.labels"), "sha256": pixels.hexdigest()}
    return described


def main():
    pack_lab.PER_CLASS.update({"cifar10": (12, 6), "kmnist": (12, 6)})
    with tempfile.TemporaryDirectory() as root:
        root = Path(root)
        folders(root)
        idx(root / "kmnist")
        pack_lab.tiny_imagenet(root / "tiny", HERE, 30_000)
        pack_lab.cifar10(root / "cifar10", HERE)
        pack_lab.idx("kmnist", root / "kmnist", HERE)
        official(root / "official")
        pack_lab.PER_CLASS["cifar10"] = (2, 1)
        (HERE / "official").mkdir(exist_ok=True)
        pack_lab.cifar10(root / "official", HERE / "official")
    for name in ["source", "cifar10", "official/cifar10"]:
        REFERENCE[name] = decoded(HERE / f"{name}.safetensors")
    (HERE / "reference.json").write_text(json.dumps(REFERENCE, indent=1) + "\n")


if __name__ == "__main__":
    main()
