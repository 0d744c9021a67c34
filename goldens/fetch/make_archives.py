"""Writes archives.bin.gz: 1,200 generated .tar.gz files, and what Python's tarfile reads from each.

    python3 goldens/fetch/make_archives.py

The file is a gzip of cases, each the length of an archive in four bytes, the archive, the length of a JSON text in four
bytes, and the text: {name: contents} of the regular files below `wanted`, or null for an archive that must be refused.
A sound archive has one or more gzip members, cut anywhere, with zeros between and after them. An archive is refused if
gzip or tarfile refuse it, or if what tarfile leaves unread has other bytes than zeros or ends within its first block.
"""

import gzip
import io
import json
import random
import struct
import tarfile
import zlib
from pathlib import Path

HERE = Path(__file__).parent
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def tar(chance):
    """A tar with files in and beside the folder; long names have entries of their own."""
    stream = io.BytesIO()
    kind = chance.choice(list(FORMATS.values()))
    with tarfile.open(fileobj=stream, mode="w", format=kind) as archive:
        for number in range(chance.randrange(0, 3)):
            folder = chance.choice(["wanted", "wanted", "wanted/deep", "beside"])
            name = f"{folder}/{number}" + chance.choice(["", ".jpg", "n" * 60, "-" + "long" * 30])
            if kind == tarfile.USTAR_FORMAT:
                name = name[:90]
            entry = tarfile.TarInfo(name)
            if chance.random() < 0.15:
                entry.type = tarfile.DIRTYPE
                archive.addfile(entry)
                continue
            contents = chance.choice([b"a", b"b", b"c"]) * chance.choice([0, 1, 5, 30, 511, 512, 513])
            entry.size = len(contents)
            archive.addfile(entry, io.BytesIO(contents))
        entry = tarfile.TarInfo("wanted/last")
        entry.size = 4
        archive.addfile(entry, io.BytesIO(b"last"))
    plain = stream.getvalue()
    # tarfile fills the last record of 10,240 bytes; other programs write the two blocks of the end alone.
    end = len(plain.rstrip(b"\0"))
    blocks = -(-end // 512) * 512
    return plain[: blocks + chance.choice([0, 512, 1024, 1024, 4096])]


def member(chance, plain):
    # Stored bytes keep this golden small: they are compressed once more.
    return gzip.compress(plain, chance.choice([0, 0, 0, 0, 0, 0, 0, 9]), mtime=0)


def case(chance):
    plain = tar(chance)
    cuts = sorted(chance.randrange(len(plain) + 1) for _ in range(chance.choice([0, 0, 1, 1, 2, 3])))
    cuts = [0, *(cut // 512 * 512 if chance.random() < 0.5 else cut for cut in cuts), len(plain)]
    parts = [member(chance, plain[begin:end]) for begin, end in zip(cuts, cuts[1:])]
    zeros = lambda: bytes(chance.choice([0, 0, 0, 1, 7, 512]))
    packed = b"".join(part + zeros() for part in parts)
    what = chance.randrange(12)
    if what == 0:
        packed += chance.choice([b"x", b"\0\0x", b"\x1f\x8b", b"<html>", member(chance, b"more")[:-1]])
    elif what == 1:
        packed += member(chance, chance.choice([b"x", bytes(512) + b"x", plain]))
    elif what == 2:
        packed = packed[: chance.randrange(1, len(packed))]
    elif what == 3:
        at = chance.randrange(len(packed))
        packed = packed[:at] + bytes([packed[at] ^ 1 << chance.randrange(8)]) + packed[at + 1 :]
    return packed


def read(packed):
    """What Python reads; None for what it refuses or leaves unread."""
    try:
        plain = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error, struct.error):
        return None
    stream = io.BytesIO(plain)
    files = {}
    try:
        with tarfile.open(fileobj=stream, mode="r:") as archive:
            for entry in archive:
                if entry.isdir():
                    continue
                if not entry.isreg() or entry.name in files:
                    return None
                files[entry.name] = archive.extractfile(entry).read()
            end = archive.offset
    except (tarfile.TarError, OSError, ValueError):
        return None
    if plain[end:].strip(b"\0") or 0 < len(plain) - end < 512:
        return None
    wanted = {name: data.decode("latin-1") for name, data in files.items() if name.startswith("wanted/")}
    return wanted or None


def main():
    chance = random.Random(24)
    cases, sound = io.BytesIO(), 0
    for _ in range(1200):
        packed = case(chance)
        files = read(packed)
        sound += files is not None
        text = json.dumps(files, sort_keys=True).encode()
        cases.write(struct.pack("<I", len(packed)) + packed + struct.pack("<I", len(text)) + text)
    written = gzip.compress(cases.getvalue(), 9, mtime=0)
    (HERE / "archives.bin.gz").write_bytes(written)
    print(f"{sound} of 1200 sound, {len(written)} bytes")


if __name__ == "__main__":
    main()
