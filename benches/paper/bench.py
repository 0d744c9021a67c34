"""Races `repro` against PyTorch on the paper's fine-tune: ResNet-50, 224 pixels, images per second.

    python benches/paper/bench.py --device cuda
    python benches/paper/bench.py --device cpu --threads 1

Three ways alternate on the same machine, `--turns` times, each in its own process: `repro`
(benches/paper.rs, in bf16 on a GPU), a good PyTorch script (`good.py`: bf16 autocast on a GPU,
channels last, data on the device) and the authors' way (`authors_way.py`: PIL transforms in loader
workers, fp32 with tf32). Weights and images are random. Prints a table of medians, and with
`--json FILE` all measurements, written again after each process. A process that fails, or takes
longer than `--timeout`, is reported and left out; then the exit code is 1. Run it with a Python that
has the packages of `requirements.txt`.

On a machine with a GPU and without Rust, copy the executable that
`cargo bench --features gpu --bench paper --no-run` names, and pass it with `--repro`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# The aims for repro's speed over the good script's and the authors' way's, on a GPU in training.
AIMS = {"good": 1.2, "authors": 5.0}
WHAT = ["training", "testing"]
# Sizes that take minutes: images per step, steps per epoch, test images, loader workers.
SIZES = {
    "cuda": {"batch": 128, "steps": 13, "tested": 2048, "workers": 16},
    "cpu": {"batch": 16, "steps": 2, "tested": 32, "workers": 2},
}


def built(gpu):
    """Builds the benchmark with cargo; returns its path."""
    command = ["cargo", "bench", "--bench", "paper", "--no-run", "--message-format", "json"]
    run = subprocess.run(
        command + ["--features", "gpu"] * gpu, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    if run.returncode:
        sys.exit("failed to build the benchmark with cargo: pass a built one with --repro")
    messages = map(json.loads, run.stdout.splitlines())
    return next(line["executable"] for line in messages if line.get("target", {}).get("name") == "paper")


def libraries():
    """The environment in which repro finds this Python's torch, whose folder has the CUDA half."""
    command = [sys.executable, "-c", "import torch; print(torch.__path__[0])"]
    folder = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip() + "/lib"
    return {"LD_LIBRARY_PATH": ":".join(filter(None, [folder, os.environ.get("LD_LIBRARY_PATH")]))}


