"""Races the judge against scipy, whole processes, one after the other in pairs: `repro --version`,
`repro verify --evidence published` (every claim), and two_claims.py (two of them).

    make bench-judge
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def run(command):
    """Wall-clock seconds of a process that must succeed; its output is discarded."""
    start = time.perf_counter()
    ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    seconds = time.perf_counter() - start
    if ended.returncode not in (0, 1, 2, 3):
        sys.exit(f"{command} ended with {ended.returncode}")
    return seconds


def median_pair(first, second, pairs):
    for command in (first, second):
        run(command)
    times = [(run(first), run(second)) for _ in range(pairs)]
    ratio = statistics.median(one / other for one, other in times)
    return [statistics.median(column) for column in zip(*times)] + [ratio]


def peak(command):
    """The peak memory of a process and its children, in MB."""
    code = "import resource,subprocess,sys;subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,"
    code += "stderr=subprocess.DEVNULL);print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    ended = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=True)
    return int(ended.stdout) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repro", default=ROOT / "target" / "release" / "repro", type=Path)
    parser.add_argument("--pairs", default=11, type=int)
    given = parser.parse_args()
    judge = [given.repro, "verify", "--evidence", "published"]
    scipy = [sys.executable, HERE / "two_claims.py"]
    ours, theirs, ratio = median_pair(judge, scipy, given.pairs)
    print(f"all claims, repro: {ours:.3f} s; two claims, scipy: {theirs:.3f} s; ratio {ratio:.3f}")
    version, engine, ratio = median_pair(
        [given.repro, "--version"], [given.repro.with_name("repro-engine"), "--version"], given.pairs
    )
    print(f"--version, repro: {version:.4f} s; repro-engine: {engine:.4f} s; ratio {ratio:.3f}")
    for command in (judge, scipy, [given.repro, "--version"]):
        print(f"{peak(command):.0f} MB: {' '.join(str(part) for part in command)}")


main()
