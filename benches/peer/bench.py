"""Times `repro` against the same fine-tunes in plain PyTorch (`peer.py`), and prints their floor.

    python benches/peer/bench.py             a sample of the smoke world's plan
    python benches/peer/bench.py --whole     ... and then all of the plan, against the peer's estimate
    python benches/peer/bench.py --cached    fine-tunes whose frozen part can be cached
    python benches/peer/bench.py --seeds 12  either with more seeds per cell: do accuracies agree?

Both sides run the same trials by the same protocol, as whole processes that alternate; only random
draws differ, so that accuracies must agree within the noise of seeds. Exits with 1 if they do not:
then the two do not do the same work. Run it with a Python that has the packages of
`requirements.txt`. This script does not import torch: memory that the peer's processes share must
not be shared with this one.
"""

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORES = len(os.sched_getaffinity(0))
# The error rate of calling equal accuracies different, of the check of cells and of that of their mean.
RISK = 0.01
# Summing the memory of a process with many libraries takes the kernel some milliseconds, so it is done
# rarely.
SECONDS_A_SAMPLE = 1.0
CACHED_BLOCKS, CACHED_IMAGES, CACHED_SEEDS = [0, 1, 3], 400, 10
RECIPE = """world = "smoke"
[key]
target = "kmnist"
source = "l2_3"
blocks = {blocks}
images = {images}
[protocol]
batch_norm = "frozen"
augmentation = {{ padding = 0, flip = 0.0, jitter = 0.0, degrees = 0.0 }}
"""


# Processes. -------------------------------------------------------------------------------------------------


class Memory(threading.Thread):
    """Samples the memory of a process and its descendants: the sum of their proportional set sizes, where
    a page that several processes share counts once. `peak` is the largest sum, in bytes."""

    def __init__(self, root):
        super().__init__(daemon=True)
        self.root, self.peak, self.over = root, 0, threading.Event()

    def run(self):
        while not self.over.wait(SECONDS_A_SAMPLE):
            self.peak = max(self.peak, sum(map(proportional_set_size, tree(self.root))))

    def stop(self):
        self.over.set()
        self.join()
        return self.peak


def tree(root):
    """A process and its descendants."""
    children = {}
    for process in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/stat") as stat:
                # The name, in parentheses, may contain any text; state and parent follow it.
                parent = int(stat.read().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(process))
    found = [root]
    for process in found:
        found += children.get(process, [])
    return found


def proportional_set_size(process):
    try:
        with open(f"/proc/{process}/smaps_rollup") as lines:
            return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
    except OSError:
        return 0


def busy():
    """Processor seconds of all processes of the machine."""
    with open("/proc/stat") as stat:
        user, nice, system = map(int, stat.readline().split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


class Ran:
    """A whole process: wall-clock seconds, processor seconds (its own with its descendants', and those of
    all other processes meanwhile), peak memory in bytes, and its output."""

    def __init__(self, command, accepted=(0,)):
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
            start, before = time.perf_counter(), busy() - time.process_time()
            process = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=out, stderr=errors
            )
            memory = Memory(process.pid)
            memory.start()
            _, status, usage = os.wait4(process.pid, 0)
            self.seconds = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            self.peak = memory.stop()
            self.processor = usage.ru_utime + usage.ru_stime
            self.others = busy() - time.process_time() - before - self.processor
            out.seek(0)
            errors.seek(0)
            self.text = out.read()
            if process.returncode not in accepted:
                sys.exit(f"{' '.join(map(str, command))}\nended with {process.returncode}:\n{errors.read()}")

    def lines(self):
        return [json.loads(line) for line in self.text.splitlines()]


def peer(*arguments):
    return Ran([sys.executable, HERE / "peer.py", *arguments])


class Setting:
    """A setting of the peer."""

    def __init__(self, processes, threads, workers, channels_last=False):
        self.shown = processes, threads, workers
        self.arguments = ["--processes", processes, "--threads", threads, "--workers", workers]
        self.arguments += ["--channels-last"] * channels_last

    def run(self, trials):
        return peer("run", "--trials", trials, *self.arguments)

    def __str__(self):
        processes, threads, workers = self.shown
        return f"processes {processes}, threads {threads}, loader workers {workers}"


# Agreement. -------------------------------------------------------------------------------------------------


def two_sided(t, freedom, steps=2000):
    """P(|T| > t) for Student's t, whose density is a power of a cosine in the angle with tangent
    t / sqrt(freedom): two integrals by Simpson's rule."""

    def integral(low, high):
        width = (high - low) / steps
        heights = [max(math.cos(low + width * at), 0.0) ** (freedom - 1) for at in range(steps + 1)]
        inner = 4 * sum(heights[1:-1:2]) + 2 * sum(heights[2:-1:2])
        return (heights[0] + inner + heights[-1]) * width / 3

    return integral(math.atan(t / math.sqrt(freedom)), math.pi / 2) / integral(0.0, math.pi / 2)


