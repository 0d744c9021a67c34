#!/usr/bin/env python3
"""Runs a claim of twenty fine-tunes by workers on a real Slurm, with a fault in each run, and
compares each ledger with that of one process without Slurm, bit for bit. As root, with Debian's
slurm-wlm and munge (scripts/slurm.sh), and cc.

    scripts/slurm_faults.py REPRO [SCENARIO]...     # all scenarios where none is named
    scripts/slurm_faults.py --list

REPRO is the program with its engine beside it. `--other PROGRAM` before it names the program of
another version, for `two_versions`. Prints a line each: the scenario, how many records the ledger
has, how many fine-tunes were resumed or begun again and how much work that was, the seconds that it
took, and what was wrong. Exits with 1 if a scenario failed. Needs Python 3.9 and its standard
library alone.
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

PROJECT = pathlib.Path(__file__).resolve().parents[1]
CLAIMS = PROJECT / "tests" / "cluster" / "claims"
NODES = 4
# Others than those of the tests that start a Slurm.
PORT = int(os.environ.get("PORT", "17817"))
# A library for one process: a lock of a file that is always there, or a clock that is late.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int flock(int file, int operation) {
    static int (*next)(int, int);
    if (getenv("SHIM_FLOCK")) return 0;
    if (!next) next = dlsym(RTLD_NEXT, "flock");
    return next(file, operation);
}
int clock_gettime(clockid_t id, struct timespec *time) {
    static int (*next)(clockid_t, struct timespec *);
    const char *late = getenv("SHIM_LATE");
    int result;
    if (!next) next = dlsym(RTLD_NEXT, "clock_gettime");
    result = next(id, time);
    if (late && id == CLOCK_REALTIME) time->tv_sec -= atoi(late);
    return result;
}
"""


class Failed(Exception):
    """A scenario did not end as it should."""


def check(condition, words):
    if not condition:
        raise Failed(words)


class Starts(threading.Thread):
    """Watches who runs each fine-tune and for how long, by leases."""

    def __init__(self, ledger):
        super().__init__(daemon=True)
        self.ledger, self.held, self.over = ledger, {}, threading.Event()
        self.resumed = 0

    def run(self):
        while not self.over.wait(0.03):
            for lease in leases(self.ledger):
                # A worker that was killed leaves its lease.
                if pathlib.Path(f"/proc/{lease['pid']}").exists():
                    begun = (lease["worker"], lease["pid"], lease["started"])
                    times = self.held.setdefault(lease["trial"], {})
                    now = time.monotonic()
                    record = self.ledger / "entries" / lease["trial"][:2] / f"{lease['trial']}.json"
                    if begun not in times and record.exists():
                        continue  # It looks for the record, and finds it.
                    if times and begun not in times:
                        self.resumed += any(self.ledger.glob(f"epochs/*/{lease['trial']}.*"))
                    times[begun] = (times.get(begun, (now,))[0], now)

    def stop(self):
        """How many fine-tunes were resumed by another worker, how many were begun again, and how
        many fine-tunes' worth of work was done twice: what all of a fine-tune's workers took beyond
        the time that its record has, which includes the epochs that it resumed from."""
        self.over.set()
        self.join()
        again = sum(len(times) - 1 for times in self.held.values()) - self.resumed
        twice = 0.0
        for path in entries(self.ledger):
            times, seconds = self.held.get(path.stem, {}), 0.0
            if len(times) > 1:
                seconds = json.loads(path.read_text())["entry"]["provenance"]["seconds"]
                held = sum(last - first for first, last in times.values())
                # Where the second run had more of a busy core, it seems to be more than the whole.
                twice += min(len(times) - 1, max(0.0, held - seconds) / seconds)
        return self.resumed, again, twice


def leases(ledger):
    found = []
    for path in ledger.glob("leases/*/*.json"):
        try:
            found.append(json.loads(path.read_text()))
        except (OSError, ValueError):
            pass  # Removed or written at this moment.
    return found


def without_times(value):
    """A record's outcome without the seconds of its evaluations."""
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k != "seconds"}
    return [without_times(v) for v in value] if isinstance(value, list) else value


def entries(ledger):
    return [path for path in ledger.glob("entries/*/*.json") if not path.name.startswith(".")]


