#!/usr/bin/env python3
"""Pack the judge into a Python wheel, so that `pip install` puts `repro` on the PATH.

    python3 scripts/wheel.py target/release/repro --platform manylinux_2_28_x86_64 --out dist

The wheel has no Python code: the program is in `repro-VERSION.data/scripts`, which pip copies into
the folder of programs of an environment. Its tag is py3-none-PLATFORM. The version is that of
Cargo.toml, and `--version` of the program has to agree where it runs on this machine. The same
program gives the same bytes: entries are sorted, dates are those of SOURCE_DATE_EPOCH (by default
1980-01-01, the first of a zip), and modes are fixed.

Only the standard library is used. Exit codes, as those of the program: 0 written, 64 usage error,
66 the program is missing or of another version, 73 can't write.
"""

import argparse
import base64
import hashlib
import io
import os
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

USAGE, NO_INPUT, CANT_CREATE = 64, 66, 73
ROOT = Path(__file__).resolve().parent.parent
NAME = "repro"
ONE = r"((manylinux|musllinux|macosx)_\d+_\d+|linux)_[a-z0-9_]+"
# Several with dots between them, for a program that runs on all of them.
PLATFORM = re.compile(rf"{ONE}(\.{ONE})*")


class Failure(Exception):
    """An error that the user can fix: a message and an exit code."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def field(manifest, name):
    """A text of the first table of Cargo.toml, which is [package]."""
    package = manifest.split("\n[", 2)[0] if manifest.startswith("[package]") else ""
    found = re.search(rf'^{name} = "((?:[^"\\]|\\.)*)"$', package, re.MULTILINE)
    if found is None:
        raise Failure(NO_INPUT, f"failed to read {name} in Cargo.toml")
    return found[1].replace('\\"', '"')


def checked(program, version):
    """The bytes of the program, whose version has to be that of the manifest."""
    try:
        data = program.read_bytes()
    except OSError as error:
        raise Failure(NO_INPUT, f"failed to read {program}: {error.strerror}") from error
    try:
        ran = subprocess.run(
            [program.resolve(), "--version"], capture_output=True, text=True, check=False
        )
    except OSError:
        # It is for another platform.
        return data
    stated = ran.stdout.strip()
    if stated != f"{NAME} {version}":
        raise Failure(NO_INPUT, f"failed to pack {program}: it is `{stated}`, not {version}")
    return data


def metadata(manifest, readme, version):
    return (
        "Metadata-Version: 2.4\n"
        f"Name: {NAME}\n"
        f"Version: {version}\n"
        f"Summary: {field(manifest, 'description')}\n"
        f"License-Expression: {field(manifest, 'license')}\n"
        "License-File: LICENSE-APACHE\n"
        "License-File: LICENSE-MIT\n"
        "License-File: NOTICE\n"
        "Requires-Python: >=3\n"
        "Description-Content-Type: text/markdown\n"
        f"\n{readme}"
    ).encode()


def entries(program, platform):
    """Name, bytes and mode of each file of the wheel, RECORD last, as the format asks."""
    manifest = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    version = field(manifest, "version")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    base = f"{NAME}-{version}"
    info = f"{base}.dist-info"
    tags = "".join(f"Tag: py3-none-{one}\n" for one in platform.split("."))
    wheel = (
        "Wheel-Version: 1.0\n"
        "Generator: scripts/wheel.py\n"
        "Root-Is-Purelib: false\n"
        f"{tags}"
    )
    files = {
        f"{base}.data/scripts/{NAME}": (checked(program, version), 0o755),
        f"{info}/METADATA": (metadata(manifest, readme, version), 0o644),
        f"{info}/WHEEL": (wheel.encode(), 0o644),
    }
    for name in ["LICENSE-APACHE", "LICENSE-MIT", "NOTICE"]:
        files[f"{info}/licenses/{name}"] = ((ROOT / name).read_bytes(), 0o644)
    lines = []
    for name, (data, _) in sorted(files.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}\n")
    record = f"{info}/RECORD"
    lines.append(f"{record},,\n")
    packed = [(name, data, mode) for name, (data, mode) in sorted(files.items())]
    return base, [*packed, (record, "".join(lines).encode(), 0o644)]


def zipped(packed, date):
    """The bytes of the archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data, mode in packed:
            entry = zipfile.ZipInfo(name, date)
            # Unix, whatever this machine is; a regular file.
            entry.create_system = 3
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data, compresslevel=9)
    return buffer.getvalue()


def main(arguments):
    parser = argparse.ArgumentParser(description="Pack the judge into a Python wheel.")
    parser.add_argument("program", type=Path, help="the program, built without the engine")
    parser.add_argument("--platform", required=True, help="platform tag, as in PEP 600")
    parser.add_argument("--out", type=Path, default=Path("dist"), help="folder of the wheel")
    try:
        options = parser.parse_args(arguments)
    except SystemExit as stopped:
        return USAGE if stopped.code else 0
    try:
        if PLATFORM.fullmatch(options.platform) is None:
            raise Failure(USAGE, f"failed to use `{options.platform}`: it is no platform tag")
        epoch = max(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), 315532800)
        base, packed = entries(options.program, options.platform)
        path = options.out / f"{base}-py3-none-{options.platform}.whl"
        data = zipped(packed, time.gmtime(epoch)[:6])
        try:
            options.out.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".part")
            partial.write_bytes(data)
            partial.replace(path)
        except OSError as error:
            raise Failure(CANT_CREATE, f"failed to write {path}: {error.strerror}") from error
    except Failure as failure:
        print(f"wheel: {failure}", file=sys.stderr)
        return failure.code
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
