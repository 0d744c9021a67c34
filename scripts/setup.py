#!/usr/bin/env python3
"""Download the CPU half of libtorch into `.libtorch/<version>`, as `.cargo/config.toml` expects.

The builds of libtorch for Linux that pip can download include CUDA and unpack to 4.9 GB. The CPU
half of the same build needs three wheels and a tenth of that. So this script downloads those wheels
with pip (which knows the user's index, proxy and certificates), unpacks the few files that
`libtorch.json` lists, compares each with its pinned SHA-256, and deletes the wheels. It installs
nothing, and writes nothing outside `.libtorch`. The `libtorch.so` of the wheel needs the CUDA half;
a link with that name to the CPU half satisfies every linker.

Several people may run it at any time and at once:
 * if libtorch is set up, it does nothing;
 * if it is interrupted, it keeps complete wheels, and the next run deletes the rest and resumes;
 * the result appears by one rename, so that an incomplete `.libtorch/<version>` is never seen.

With a user's own `LIBTORCH` or `LIBTORCH_USE_PYTORCH` there is nothing to do.

Exit codes, as those of the program: 0 set up, 64 usage error, 66 something is missing or damaged (a
file, pip, the download, a build for this platform), 73 can't write, 130 interrupted.
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
    """An error that the user can fix: a message and an exit code."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def say(message):
    print(f"setup: {message}", file=sys.stderr, flush=True)


def display(path):
    """A path for messages: relative if it is below the current folder."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def megabytes(count):
    return f"{count / 1e6:,.0f} MB"


# What to set up. ---------------------------------------------------------------------------------
#
# An entry of a wheel is a file, or (with a number of `files`) everything below a folder.


class Manifest:
    """The wheels to download and the files to unpack, pinned in `libtorch.json`."""

    def __init__(self, path):
        try:
            raw = path.read_bytes()
            fields = json.loads(raw)
            self.version, self.python, self.abi = fields["version"], fields["python"], fields["abi"]
            self.wheels, self.links = fields["wheels"], fields["links"]
            self.entries = [entry for wheel in self.wheels for entry in wheel["entries"]]
            self.unpacked = sum(entry["bytes"] for entry in self.entries)
        except OSError as error:
            raise Failure(NO_INPUT, f"failed to read {display(path)}: {error.strerror}")
        except (ValueError, KeyError, TypeError) as error:
            message = f"failed to parse {display(path)}: {error!r}: restore it with git"
            raise Failure(NO_INPUT, message)
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
    """One digest of {relative path: SHA-256}: that of the output of `sha256sum`, sorted by path."""
    lines = (f"{digest}  {path}\n" for path, digest in sorted(digests.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


# Is it set up? -----------------------------------------------------------------------------------


def is_stamped(manifest, home):
    try:
        return json.loads((home / STAMP).read_bytes())["manifest"] == manifest.digest
    except (OSError, ValueError, KeyError, TypeError):
        return False


def find_mismatch(manifest, home):
    """The first entry of another size or link to another target, in words, or None."""
    for entry in manifest.entries:
        path = home / entry["to"]
        files = paths_below(path) if "files" in entry else [path]
        if not path.exists():
            return f"{display(path)} is missing"
        if len(files) != entry.get("files", 1):
            return f"{display(path)} has {len(files)} files, not {entry['files']}"
        size = sum(file.stat().st_size for file in files)
        if size != entry["bytes"]:
            return f"{display(path)} has {size} bytes, not {entry['bytes']}"
    for link, target in manifest.links.items():
        if not (home / link).is_symlink() or os.readlink(home / link) != target:
            return f"{display(home / link)} is not a link to {target}"
    return None


def find_damage(manifest, home):
    """The first entry with a wrong checksum, in words, or None."""
    for entry in manifest.entries:
        path = home / entry["to"]
        if "files" in entry:
            files = {file.relative_to(path).as_posix(): file for file in paths_below(path)}
            digest = tree_sha256({name: sha256(file) for name, file in files.items()})
        else:
            digest = sha256(path)
        if digest != entry["sha256"]:
            return f"{display(path)} is damaged (wrong SHA-256 checksum)"
    return None


def check(manifest, home):
    """Verify the checksums of all unpacked files."""
    if not is_stamped(manifest, home):
        raise Failure(NO_INPUT, f"{display(home)} is missing or incomplete: run `make setup`")
    fault = find_mismatch(manifest, home) or find_damage(manifest, home)
    if fault:
        raise Failure(NO_INPUT, f"{fault}: run `rm -r {display(home)}`, then `make setup`")


def user_libtorch(manifest, home):
    """The user's own libtorch, in words; None if there is none."""
    if "LIBTORCH_USE_PYTORCH" in os.environ:
        # The interpreter that torch-sys will run.
        python = "python" if "VIRTUAL_ENV" in os.environ else "python3"
        script = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"
        try:
            found = subprocess.run([python, "-c", script], stdin=subprocess.DEVNULL).returncode == 0
        except OSError:
            found = False
        if not found:
            remedy = f"run `pip install torch=={manifest.version}` for it, or unset it"
            message = f"LIBTORCH_USE_PYTORCH is set, but `{python}` has no torch: {remedy}"
            raise Failure(NO_INPUT, message)
        return f"LIBTORCH_USE_PYTORCH is set: using the torch of `{python}`"
    given = os.environ.get("LIBTORCH")
    if given is None:
        return None
    if not os.path.isabs(given):  # torch-sys would look below its own folder
        remedy = "use an absolute path, or unset it"
        raise Failure(NO_INPUT, f"LIBTORCH is set to '{given}': {remedy}")
    if Path(given).resolve() == home.resolve():
        return None
    if not any(Path(given, "lib").glob("*torch_cpu.*")):
        remedy = "set it to a libtorch folder, or unset it"
        message = f"LIBTORCH is set to '{given}', which has no lib/libtorch_cpu: {remedy}"
        raise Failure(NO_INPUT, message)
    return f"LIBTORCH is set: using {given}"