def records(ledger):
    found = {}
    for path in entries(ledger):
        entry = json.loads(path.read_text())["entry"]
        found[path.stem] = json.dumps(without_times(entry["outcome"]), sort_keys=True)
    return found


class Cluster:
    """A Slurm, a program, and the records that it should give."""

    def __init__(self, repro, other, folder):
        self.repro, self.other, self.folder = repro, other, folder
        self.slurm = folder / "slurm"
        self.env = {**os.environ, "SLURM_CONF": str(self.slurm / "slurm.conf")}
        for variable in ("REPRO_LEDGER", "REPRO_DATA", "SLURM_JOB_ID"):
            self.env.pop(variable, None)
        self.shim = folder / "shim.so"
        source = folder / "shim.c"
        source.write_text(SHIM)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self.shim, source, "-ldl"], check=True)
        self.expected = None

    def script(self, action, *words):
        subprocess.run(
            [PROJECT / "scripts" / "slurm.sh", action, self.slurm, *words],
            check=True, env={**os.environ, "NODES": str(NODES), "PORT": str(PORT)},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )

    def words(self, command, ledger, *more):
        claims = ["--claims", str(CLAIMS), "--evidence", "smoke", "--ledger", str(ledger)]
        return [str(self.repro), *command, *claims, *more]

    def run(self, words, **more):
        env = {**self.env, **more}
        return subprocess.run(words, env=env, capture_output=True, text=True, timeout=600)

    def submit(self, ledger, *more, workers=NODES, minutes=30, **env):
        words = ["--gpus", str(workers), "--time", f"{minutes}m", *more]
        ran = self.run(self.words(["submit", "slurm"], ledger, *words), **env)
        check(ran.returncode == 0, f"submit: {ran.returncode}: {ran.stderr}")
        folder = sorted(ledger.glob("submissions/*"))[-1]
        calls = json.loads((folder / "submission.json").read_text())["calls"]
        return [call["job"] for call in calls]

    def until(self, condition, words, seconds=300):
        end = time.monotonic() + seconds
        while not condition():
            check(time.monotonic() < end, f"timed out: {words}")
            time.sleep(0.1)

    def queue(self):
        """A line for each job, with state, node and reason; None if Slurm does not answer."""
        ran = self.run(["squeue", "--noheader", "--array", "--format=%i %T %N %r"])
        return ran.stdout.split("\n") if ran.returncode == 0 else None

    def finish(self):
        """Waits until Slurm has no job left."""
        ended = lambda queue: queue is not None and not any(queue)
        self.until(lambda: ended(self.queue()), "jobs did not end", 900)

    def some(self, ledger, count=3):
        """Waits until there are some records."""
        self.until(lambda: len(records(ledger)) >= count, "no records came")

    def pid(self, name):
        return int((self.slurm / f"{name}.pid").read_text())

    def local(self, ledger):
        ran = self.run(self.words(["work"], ledger))
        check(ran.returncode == 0, f"work: {ran.returncode}: {ran.stderr}")
        return records(ledger)

    def compare(self, ledger):
        found = records(ledger)
        missing = self.expected.keys() - found.keys()
        check(not missing, f"{len(missing)} records are missing")
        check(found == self.expected, "records have other bits, or there are more of them")
        left = leases(ledger)
        check(not left, f"{len(left)} leases are left")


def logs(ledger):
    return "".join(path.read_text() for path in sorted(ledger.glob("submissions/*/work-*.log")))


def four_workers(cluster, ledger):
    """Four workers, and nothing else."""
    cluster.submit(ledger)
    cluster.finish()
    report = list(ledger.glob("submissions/*/report/index.html"))
    check(report, "the report was not written")


def scancel(cluster, ledger):
    """One worker is cancelled."""
    job = cluster.submit(ledger)[0]
    cluster.some(ledger)
    cluster.run(["scancel", f"{job}_2"])
    cluster.finish()


def kill(cluster, ledger):
    """One worker is killed without notice."""
    cluster.submit(ledger)
    cluster.some(ledger)

    def killed():
        for lease in leases(ledger):
            # It may leave at this moment.
            with contextlib.suppress(ProcessLookupError):
                os.kill(lease["pid"], signal.SIGKILL)
                return True
        return False

    cluster.until(killed, "nobody works", 60)
    cluster.finish()


