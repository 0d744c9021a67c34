"""Damages the JPEGs and GIFs of pictures/ in many ways, and writes damaged.txt: what PIL makes of each.

    venv/bin/python goldens/data/make_damaged.py

A line: the file; its edits, one after another; the first 16 digits of the SHA-256 of PIL's pixels as 3 x H x W, or
`refused`. An edit is `set:AT:BYTE`, `cut:AT` (everything from there), `drop:FROM:TO`, `add:AT:HEX`. tests/core/data/
damaged.rs makes the same files and compares. The second argument, if any, is another seed; the third, how many files.
"""

import hashlib
import io
import random
import sys
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
NAMES = ["aligned-420.jpg", "coarse.jpg", "grey.jpg", "odd-420.jpg", "odd-422.jpg", "odd-444.jpg", "photo-420.jpg",
         "progressive.jpg", "restarts.jpg", "trailing.jpg", "turned.jpg", "cmyk.jpg", "ycck.jpg", "palette.gif",
         "interlaced.gif", "grey.gif"]


def edited(contents, edits):
    for edit in edits:
        kind, *values = edit.split(":")
        at = int(values[0])
        if kind == "set":
            contents = contents[:at] + bytes([int(values[1])]) + contents[at + 1:]
        elif kind == "cut":
            contents = contents[:at]
        elif kind == "drop":
            contents = contents[:at] + contents[int(values[1]):]
        elif kind == "add":
            contents = contents[:at] + bytes.fromhex(values[1]) + contents[at:]
    return contents


def damage(contents, draw):
    """Edits of one file: in its headers or in its data, few bytes or many, with and without an end marker."""
    size = len(contents)
    scan = max(contents.find(b"\xff\xda"), 10)
    at = draw.choice([lambda: draw.randrange(size), lambda: draw.randrange(scan, size), lambda: draw.randrange(2, scan)])()
    kind = draw.randrange(8)
    if kind < 3:
        places = [min(at + draw.randrange(40) * place, size - 1) for place in range(draw.randint(1, 4))]
        return [f"set:{place}:{draw.choice([draw.randrange(256), 0, 255])}" for place in places]
    if kind == 3:
        return [f"set:{at}:{contents[at] ^ 1 << draw.randrange(8)}"]
    if kind == 4:
        return [f"cut:{at}"]
    if kind == 5:
        return [f"cut:{at}", f"add:{at}:ffd9"]
    if kind == 6:
        return [f"drop:{at}:{min(at + draw.randint(1, 60), size)}"]
    return [f"add:{at}:{draw.randbytes(draw.randint(1, 9)).hex()}"]


def decoded(contents):
    try:
        image = Image.open(io.BytesIO(contents))
        if image.format not in ("JPEG", "GIF") or image.mode not in ("L", "P", "RGB", "CMYK"):
            return "refused"
        planes = b"".join(band.tobytes() for band in image.convert("RGB").split())
        return hashlib.sha256(planes).hexdigest()[:16]
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return "refused"


def main(seed=2020, count=2000):
    draw = random.Random(seed)
    lines = []
    for _ in range(count):
        name = draw.choice(NAMES)
        contents = (HERE / "pictures" / name).read_bytes()
        edits = damage(contents, draw)
        lines.append(f"{name} {','.join(edits)} {decoded(edited(contents, edits))}\n")
    return "".join(lines)


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.stdout.write(main(*map(int, sys.argv[1:])))
    else:
        (HERE / "damaged.txt").write_text(main())
