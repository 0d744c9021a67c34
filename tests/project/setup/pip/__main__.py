"""A stand-in for pip in tests/project/setup: it provides wheels from a folder, and fails as real downloads do.

FAKE_PIP is a folder with `<project>.whl` for each project, `log`, to which each download adds a line, and optionally
`<project>.mode`: `dies` midway, `truncates` the wheel, or `hangs` midway for a moment before it dies.
"""

import os
import sys
import time
from pathlib import Path

folder = Path(os.environ["FAKE_PIP"])
if (folder / "absent").exists():
    sys.exit(1)
if "--version" in sys.argv:
    sys.exit(0)

options = dict(argument.split("=", 1) for argument in sys.argv if argument.startswith("--") and "=" in argument)
requirement = Path(options["--requirement"]).read_text()
project = requirement.split("==")[0]
with open(folder / "log", "a") as log:
    log.write(f"{project}\n")

wheel = (folder / f"{project}.whl").read_bytes()
mode_file = folder / f"{project}.mode"
mode = mode_file.read_text() if mode_file.exists() else "serves"
if mode in ("dies", "hangs"):
    Path(os.environ["TMPDIR"], "half.whl.part").write_bytes(wheel[: len(wheel) // 2])
    if mode == "hangs":
        time.sleep(1)
    print("ERROR: connection reset by peer", file=sys.stderr)
    sys.exit(1)
if mode == "truncates":
    wheel = wheel[: len(wheel) // 2]
Path(options["--dest"], f"{project}-1.0-py3-none-any.whl").write_bytes(wheel)
