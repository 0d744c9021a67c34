"""Cuts the images of the smoke world from the official files of Fashion-MNIST, KMNIST and MNIST, and writes SHA256SUMS.

    python3 goldens/smoke/images/cut.py --fmnist DIR --kmnist DIR --mnist DIR

Each folder holds a data set's IDX files under their official names, plain or with .gz; README.md beside this script
says where they come from. Every file that is read must unpack to the SHA-256 written in OFFICIAL; only then is anything
written. Needs nothing but Python's standard library.

  mnist            from the train split 640 images of each class for train, from the test split 200 of each for test.
  kmnist           from the test split 640 images of each class for train, the next 200 of each for test.
  fmnist_held_out  the classes in HELD_OUT: from the train split 1,600 of each for train, from the test split 500 of
                   each for test; labels are the places in that list.
  fmnist_source    the classes in SOURCE: the first 1,280 of the train split, in the order of the file; labels likewise.

But for the last, which images of a class are taken follows from their rank by the SHA-256 of the text
"repro smoke {dataset} {split} {index}", where split and index say where the image stands in the official files: the
lowest are taken. They are written in ascending order of that hash over all classes: mixed, not sorted by class. Only a
whole file has equal classes: its start and its end do not, as how far the hash of the lowest images reaches differs
from class to class. Files are gzip at level 9 without a time or a name: the same zlib makes the same bytes.
"""

import argparse
import gzip
import hashlib
import struct
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
IMAGES, LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"
IMAGES_MAGIC, LABELS_MAGIC, SIDE = 0x00000803, 0x00000801, 28
OFFICIAL_SPLITS = {"train": "train", "test": "t10k"}
ALL, HELD_OUT, SOURCE = list(range(10)), [2, 5, 6, 9], [0, 1, 3, 4, 7, 8]
FIRST = 1280

# By the unpacked bytes, as data sets are passed on packed in more than one way.
OFFICIAL = {
    ("fmnist", "train-images-idx3-ubyte"): "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    ("fmnist", "train-labels-idx1-ubyte"): "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    ("fmnist", "t10k-images-idx3-ubyte"): "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    ("fmnist", "t10k-labels-idx1-ubyte"): "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ("kmnist", "t10k-images-idx3-ubyte"): "76fbd229ce87db80dd281af5e6670de4ad0e42fb30a7bd643972994c47c1f42e",
    ("kmnist", "t10k-labels-idx1-ubyte"): "a11dc742be8e781a40a92f53d6a4957e7b7d36df2faa097659131ebfd8fd60c6",
    ("mnist", "train-images-idx3-ubyte"): "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ("mnist", "train-labels-idx1-ubyte"): "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ("mnist", "t10k-images-idx3-ubyte"): "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ("mnist", "t10k-labels-idx1-ubyte"): "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def official(folder, dataset, name):
    """The unpacked bytes of an official file, or the end of the program."""
    path = folder / name
    if not path.is_file():
        path = folder / f"{name}.gz"
    if not path.is_file():
        raise SystemExit(f"{folder / name}: not found, neither plain nor as {name}.gz")
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise SystemExit(f"{path}: cannot be read: {error}")
    found, expected = hashlib.sha256(data).hexdigest(), OFFICIAL[dataset, name]
    if found != expected:
        raise SystemExit(f"{path}: not the official file: its content has SHA-256 {found}, not {expected}")
    return data


class Split:
    """An official split: its images, each of 28x28 bytes, and its labels."""

    def __init__(self, folder, dataset, split):
        prefix = OFFICIAL_SPLITS[split]
        images = official(folder, dataset, f"{prefix}-{IMAGES}")
        labels = official(folder, dataset, f"{prefix}-{LABELS}")
        magic, count, height, width = struct.unpack(">IIII", images[:16])
        assert (magic, height, width) == (IMAGES_MAGIC, SIDE, SIDE)
        assert struct.unpack(">II", labels[:8]) == (LABELS_MAGIC, count)
        self.dataset, self.split = dataset, split
        self.images = [images[at : at + SIDE * SIDE] for at in range(16, len(images), SIDE * SIDE)]
        self.labels = labels[8:]
        assert len(self.images) == len(self.labels) == count

    def rank(self, index):
        return hashlib.sha256(f"repro smoke {self.dataset} {self.split} {index}".encode()).digest()

    def lowest(self, classes, start, end):
        """Of each class the images ranked from start up to end, in ascending order of the hash over all classes."""
        ranked = sorted(range(len(self.labels)), key=self.rank)
        places = {index for label in classes for index in [i for i in ranked if self.labels[i] == label][start:end]}
        assert len(places) == len(classes) * (end - start)
        return [index for index in ranked if index in places]

    def first(self, classes, count):
        """The first images of these classes, in the order of the file."""
        places = [index for index, label in enumerate(self.labels) if label in classes][:count]
        assert len(places) == count
        return places


def write(name, split, classes, indices):
    """Images and labels of the indices, each label the place of the class in classes."""
    images = struct.pack(">IIII", IMAGES_MAGIC, len(indices), SIDE, SIDE) + b"".join(split.images[i] for i in indices)
    labels = struct.pack(">II", LABELS_MAGIC, len(indices)) + bytes(classes.index(split.labels[i]) for i in indices)
    for kind, data in [(IMAGES, images), (LABELS, labels)]:
        path = HERE / f"{name}-{kind}.gz"
        # GzipFile writes the same header in all versions of Python; gzip.compress does not.
        with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
            packed.write(data)
        print(f"{path.name}: {len(indices)} of {len(classes)} classes, {path.stat().st_size} bytes")


def main():
    parser = argparse.ArgumentParser(description="Cuts the images of the smoke world from the official files.")
    for dataset in ["fmnist", "kmnist", "mnist"]:
        parser.add_argument(f"--{dataset}", type=Path, required=True, metavar="DIR", help="its official files")
    folders = parser.parse_args()
    mnist_train, mnist_test = [Split(folders.mnist, "mnist", split) for split in ["train", "test"]]
    kmnist_test = Split(folders.kmnist, "kmnist", "test")
    fmnist_train, fmnist_test = [Split(folders.fmnist, "fmnist", split) for split in ["train", "test"]]

    write("mnist-train", mnist_train, ALL, mnist_train.lowest(ALL, 0, 640))
    write("mnist-test", mnist_test, ALL, mnist_test.lowest(ALL, 0, 200))
    write("kmnist-train", kmnist_test, ALL, kmnist_test.lowest(ALL, 0, 640))
    write("kmnist-test", kmnist_test, ALL, kmnist_test.lowest(ALL, 640, 840))
    write("fmnist_held_out-train", fmnist_train, HELD_OUT, fmnist_train.lowest(HELD_OUT, 0, 1600))
    write("fmnist_held_out-test", fmnist_test, HELD_OUT, fmnist_test.lowest(HELD_OUT, 0, 500))
    write("fmnist_source-first", fmnist_train, SOURCE, fmnist_train.first(SOURCE, FIRST))

    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(HERE.glob("*.gz"))]
    (HERE / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    main()