def node_down(cluster, ledger):
    """A node's slurmd is killed with all that runs there, and the node is set down."""
    cluster.submit(ledger)
    cluster.some(ledger)
    found = []

    def on_n2():
        lines = cluster.queue() or []
        found[:] = [line for line in lines if " RUNNING n2 " in line]
        return found

    cluster.until(on_n2, "n2 has no worker", 60)
    job = found[0].split()[0]
    os.kill(cluster.pid("n2"), signal.SIGKILL)
    for lease in leases(ledger):
        if lease["job"] == job:
            with contextlib.suppress(ProcessLookupError):
                os.kill(lease["pid"], signal.SIGKILL)
    cluster.run(["scontrol", "update", "nodename=n2", "state=down", "reason=test"])
    cluster.finish()
    (cluster.slurm / "n2.pid").unlink(missing_ok=True)
    cluster.script("node", "n2")
    cluster.run(["scontrol", "update", "nodename=n2", "state=resume"])


def preemption(cluster, ledger):
    """Jobs of the other partition take two nodes for some seconds."""
    job = cluster.submit(ledger)[0]
    cluster.some(ledger, 1)
    wrap = ["--partition=high", "--output=/dev/null", "--array=1-2", "--wrap=sleep 3"]
    ran = cluster.run(["sbatch", *wrap])
    check(ran.returncode == 0, ran.stderr)
    again = lambda: "Restarts=1" in cluster.run(["scontrol", "show", "job", job]).stdout
    cluster.until(again, "no worker was requeued")
    cluster.finish()


def too_short(cluster, ledger):
    """No fine-tune fits the time limit: workers leave with a reason, and do not spin."""
    cluster.submit(ledger, minutes=1)
    begun = time.monotonic()
    cluster.finish()
    check(time.monotonic() - begun < 90, "the workers did not leave")
    # Without the frame that an error is drawn with.
    said = " ".join(word for word in logs(ledger).split() if word != "│")
    check("is too short for any" in said, f"no reason is given: {said}")
    check(not records(ledger), "a fine-tune was run")
    cluster.local(ledger)


def disk_full(cluster, ledger):
    """The ledger's file system is full for a while."""
    ledger.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=88k", "tmpfs", ledger], check=True)
    try:
        cluster.submit(ledger)
        cluster.finish()
        count = len(records(ledger))
        free = shutil.disk_usage(ledger).free
        check(0 < count < len(cluster.expected), f"{count} records, and {free} bytes are free")
        subprocess.run(["mount", "-o", "remount,size=64m", ledger], check=True)
        cluster.submit(ledger)
        cluster.finish()
        cluster.compare(ledger)
    finally:
        kept = ledger.with_name("disk_full.kept")
        shutil.copytree(ledger, kept, dirs_exist_ok=True)
        subprocess.run(["umount", "--lazy", ledger], check=True)
        shutil.copytree(kept, ledger, dirs_exist_ok=True)


def refused(cluster, ledger):
    """sbatch refuses the job."""
    words = ["--gpus", "2", "--partition", "nowhere"]
    ran = cluster.run(cluster.words(["submit", "slurm"], ledger, *words))
    check(ran.returncode == 73, f"exit code {ran.returncode}")
    check("invalid partition" in " ".join(ran.stderr.split()), ran.stderr)
    cluster.local(ledger)


def controller_down(cluster, ledger):
    """slurmctld is killed while workers run, and `status` is asked."""
    cluster.submit(ledger)
    cluster.some(ledger)
    os.kill(cluster.pid("slurmctld"), signal.SIGKILL)
    ran = cluster.run(cluster.words(["status"], ledger, "--format", "json"))
    check(ran.returncode == 0, f"status: {ran.returncode}: {ran.stderr}")
    status = json.loads(ran.stdout)
    check(status["slurm_error"], f"Slurm answered: {status}")
    check(status["all"]["leased"] > 0, f"no leases: {status}")
    subprocess.run(["slurmctld", "-f", cluster.slurm / "slurm.conf"], check=True, env=cluster.env)
    cluster.until(lambda: cluster.run(["squeue"]).returncode == 0, "slurmctld did not start")

    def ended():
        """Whether no job is left. One that began just before the kill is not in the saved state:
        Slurm starts it again, finds it on the node, drains the node and holds the job."""
        queue = cluster.queue()
        for line in queue or []:
            if "held" in line:
                cluster.run(["scontrol", "update", f"nodename=n[1-{NODES}]", "state=resume"])
                cluster.run(["scontrol", "release", line.split()[0]])
        return queue is not None and not any(queue)

    cluster.until(ended, "jobs did not end")