def welch(left, right):
    """The difference of two samples' means, its t, and its p by Welch's test."""
    difference = statistics.mean(left) - statistics.mean(right)
    parts = [(statistics.variance(side) / len(side), len(side) - 1) for side in [left, right]]
    variance = sum(part for part, _ in parts)
    if variance == 0.0:
        return difference, math.inf if difference else 0.0, float(difference == 0.0)
    t = difference / math.sqrt(variance)
    freedom = variance**2 / sum(part**2 / free for part, free in parts)
    return difference, t, two_sided(abs(t), freedom)


def agree(ours, theirs):
    """Prints final accuracies side by side, each a dictionary from cell to one value per seed; true if
    they agree."""
    print("\nFinal test accuracy in percent, means over seeds:\n")
    print(f"  {'cell':44} {'repro':>7} {'peer':>7} {'difference':>11} {'t':>7} {'p':>7}")
    p_values = []
    for cell in ours:
        difference, t, p = welch(ours[cell], theirs[cell])
        p_values.append(p)
        means = f"{statistics.mean(ours[cell]):7.2f} {statistics.mean(theirs[cell]):7.2f}"
        print(f"  {cell:44} {means} {difference:+11.2f} {t:+7.2f} {p:7.3f}")
    # Cells share seeds, and with them subsets: only a seed's mean over cells is independent.
    average = lambda side: [statistics.mean(values) for values in zip(*side.values(), strict=True)]
    difference, t, p = welch(average(ours), average(theirs))
    print(f"  {'mean of all cells':44} {'':7} {'':7} {difference:+11.2f} {t:+7.2f} {p:7.3f}")
    apart = sum(found < RISK / len(p_values) for found in p_values)
    agreed = apart == 0 and p >= RISK
    print(
        f"\n{'They agree' if agreed else 'THEY DISAGREE'}: {apart} of {len(p_values)} cells differ "
        f"(p below {RISK} / {len(p_values)}), and their mean {'differs' if p < RISK else 'does not'} "
        f"(p below {RISK})."
    )
    return agreed


def name(key):
    return f"{key['target']} from {key['source']}, {key['images']} images, {key['blocks']} blocks"


def accuracies(runs):
    """Final accuracies by cell, in the order of seeds, of runs as keys, seeds and evaluations."""
    found = {}
    for key, _, evaluations in sorted(runs, key=lambda run: run[1]):
        found.setdefault(name(key), []).append(evaluations[-1]["test_accuracy"])
    return dict(sorted(found.items()))


# The two parts. ---------------------------------------------------------------------------------------------