# Download and unpack. ----------------------------------------------------------------------------


def check_platform(manifest):
    here = f"{platform.machine()} {platform.system()}"
    if here == "x86_64 Linux":
        if platform.libc_ver()[0] == "glibc":
            return
        here += " without glibc"
    raise Failure(
        NO_INPUT,
        f"this libtorch is for x86_64 Linux with glibc only, and this is {here}: "
        f"run `pip install torch=={manifest.version}` in a virtual environment, "
        "then set LIBTORCH_USE_PYTORCH=1 for every make and cargo command",
    )


def check_pip():
    null = subprocess.DEVNULL
    quiet = {"stdin": null, "stdout": null, "stderr": null}
    if subprocess.run([sys.executable, "-m", "pip", "--version"], **quiet).returncode != 0:
        raise Failure(
            NO_INPUT,
            f"{sys.executable} has no pip: install it (on Debian and Ubuntu: "
            "`apt install python3-pip`), or put a python3 with pip first on PATH",
        )


def check_space(manifest, wheels):
    """pip keeps a wheel twice for a moment; later all wheels and the unpacked files are on disk."""
    missing = [wheel for wheel in manifest.wheels if not (wheels / wheel_name(wheel)).is_file()]
    sizes = [wheel["bytes"] for wheel in missing]
    needed = sum(sizes) + max([manifest.unpacked, *sizes])
    free = shutil.disk_usage(wheels).free
    if free < needed:
        raise Failure(
            CANT_CREATE,
            f"the disk of {display(wheels)} has {megabytes(free)} free, but "
            f"{megabytes(needed)} are needed during the set-up: make room, then run "
            "`make setup` again",
        )


@contextlib.contextmanager
def lock(folder):
    """A lock that one run has at a time, and its pip if that outlives a killed run."""
    import fcntl  # missing on Windows, which check_platform has rejected

    with open(folder / "lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up to finish (it has the lock)")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def run_pip(wheel, manifest, folder, inherited):
    """Download a wheel into `folder`, with pip's temporary files; return pip's exit status."""
    requirement = folder / "requirement.txt"
    pinned = f"{wheel['project']}=={wheel['version']} --hash=sha256:{wheel['sha256']}\n"
    requirement.write_text(pinned)
    command = [sys.executable, "-m", "pip", "download", "--no-input", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--require-hashes"]
    # The tags of the wheel, so that the version of this Python does not matter.
    command += ["--implementation=cp", f"--python-version={manifest.python}"]
    command += [f"--abi={manifest.abi}", f"--platform={wheel['platform']}"]
    command += [f"--dest={folder}", f"--requirement={requirement}"]
    # PIP_REQUIRE_VIRTUALENV forbids installs outside virtual environments; a download is none.
    environment = dict(os.environ, TMPDIR=str(folder), PYTHONDONTWRITEBYTECODE="1")
    environment["PIP_REQUIRE_VIRTUALENV"] = "false"
    # stdout is for results, and this script has none.
    pip = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        pass_fds=(inherited,),
    )
    try:
        return pip.wait()
    except BaseException:
        pip.terminate()
        pip.wait()  # otherwise it would keep the lock, and write into a deleted folder
        raise


def wheel_name(wheel):
    return f"{wheel['project']}-{wheel['version']}.whl"


