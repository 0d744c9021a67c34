#!/usr/bin/env python3
"""Put libtorch's CPU half where `.cargo/config.toml` expects it: `.libtorch/<version>`.

The builds of libtorch that pip can fetch for Linux carry CUDA and unpack to 4.9 GB. The CPU half of the same build
needs three wheels and a tenth of that, so this script downloads those wheels with pip (which knows the user's index,
proxy and certificates), unpacks the few files that `libtorch.json` names, compares each with its pinned SHA-256, and
throws the wheels away. Nothing is installed, and nothing outside `.libtorch` is written. The wheel's own `libtorch.so`
demands the CUDA half; a link of that name, to the CPU half, satisfies every linker.

It is safe to run at any time, any number of times, by several people at once:
 * in place already, it does nothing;
 * interrupted, it keeps the wheels that were complete, and the next run removes the rest and goes on;
 * the result appears by one rename, so a half-done `.libtorch/<version>` is never seen.

A user's own `LIBTORCH` or `LIBTORCH_USE_PYTORCH` is respected: then there is nothing to do.

Exit codes, as the program's: 0 in place, 64 usage, 66 something needed is missing or damaged (a file, pip, the
download, a build for this platform), 73 can't write; and 130 interrupted.
"""

import argparse
import contextlib
import hashlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

USAGE, NO_INPUT, CANT_CREATE, INTERRUPTED = 64, 66, 73, 130
HERE = Path(__file__).resolve().parent
CHUNK = 1 << 20
STAMP = "stamp.json"


class Failure(Exception):
    """Something that the user can act on: one message, one exit code."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def say(message):
    print(f"setup: {message}", file=sys.stderr, flush=True)


def shown(path):
    """A path as the user would type it: relative where it lies below the current folder."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def megabytes(count):
    return f"{count / 1e6:,.0f} MB"


# What should be there. -----------------------------------------------------------------------------------------
#
# A wheel's entries say what is taken out of it: a file, or (with a count of `files`) all that lies below a folder.


class Manifest:
    """What to fetch and what must come out of it, pinned in `libtorch.json`."""

    def __init__(self, path):
        try:
            raw = path.read_bytes()
            fields = json.loads(raw)
            self.version, self.python, self.abi = fields["version"], fields["python"], fields["abi"]
            self.wheels, self.links = fields["wheels"], fields["links"]
            self.entries = [entry for wheel in self.wheels for entry in wheel["entries"]]
            self.unpacked = sum(entry["bytes"] for entry in self.entries)
        except OSError as error:
            raise Failure(NO_INPUT, f"failed to read {shown(path)}: {error.strerror}")
        except (ValueError, KeyError, TypeError) as error:
            raise Failure(NO_INPUT, f"failed to read {shown(path)}: {error!r}: restore it with git")
        self.digest = hashlib.sha256(raw).hexdigest()


def paths_below(root):
    return [Path(folder, name) for folder, _, names in os.walk(root) for name in names]


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