def ran(command, timeout, environment=None):
    """The JSON object that a process prints; if it fails, the reason under `failed`."""
    words = list(map(str, command))
    try:
        run = subprocess.run(
            words, env=os.environ | (environment or {}), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            timeout=timeout,
        )
        if run.returncode:
            return {"failed": f"{' '.join(words)} ended with {run.returncode}"}
        return json.loads(run.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return {"failed": str(error)}


def succeeded(runs):
    """The measurements by way, without ways that were never measured."""
    measured = {name: [run for run in found if "failed" not in run] for name, found in runs.items()}
    return {name: found for name, found in measured.items() if found}


def rates(found, what):
    """Images per second of each round of a process, by wall-clock and by processor seconds."""
    images = found[{"training": "trained_images", "testing": "tested_images"}[what]]
    by = lambda clock: [images / max(lap[clock], 1e-9) for lap in found[what]]
    return by("seconds"), by("processor_seconds")


def medians(runs, clock):
    """Median images per second, or per processor second, by way and part."""
    return {
        (name, what): statistics.median(rate for run in found for rate in rates(run, what)[clock])
        for name, found in runs.items() for what in WHAT
    }


def table(runs, least, given):
    """Prints medians, ratios and floors of the measurements; returns the medians."""
    print(f"\n{given.device}, {given.blocks} blocks, batches of {given.batch}; images a second, median of "
          f"{given.turns} x {given.rounds} rounds, alternating (least to most):\n")
    print(f"  {'':10} {'precision':>9} {WHAT[0]:>26} {WHAT[1]:>26} {'peak MB':>8}")
    by_second = medians(runs, 0)
    for name, found in runs.items():
        cells = []
        for what in WHAT:
            every = [rate for run in found for rate in rates(run, what)[0]]
            cells.append(f"{by_second[name, what]:.4g} ({min(every):.4g} to {max(every):.4g})")
        peak = max(run["peak_bytes"] or 0 for run in found) / 1e6
        print(f"  {name:10} {given.precisions[name]:>9} {cells[0]:>26} {cells[1]:>26} {peak:8.0f}")

    def compared(words, of, a_second):
        print(f"\n  {words}: repro's speed over the other's, and each one's share of the floor's rate:")
        for name in runs:
            found = least.get(given.precisions[name])
            for what in WHAT:
                ratio = f"{of['repro', what] / of[name, what]:8.2f}" if "repro" in runs else f"{'?':>8}"
                aim = f", aim {AIMS[name]}" if given.device == "cuda" and what == "training" and name in AIMS else ""
                share = "the floor is not known"
                if found:
                    ceiling = found[a_second] / found["operations_an_image"][what]
                    share = f"{of[name, what]:.4g} of {ceiling:.4g}: {of[name, what] / ceiling:.3f}"
                print(f"  {name:10} {what:9} {ratio}{aim}, {share}")

    compared("by seconds", by_second, "operations_a_second")
    if given.device == "cpu":
        compared("by processor seconds, which other processes disturb less", medians(runs, 1),
                 "operations_a_processor_second")
    print("\n  The floor is the arithmetic at the rate of large matrix products:")
    for precision, found in least.items():
        images = ", ".join(f"{what} {found['operations_an_image'][what] / 1e9:.4g}e9" for what in WHAT)
        print(f"  {precision}: {found['operations_a_second'] / 1e12:.4g}e12 operations a second on {found['device']}; "
              f"an image takes {images}")
    return {f"{name}, {what}": rate for (name, what), rate in by_second.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    number = {"type": int, "metavar": "N"}
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--blocks", type=int, choices=[0, 1, 3, 9], default=3)
    help_of = {"batch": "images a step", "steps": "steps an epoch", "tested": "images in the test set",
               "workers": "loader workers of the authors' way"}
    for name, words in help_of.items():
        by_device = ", ".join(f"{sizes[name]} on {device}" for device, sizes in SIZES.items())
        parser.add_argument(f"--{name}", **number, help=f"{words} [{by_device}]")
    parser.add_argument("--rounds", default=2, **number, help="measured epochs and test passes in a turn [2]")
    parser.add_argument("--turns", default=3, **number, help="times that each way runs [3]")
    parser.add_argument("--threads", **number, help="threads of libtorch on the CPU [its choice]")
    of = {"choices": ["fp32", "tf32", "bf16"]}
    parser.add_argument("--precision", **of, help="of repro [bf16 on a GPU, else fp32]")
    parser.add_argument("--good-precision", **of, help="of the good script [bf16 on a GPU, else fp32]")
    parser.add_argument("--timeout", default=1800, **number, help="seconds that a process may take [1800]")
    parser.add_argument("--skip-authors", action="store_true", help="leave out the authors' way")
    parser.add_argument("--repro", type=Path, help="the built benchmark [cargo builds it]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements to a file")
    given = parser.parse_args()
    for name, size in SIZES[given.device].items():
        if getattr(given, name) is None:
            setattr(given, name, size)
    gpu = given.device == "cuda"
    repro = (given.repro or Path(built(gpu))).resolve()
    common = ["--device", given.device, "--blocks", given.blocks, "--batch", given.batch, "--steps", given.steps]
    common += ["--rounds", given.rounds, "--tested", given.tested]
    common += ["--threads", given.threads] if given.threads else []
    default = "bf16" if gpu else "fp32"
    given.precisions = {
        "repro": given.precision or default, "good": given.good_precision or default,
        "authors": "tf32" if gpu else "fp32",
    }
    # Always passed, since the protocol has its own precision.
    protocol = json.dumps({"precision": given.precisions["repro"]})
    environment = libraries() if gpu else None

    def script(name, precision, *more):
        return ran([sys.executable, HERE / name, *common, "--precision", precision, *more], given.timeout)

    ways = {
        "repro": lambda: ran([repro, *common, "--protocol", protocol], given.timeout, environment),
        "good": lambda: script("good.py", given.precisions["good"]),
        "authors": lambda: script("authors_way.py", given.precisions["authors"], "--workers", given.workers),
    }
    if given.skip_authors:
        del ways["authors"], given.precisions["authors"]
    runs, least, failures = {name: [] for name in ways}, {}, []

    def write(medians=None):
        """Writes all measurements so far."""
        if given.json:
            asked = {name: str(value) for name, value in vars(given).items()}
            measured = {"asked": asked, "medians": medians, "runs": runs, "least": least}
            given.json.write_text(json.dumps(measured, indent=1) + "\n")

    def report(what, found):
        """Prints the result of a process."""
        if "failed" in found:
            failures.append(what)
        seconds = ", ".join(f"{lap['seconds']:.3g}" for lap in found.get("training", []))
        result = found.get("failed", f"epochs of {seconds} s" if seconds else "measured")
        print(f"{what}: {result}", file=sys.stderr, flush=True)
        write()

    for turn in range(given.turns):
        for name, way in ways.items():
            runs[name].append(way())
            report(f"turn {turn + 1}, {name}", runs[name][-1])
    for precision in sorted(set(given.precisions.values())):
        found = script("network.py", precision, "rate")
        if "failed" not in found:
            least[precision] = found
        report(f"the floor in {precision}", found)
    write(table(succeeded(runs), least, given))
    if failures:
        sys.exit(f"failed: {'; '.join(failures)}")


if __name__ == "__main__":
    main()