def fetch(wheel, manifest, wheels, inherited):
    """Download a wheel if it is missing, verify its checksum, and return its path."""
    kept = wheels / wheel_name(wheel)
    name = f"{wheel['project']} {wheel['version']}"
    if kept.is_file():
        if sha256(kept) == wheel["sha256"]:
            say(f"{name} was downloaded by an earlier run")
            return kept
        say(f"{display(kept)} is damaged: deleted, downloading it again")
        kept.unlink()
    say(f"downloading {name} ({megabytes(wheel['bytes'])})")
    with tempfile.TemporaryDirectory(prefix="pip-", dir=wheels) as folder:
        status = run_pip(wheel, manifest, Path(folder), inherited)
        found = list(Path(folder).glob("*.whl"))
        if status != 0 or len(found) != 1:
            check_pip()
            raise Failure(
                NO_INPUT,
                f"failed to download {name}: pip ended with {status}"
                f"{', its error is above' if status else ' but left no wheel'}; the disk has "
                f"{megabytes(shutil.disk_usage(folder).free)} free. Check that the package index "
                "can be reached (`python3 -m pip config list` shows it), then run `make setup` "
                "again: complete wheels are kept",
            )
        if sha256(found[0]) != wheel["sha256"]:
            raise Failure(
                NO_INPUT,
                f"{found[0].name} is damaged (wrong SHA-256 checksum): deleted. Run `make setup` "
                "again; if the error remains, the package index serves another file",
            )
        found[0].rename(kept)
    return kept


def copy_out(archive, member, to):
    """Unpack a member, and return the SHA-256 of the bytes written."""
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
                    f"{root} in {path.name} differs from its checksum in libtorch.json: restore "
                    "scripts/libtorch.json with git",
                )


def remove_all_but(kept, *folders):
    for path in [path for folder in folders for path in folder.iterdir() if path not in kept]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def set_up(manifest, into):
    """Download, unpack and verify; then rename once."""
    into.mkdir(parents=True, exist_ok=True)
    home = into / manifest.version
    with lock(into) as inherited:
        if is_stamped(manifest, home) and not find_mismatch(manifest, home):
            return  # the run that this one waited for has set it up
        partial = into / "partial"
        wheels, unpacked = partial / "wheels", partial / "unpacked"
        wheels.mkdir(parents=True, exist_ok=True)
        # Everything else was left by an interrupted run.
        kept = {wheels, *(wheels / wheel_name(wheel) for wheel in manifest.wheels)}
        remove_all_but(kept, partial, wheels)
        check_space(manifest, wheels)
        paths = [fetch(wheel, manifest, wheels, inherited) for wheel in manifest.wheels]
        for wheel, path in zip(manifest.wheels, paths):
            unpack(wheel, path, unpacked)
        for link, target in manifest.links.items():
            (unpacked / link).symlink_to(target)
        # torch-sys compares the version in this file with the one that it supports.
        (unpacked / "build-version").write_text(f"{manifest.version}\n")
        (unpacked / STAMP).write_text(json.dumps({"manifest": manifest.digest}) + "\n")
        if home.exists():
            home.rename(partial / "replaced")
        unpacked.rename(home)
        shutil.rmtree(partial)


# The command line. -------------------------------------------------------------------------------


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"setup: error: {message}\n")


def arguments():
    parser = Parser(description="Download the CPU half of libtorch into .libtorch.")
    parser.add_argument(
        "--check", action="store_true", help="verify all unpacked files, change nothing"
    )
    into, manifest = HERE.parent / ".libtorch", HERE / "libtorch.json"
    parser.add_argument("--into", type=Path, metavar="FOLDER", default=into, help="%(default)s")
    parser.add_argument(
        "--manifest", type=Path, metavar="FILE", default=manifest, help="%(default)s"
    )
    return parser.parse_args()


def run(given):
    manifest = Manifest(given.manifest)
    home = given.into / manifest.version
    own = user_libtorch(manifest, home)
    if own:
        return own
    if given.check:
        check(manifest, home)
        return f"libtorch {manifest.version} in {display(home)} is complete and verified"
    if is_stamped(manifest, home):
        fault = find_mismatch(manifest, home)
        if not fault:
            return f"libtorch {manifest.version} is in {display(home)}"
        say(f"{fault}: setting up again")
    check_platform(manifest)
    set_up(manifest, given.into.resolve())
    return f"libtorch {manifest.version} is now in {display(home)} ({megabytes(manifest.unpacked)})"


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
        say("interrupted: run `make setup` again to resume; complete wheels are kept")
        return INTERRUPTED
    except OSError as error:
        where = f" {display(error.filename)}" if error.filename else ""
        remedy = "check its permissions and the free space of the disk, then run `make setup` again"
        say(f"error: failed to read or write{where}: {error.strerror or error}: {remedy}")
        return CANT_CREATE


if __name__ == "__main__":
    sys.exit(main())