def lying_flock(cluster, ledger):
    """Locks of files say yes to everybody."""
    cluster.submit(ledger, LD_PRELOAD=str(cluster.shim), SHIM_FLOCK="1")
    cluster.finish()


def two_versions(cluster, ledger):
    """A program of another version works on the same ledger."""
    if cluster.other is None:
        return "skipped: no --other"
    cluster.submit(ledger, workers=2)
    words = cluster.words(["verify"], ledger, "--brief")
    words[0] = str(cluster.other)
    cluster.run(words)
    cluster.finish()


def clock_back(cluster, ledger):
    """The clock of one of three workers is an hour late."""
    cluster.submit(ledger, workers=2)
    cluster.some(ledger)
    late = {"LD_PRELOAD": str(cluster.shim), "SHIM_LATE": "3600"}
    ran = cluster.run(cluster.words(["work"], ledger, "--leave"), **late)
    check(ran.returncode == 0, f"work: {ran.returncode}: {ran.stderr}")
    cluster.finish()


SCENARIOS = (
    four_workers, scancel, kill, node_down, preemption, too_short, disk_full, refused,
    controller_down, lying_flock, two_versions, clock_back,
)
# How many fine-tunes may be begun again, and how much of the work may be done twice. On a full disk
# each worker may hold a lease for the moment in which it finds no room for the record.
AGAIN = collections.defaultdict(int, scancel=1, kill=1, node_down=1, preemption=2, disk_full=4)
TWICE = 0.05


def main():
    # So that Slurm is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--other", type=pathlib.Path)
    parser.add_argument("repro", type=pathlib.Path, nargs="?")
    parser.add_argument("scenario", nargs="*")
    asked = parser.parse_args()
    if asked.list or asked.repro is None:
        for scenario in SCENARIOS:
            print(f"{scenario.__name__}: {scenario.__doc__}")
        return 0
    known = {scenario.__name__: scenario for scenario in SCENARIOS}
    chosen = [known[name] for name in asked.scenario] or list(SCENARIOS)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="faults", dir="/tmp"))
    folder.chmod(0o755)
    cluster = Cluster(asked.repro.resolve(), asked.other, folder)
    failed = False
    cluster.script("up")
    try:
        cluster.expected = cluster.local(folder / "local")
        print(f"one process: {len(cluster.expected)} records", flush=True)
        for scenario in chosen:
            ledger = folder / scenario.__name__
            starts, begun, words = Starts(ledger), time.monotonic(), "as expected"
            starts.start()
            try:
                skipped = scenario(cluster, ledger)
                if skipped:
                    print(f"{scenario.__name__}: {skipped}")
                    starts.stop()
                    continue
                cluster.compare(ledger)
            except (Failed, subprocess.SubprocessError, OSError) as error:
                words = f"FAILED: {error}"
            resumed, again, twice = starts.stop()
            if again > AGAIN[scenario.__name__] and words == "as expected":
                words = f"FAILED: more than {AGAIN[scenario.__name__]} were begun again"
            most = max(1, TWICE * len(cluster.expected))
            if twice > most and words == "as expected":
                words = f"FAILED: more than {most:g} fine-tunes' work was done twice"
            failed |= words.startswith("FAILED")
            took = time.monotonic() - begun
            count = len(records(ledger))
            counts = f"{resumed} resumed, {again} begun again"
            worth = f"{twice:.2f} fine-tunes' work done twice"
            result = f"{count} records, {counts}, {worth}, {took:.0f} s: {words}"
            print(f"{scenario.__name__}: {result}", flush=True)
            cluster.run(["scancel", "--user=root"])
    finally:
        cluster.script("down")
        if failed:
            print(f"kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