def tree_sha256(digests):
    """One digest over {relative path: SHA-256}: that of the lines `sha256sum` would print, sorted by path."""
    lines = (f"{digest}  {path}\n" for path, digest in sorted(digests.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


# Is it there? --------------------------------------------------------------------------------------------------


def is_stamped(manifest, home):
    try:
        return json.loads((home / STAMP).read_bytes())["manifest"] == manifest.digest
    except (OSError, ValueError, KeyError, TypeError):
        return False


def misfit(manifest, home):
    """The first entry or link that is not as pinned, by size or target, in words; None where all are."""
    for entry in manifest.entries:
        path = home / entry["to"]
        files = paths_below(path) if "files" in entry else [path]
        if not path.exists():
            return f"{shown(path)} is missing"
        if len(files) != entry.get("files", 1):
            return f"{shown(path)} holds {len(files)} files, not {entry['files']}"
        size = sum(file.stat().st_size for file in files)
        if size != entry["bytes"]:
            return f"{shown(path)} has {size} bytes, not {entry['bytes']}"
    for link, target in manifest.links.items():
        if not (home / link).is_symlink() or os.readlink(home / link) != target:
            return f"{shown(home / link)} is no link to {target}"
    return None


def damage(manifest, home):
    """The first entry whose bytes are not as pinned, in words; None where all are."""
    for entry in manifest.entries:
        path = home / entry["to"]
        if "files" in entry:
            digest = tree_sha256({file.relative_to(path).as_posix(): sha256(file) for file in paths_below(path)})
        else:
            digest = sha256(path)
        if digest != entry["sha256"]:
            return f"{shown(path)} is damaged (its sha256 is not the pinned one)"
    return None


def check(manifest, home):
    """Re-hash all that was unpacked."""
    if not is_stamped(manifest, home):
        raise Failure(NO_INPUT, f"{shown(home)} is missing or incomplete: run `make setup`")
    fault = misfit(manifest, home) or damage(manifest, home)
    if fault:
        raise Failure(NO_INPUT, f"{fault}: `rm -r {shown(home)}`, then `make setup`")


def of_the_user(manifest, home):
    """What the user brings in place of our libtorch, in words; None where that is nothing."""
    if "LIBTORCH_USE_PYTORCH" in os.environ:
        # The interpreter that torch-sys will ask.
        python = "python" if "VIRTUAL_ENV" in os.environ else "python3"
        finds = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"
        try:
            found = subprocess.run([python, "-c", finds], stdin=subprocess.DEVNULL).returncode == 0
        except OSError:
            found = False
        if not found:
            remedy = f"`pip install torch=={manifest.version}` there, or unset it"
            raise Failure(NO_INPUT, f"LIBTORCH_USE_PYTORCH is set, but `{python}` finds no torch: {remedy}")
        return f"LIBTORCH_USE_PYTORCH is set: using the torch of `{python}`"
    theirs = os.environ.get("LIBTORCH")
    if theirs is None:
        return None
    if not os.path.isabs(theirs):  # torch-sys would look below its own folder
        raise Failure(NO_INPUT, f"LIBTORCH is set to '{theirs}': make that an absolute path, or unset it")
    if Path(theirs).resolve() == home.resolve():
        return None
    if not any(Path(theirs, "lib").glob("*torch_cpu.*")):
        remedy = "point it at a libtorch folder, or unset it"
        raise Failure(NO_INPUT, f"LIBTORCH is set to '{theirs}', which holds no lib/libtorch_cpu: {remedy}")
    return f"LIBTORCH is set: using {theirs}"


# Getting it. ---------------------------------------------------------------------------------------------------


def demand_platform(manifest):
    here = f"{platform.machine()} {platform.system()}"
    if here == "x86_64 Linux":
        if platform.libc_ver()[0] == "glibc":
            return
        here += " without glibc"
    raise Failure(
        NO_INPUT,
        f"the slim libtorch exists for x86_64 Linux with glibc only, and this is {here}: "
        f"`pip install torch=={manifest.version}` in a virtual environment, "
        "then set LIBTORCH_USE_PYTORCH=1 for every make and cargo command",
    )


def demand_pip():
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if subprocess.run([sys.executable, "-m", "pip", "--version"], **quiet).returncode != 0:
        raise Failure(
            NO_INPUT,
            f"{sys.executable} has no pip: install it (on Debian and Ubuntu: `apt install python3-pip`), "
            "or put a python3 that has it first on PATH",
        )


def demand_space(manifest, wheels):
    """pip holds a wheel twice for a moment; later all wheels and what is unpacked lie side by side."""
    sizes = [wheel["bytes"] for wheel in manifest.wheels if not (wheels / kept_name(wheel)).is_file()]
    needed = sum(sizes) + max([manifest.unpacked, *sizes])
    free = shutil.disk_usage(wheels).free
    if free < needed:
        raise Failure(
            CANT_CREATE,
            f"the disk of {shown(wheels)} has {megabytes(free)} free, and {megabytes(needed)} are needed for the "
            "moment: make room, then run `make setup` again",
        )


@contextlib.contextmanager
def lock(folder):
    """Held by one run at a time, and by its pip, should that outlive a killed run."""
    import fcntl  # not on Windows, which demand_platform has sent away by now

    with open(folder / "lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up is at work here: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def run_pip(wheel, manifest, folder, inherited):
    """Download one wheel into `folder`, with all that pip writes on the way; return pip's exit status."""
    requirement = folder / "requirement.txt"
    requirement.write_text(f"{wheel['project']}=={wheel['version']} --hash=sha256:{wheel['sha256']}\n")
    command = [sys.executable, "-m", "pip", "download", "--no-input", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--require-hashes"]
    # The wheel's own tags, so that the version of the Python that runs this does not matter.
    command += ["--implementation=cp", f"--python-version={manifest.python}", f"--abi={manifest.abi}"]
    command += [f"--platform={wheel['platform']}", f"--dest={folder}", f"--requirement={requirement}"]
    # A user who forbids pip to install outside virtual environments may still download.
    environment = dict(os.environ, TMPDIR=str(folder), PYTHONDONTWRITEBYTECODE="1", PIP_REQUIRE_VIRTUALENV="false")
    # stdout is for results, and there are none.
    pip = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, pass_fds=(inherited,)
    )
    try:
        return pip.wait()
    except BaseException:
        pip.terminate()
        pip.wait()  # or it would still hold the lock, and write into what is removed next
        raise


def kept_name(wheel):
    return f"{wheel['project']}-{wheel['version']}.whl"


def fetch(wheel, manifest, wheels, inherited):
    """The path of the wheel, complete and with the pinned hash."""
    kept = wheels / kept_name(wheel)
    name = f"{wheel['project']} {wheel['version']}"
    if kept.is_file():
        if sha256(kept) == wheel["sha256"]:
            say(f"{name} is here from an earlier run")
            return kept
        say(f"{shown(kept)} is damaged: removed, downloading it again")
        kept.unlink()
    say(f"downloading {name} ({megabytes(wheel['bytes'])})")
    with tempfile.TemporaryDirectory(prefix="pip-", dir=wheels) as folder:
        status = run_pip(wheel, manifest, Path(folder), inherited)
        found = list(Path(folder).glob("*.whl"))
        if status != 0 or len(found) != 1:
            demand_pip()
            raise Failure(
                NO_INPUT,
                f"failed to download {name}: pip ended with {status}"
                f"{', its message is above' if status else ' but left no wheel'}; the disk has "
                f"{megabytes(shutil.disk_usage(folder).free)} free. See whether the package index can be reached "
                "(`python3 -m pip config list` shows which), then run `make setup` again: complete wheels are kept",
            )
        if sha256(found[0]) != wheel["sha256"]:
            raise Failure(
                NO_INPUT,
                f"{found[0].name} is damaged (its sha256 is not the pinned one): removed. "
                "Run `make setup` again; if it stays so, the package index serves another file",
            )
        found[0].rename(kept)
    return kept


def copy_out(archive, member, to):
    """Unpack one member and return its SHA-256, taken from the bytes that are written."""
    to.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with archive.open(member) as source, open(to, "wb") as target:
        for chunk in iter(lambda: source.read(CHUNK), b""):
            target.write(chunk)
            digest.update(chunk)
    return digest.hexdigest()


def unpack(wheel, path, into):
    say(f"unpacking {wheel['project']} {wheel['version']}")
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if not name.endswith("/")]
        for entry in wheel["entries"]:
            root, to = entry["member"], into / entry["to"]
            if "files" in entry:
                inside = {name[len(root) :]: name for name in members if name.startswith(root)}
                digests = {at: copy_out(archive, name, to / at) for at, name in inside.items()}
                digest = tree_sha256(digests)
            else:
                digest = copy_out(archive, root, to) if root in members else None
            if digest != entry["sha256"]:
                raise Failure(
                    NO_INPUT,
                    f"{root} in {path.name} is not what libtorch.json pins: restore scripts/libtorch.json with git",
                )


def remove_all_but(wanted, *folders):
    for path in [path for folder in folders for path in folder.iterdir() if path not in wanted]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def set_up(manifest, into):
    """Fetch, unpack, verify; then one rename."""
    into.mkdir(parents=True, exist_ok=True)
    home = into / manifest.version
    with lock(into) as inherited:
        if is_stamped(manifest, home) and not misfit(manifest, home):
            return  # the run that we waited for did it
        partial = into / "partial"
        wheels, unpacked = partial / "wheels", partial / "unpacked"
        wheels.mkdir(parents=True, exist_ok=True)
        # Whatever else is here was left by a run that was interrupted.
        remove_all_but({wheels, *(wheels / kept_name(wheel) for wheel in manifest.wheels)}, partial, wheels)
        demand_space(manifest, wheels)
        paths = [fetch(wheel, manifest, wheels, inherited) for wheel in manifest.wheels]
        for wheel, path in zip(manifest.wheels, paths):
            unpack(wheel, path, unpacked)
        for link, target in manifest.links.items():
            (unpacked / link).symlink_to(target)
        # torch-sys compares this file's version with the one that it was written for.
        (unpacked / "build-version").write_text(f"{manifest.version}\n")
        (unpacked / STAMP).write_text(json.dumps({"manifest": manifest.digest}) + "\n")
        if home.exists():
            home.rename(partial / "replaced")
        unpacked.rename(home)
        shutil.rmtree(partial)


# The command line. ---------------------------------------------------------------------------------------------


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"setup: error: {message}\n")


def arguments():
    parser = Parser(description="Fetch the CPU half of libtorch into a folder of its own.")
    parser.add_argument("--check", action="store_true", help="re-hash all that was unpacked, change nothing")
    parser.add_argument("--into", type=Path, metavar="FOLDER", default=HERE.parent / ".libtorch", help="%(default)s")
    parser.add_argument("--manifest", type=Path, metavar="FILE", default=HERE / "libtorch.json", help="%(default)s")
    return parser.parse_args()


def run(given):
    manifest = Manifest(given.manifest)
    home = given.into / manifest.version
    theirs = of_the_user(manifest, home)
    if theirs:
        return theirs
    if given.check:
        check(manifest, home)
        return f"libtorch {manifest.version} in {shown(home)} is whole"
    if is_stamped(manifest, home):
        fault = misfit(manifest, home)
        if not fault:
            return f"libtorch {manifest.version} is in {shown(home)}"
        say(f"{fault}: setting up again")
    demand_platform(manifest)
    set_up(manifest, given.into.resolve())
    return f"libtorch {manifest.version} is now in {shown(home)} ({megabytes(manifest.unpacked)})"


def main():
    def stop(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        say(run(arguments()))
        return 0
    except Failure as failure:
        say(f"error: {failure}")
        return failure.code
    except KeyboardInterrupt:
        say("interrupted: run `make setup` again to go on; wheels that are complete are kept")
        return INTERRUPTED
    except OSError as error:
        where = f" {shown(error.filename)}" if error.filename else ""
        remedy = "see to the folder's permissions and the disk's free space, then run `make setup` again"
        say(f"error: failed to read or write{where}: {error.strerror or error}: {remedy}")
        return CANT_CREATE


if __name__ == "__main__":
    sys.exit(main())