def sample(trials):
    """Four trials for the choice of settings: two seeds of a cheap cell and of an expensive one, the
    expensive first, so that two processes have the same work."""
    cells = {}
    for trial in trials:
        key = trial["trial"]["recipe"]["key"]
        cells.setdefault((key["images"], key["blocks"], key["source"]), []).append(trial)
    order = sorted(cells)
    return cells[order[len(order) * 3 // 4]][:2] + cells[order[len(order) // 4]][:2]


def written(path, trials):
    path.write_text("".join(json.dumps(trial) + "\n" for trial in trials))
    return path


def best_setting(trials):
    """The setting of the peer that is fastest on a few trials, as whole processes."""
    settings = [Setting(CORES, 1, workers) for workers in [0, 1] if CORES > 1]
    threads = dict.fromkeys([1, CORES])
    settings += [Setting(1, number, workers) for number in threads for workers in [0, 1, 2]]
    print("The peer's settings on 4 trials: seconds of the whole process, and processor seconds of")
    print("other processes meanwhile:\n")
    seconds = {}

    def measure(setting):
        run = setting.run(trials)
        seconds[setting] = min(run.seconds, seconds.get(setting, math.inf))
        print(f"  {setting}: {run.seconds:5.1f}, of others {run.others:5.1f}", flush=True)

    for setting in settings:
        measure(setting)
    print("\nThe two fastest again; the shorter time counts:\n")
    for setting in sorted(settings, key=seconds.get)[:2]:
        measure(setting)
    best = min(seconds, key=seconds.get)
    other = Setting(*best.shown, channels_last=True).run(trials).seconds
    print(f"\nBest, and used below: {best}.")
    print(f"The same with kernels channels last, not used below: {other:.1f}", flush=True)
    return best


def floor(trials):
    """The time of the plan's arithmetic at the rate of matrix products, in seconds on all cores."""
    [counted], [found] = peer("operations", "--trials", trials).lines(), peer("rate").lines()
    nominal, without_padding = counted["multiply_adds_an_image"]
    rate = found["operations_a_second"]
    seconds = [operations / rate / CORES for operations in counted["operations"]]
    print("\nThe floor, from the arithmetic:\n")
    print(f"  multiply-adds of an image's forward pass: {nominal:,}")
    print(f"  ... without those on padding's zeros: {without_padding:,} (counted this way in brackets)")
    operations = [f"{count / 1e12:.2f}e12" for count in counted["operations"]]
    print(f"  operations of the plan: {operations[0]} ({operations[1]})")
    print(f"  operations per second of 1024 x 1024 matrix products (fp32), one core: {rate / 1e9:.1f}e9")
    print(f"  the plan at that rate on {CORES} cores: {seconds[0]:.1f} s ({seconds[1]:.1f} s)", flush=True)
    return seconds


def whole_plan(repro, runs, setting, folder):
    """All of the smoke world's plan by `repro`, once, against what it would take the peer: the mean seconds of
    its fine-tunes of as many images and blocks in the sample, times how many of them the plan has. Without
    influence functions, which the peer does not have. The peer's starting and reading are not counted."""
    ledger, claims = folder / "whole", folder / "claims"
    claims.mkdir()
    for spec in (HERE.parent.parent / "claims").glob("*.toml"):
        if "influence" not in spec.name:
            shutil.copy(spec, claims)
    verify = [repro, "--claims", claims, "verify", "--evidence", "smoke", "--ledger", ledger, "--brief"]
    ours = Ran(verify, accepted=range(4))
    records = json.loads(Ran([repro, "records", "--format", "json", "--ledger", ledger]).text)
    kind = lambda key: (key["images"], key["blocks"])
    seconds = {}
    for run in runs:
        seconds.setdefault(kind(run["key"]), []).append(run["evaluations"][-1]["seconds"])
    planned = [kind(record["trial"]["recipe"]["key"]) for record in records]
    if unknown := set(planned) - set(seconds):
        sys.exit(f"the sample has no fine-tunes of these images and blocks: {sorted(unknown)}")
    theirs = sum(statistics.mean(seconds[of]) for of in planned) / setting.shown[0]
    began = [(record["provenance"]["started"], record["provenance"]["seconds"]) for record in records]
    related = sum(began.count(of) > 1 for of in began)
    print(f"\nThe whole plan, {len(records)} fine-tunes, {related} of them with siblings:\n")
    print(f"  repro, measured: {ours.seconds:.1f} s, {ours.processor:.1f} processor seconds, others {ours.others:.1f}")
    print(f"  peer, by its seconds for each number of images and blocks in the sample: {theirs:.1f} s")
    print(f"\nThroughput of repro over the peer's: {theirs / ours.seconds:.2f}", flush=True)


def of_seeds(claims, seeds, folder):
    """The same claims with one look at `seeds` seeds, for more power than three seeds have."""
    copies = folder / "seeds"
    copies.mkdir()
    for spec in claims.glob("*.toml"):
        text = spec.read_text()
        one_look = f"looks = [{seeds}]\nreading_seeds = {seeds}"
        if text.count("looks = [3]") != 1:
            sys.exit(f"failed to change the seeds of {spec}: `looks = [3]` is missing")
        (copies / spec.name).write_text(text.replace("looks = [3]", one_look))
    return copies


def plan_part(repro, claims, rounds, folder, whole):
    """The sample of the smoke world's plan."""
    plan = [repro, "--claims", claims, "plan", "--format", "jsonl", "--ledger", folder / "none"]
    trials = Ran(plan).lines()
    every = written(folder / "trials.jsonl", trials)
    best = best_setting(written(folder / "sample.jsonl", sample(trials)))
    least = floor(every)
    both = {"repro": [], "peer": []}
    for at in range(rounds):
        ledger = folder / f"ledger{at}"
        # The verdicts do not matter, but all fine-tunes must have run.
        verify = [repro, "--claims", claims, "verify", "--evidence", "smoke", "--ledger", ledger, "--brief"]
        both["repro"].append(Ran(verify, accepted=(0, 1, 2)))
        both["peer"].append(best.run(every))
    print(f"\n{len(trials)} trials, whole processes, alternating, {CORES} cores:\n")
    print(f"  {'':29} {'repro':>9} {'peer':>9}")
    show = lambda what, of: print(f"  {what:29} {of(both['repro']):9.1f} {of(both['peer']):9.1f}")
    median = lambda runs: statistics.median(run.seconds for run in runs)
    for at in range(rounds):
        show(f"round {at + 1}, seconds", lambda runs: runs[at].seconds)
    show("median, seconds", median)
    show("median, processor seconds", lambda runs: statistics.median(run.processor for run in runs))
    show("processor seconds of others", lambda runs: sum(run.others for run in runs))
    show("peak memory, MB", lambda runs: max(run.peak for run in runs) / 1e6)
    our, their = median(both["repro"]), median(both["peer"])
    print(f"\nThroughput of repro over the peer's, by medians: {their / our:.2f}")
    print(f"repro's time over the floor: {our / least[0]:.1f} ({our / least[1]:.1f})")

    records = json.loads(Ran([repro, "records", "--format", "json", "--ledger", folder / "ledger0"]).text)
    ours = [
        (entry["trial"]["recipe"]["key"], entry["trial"]["seed"], entry["outcome"]["finished"]["evaluations"])
        for entry in records
    ]
    if whole:
        whole_plan(repro, [run for ran in both["peer"] for run in ran.lines()], best, folder)
    theirs = [(run["key"], run["seed"], run["evaluations"]) for run in both["peer"][0].lines()]
    if {(name(key), seed) for key, seed, _ in ours} != {(name(key), seed) for key, seed, _ in theirs}:
        sys.exit("the two did not run the same trials")
    return agree(accuracies(ours), accuracies(theirs))


def cached_part(repro, rounds, count, folder):
    """Frozen batch norms and no augmentation: the output of the frozen blocks never changes, and `repro`
    computes it once, for the test set once for all seeds. All seeds of a cell run in one process on each
    side. The seconds of `repro` include everything except the start of the process, also reading images
    and the shared features; those of the peer are of its fine-tunes alone."""

    def ours(blocks, at):
        recipe = folder / f"recipe{blocks}.toml"
        recipe.write_text(RECIPE.format(blocks=blocks, images=CACHED_IMAGES))
        ledger = folder / f"ledger{at}-{blocks}"
        seeds = ",".join(map(str, range(1, count + 1)))
        Ran([repro, "run", "--recipe", recipe, "--seed", seeds, "--threads", 1, "--ledger", ledger])
        return json.loads(Ran([repro, "records", "--format", "json", "--ledger", ledger]).text)

    def theirs(entries, setting):
        trials = written(folder / "trials.jsonl", [{"trial": entry["trial"]} for entry in entries])
        return setting.run(trials).lines()

    settings = [Setting(1, threads, 0) for threads in dict.fromkeys([1, CORES])]
    print(f"{CACHED_IMAGES} images, seconds of a fine-tune, mean of {count} seeds, median of {rounds}")
    print("alternating rounds, by threads:\n")
    threads = [f"peer, {setting.shown[1]}" for setting in settings]
    print("".join(f"{text:>10}" for text in ["blocks", "repro, 1", *threads, *["ratio"] * len(settings)]))
    ended = [], []
    for blocks in CACHED_BLOCKS:
        seconds = [[] for _ in range(1 + len(settings))]
        for at in range(rounds):
            entries = ours(blocks, at)
            seconds[0].append(statistics.mean(entry["provenance"]["seconds"] for entry in entries))
            for column, setting in zip(seconds[1:], settings, strict=True):
                runs = theirs(entries, setting)
                column.append(statistics.mean(run["evaluations"][-1]["seconds"] for run in runs))
            if at == 0:
                for entry in entries:
                    key, seed = entry["trial"]["recipe"]["key"], entry["trial"]["seed"]
                    ended[0].append((key, seed, entry["outcome"]["finished"]["evaluations"]))
                ended[1].extend((run["key"], run["seed"], run["evaluations"]) for run in runs)
        medians = list(map(statistics.median, seconds))
        ratios = [median / medians[0] for median in medians[1:]]
        print(f"{blocks:10}" + "".join(f"{number:10.3f}" for number in [*medians, *ratios]), flush=True)
    return agree(*map(accuracies, ended))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repro", type=Path, default=HERE.parents[1] / "target" / "release" / "repro")
    parser.add_argument("--rounds", type=int, default=2, help="times that each side runs all [default: 2]")
    parser.add_argument("--claims", type=Path, default=HERE / "claims", help="folder of claims to plan")
    parser.add_argument("--cached", action="store_true", help="fine-tunes whose frozen part can be cached")
    parser.add_argument("--seeds", type=int, help="seeds in each cell [default: 3, cached 10]")
    parser.add_argument("--whole", action="store_true", help="run all of the smoke world's plan too")
    given = parser.parse_args()
    if not given.repro.is_file():
        sys.exit(f"{given.repro} is missing: build it with `cargo build --release`, or use --repro")
    repro = given.repro.resolve()
    with tempfile.TemporaryDirectory() as folder:
        if given.cached:
            agreed = cached_part(repro, given.rounds, given.seeds or CACHED_SEEDS, Path(folder))
        else:
            claims = of_seeds(given.claims, given.seeds, Path(folder)) if given.seeds else given.claims
            agreed = plan_part(repro, claims, given.rounds, Path(folder), given.whole)
    sys.exit(0 if agreed else 1)


if __name__ == "__main__":
    main()
