"""Races `repro` against PyTorch on the paper's fine-tune: ResNet-50, 224 pixels, images a second.

    python benches/paper/bench.py --device cuda
    python benches/paper/bench.py --device cpu --threads 1

Three ways in turn on the same machine, `--turns` times, each a process of its own: `repro` (benches/paper.rs), a
good PyTorch script (`good.py`: bf16 autocast on a GPU, channels last, data on the device) and the authors' way
(`authors_way.py`: PIL transforms in loader workers, fp32 with tf32). Weights and images are random. Prints a table
of medians, and with `--json FILE` everything that was measured. Run it with the Python that `requirements.txt` is
installed for.

On a machine with a GPU and without Rust, copy the executable that
`cargo bench --features gpu --bench paper --no-run` names, and give it with `--repro`.
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
# How many times a good script's and the authors' way's speed repro's should be, on a GPU in training.
AIMS = {"good": 1.2, "authors": 5.0}
WHAT = ["training", "testing"]
# What a machine of either kind can do in minutes: images a step, steps an epoch, images tested, loader workers.
SIZES = {
    "cuda": {"batch": 128, "steps": 13, "tested": 2048, "workers": 16},
    "cpu": {"batch": 16, "steps": 2, "tested": 32, "workers": 2},
}


def built(gpu):
    """Builds the bench with cargo, and finds it."""
    command = ["cargo", "bench", "--bench", "paper", "--no-run", "--message-format", "json"]
    run = subprocess.run(
        command + ["--features", "gpu"] * gpu, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    if run.returncode:
        sys.exit("cargo could not build the bench; give a built one with --repro")
    messages = map(json.loads, run.stdout.splitlines())
    return next(said["executable"] for said in messages if said.get("target", {}).get("name") == "paper")


def libtorch():
    """Where this Python's torch has its libraries: CUDA's half lies there."""
    command = [sys.executable, "-c", "import torch; print(torch.__path__[0])"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip() + "/lib"


def ran(command, environment=None):
    """The JSON object that a process prints."""
    words = list(map(str, command))
    run = subprocess.run(
        words, env=os.environ | (environment or {}), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    if run.returncode:
        sys.exit(f"{' '.join(words)}\nended with {run.returncode}")
    return json.loads(run.stdout)


def rates(found, what):
    """Images a second of each round of a process, and by processor seconds."""
    images = found[{"training": "trained_images", "testing": "tested_images"}[what]]
    by = lambda clock: [images / max(lap[clock], 1e-9) for lap in found[what]]
    return by("seconds"), by("processor_seconds")


def medians(runs, clock):
    """Median images a second, or a processor second, by way and what it does."""
    return {
        (name, what): statistics.median(rate for run in found for rate in rates(run, what)[clock])
        for name, found in runs.items() for what in WHAT
    }


def table(runs, least, given):
    print(f"\n{given.device}, {given.blocks} blocks, batches of {given.batch}; images a second, median of "
          f"{given.turns} x {given.rounds} rounds in turn (least to most):\n")
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
            found = least[given.precisions[name]]
            for what in WHAT:
                ceiling = found[a_second] / found["operations_an_image"][what]
                ratio = of["repro", what] / of[name, what]
                aim = f", aim {AIMS[name]}" if given.device == "cuda" and what == "training" and name in AIMS else ""
                print(f"  {name:10} {what:9} {ratio:8.2f}{aim}, {of[name, what]:.4g} of {ceiling:.4g}: "
                      f"{of[name, what] / ceiling:.3f}")

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
    parser.add_argument("--rounds", default=2, **number, help="epochs, and test passes, that count in a turn [2]")
    parser.add_argument("--turns", default=3, **number, help="times that each way runs [3]")
    parser.add_argument("--threads", **number, help="of libtorch on the CPU [its choice]")
    parser.add_argument("--precision", help="repro's, as the field of its protocol [the protocol's]")
    parser.add_argument("--good-precision", choices=["fp32", "tf32", "bf16"], help="[bf16 on a GPU, else fp32]")
    parser.add_argument("--skip-authors", action="store_true", help="leave the authors' way out")
    parser.add_argument("--repro", type=Path, help="the built bench [cargo builds it]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep everything that was measured")
    given = parser.parse_args()
    for name, size in SIZES[given.device].items():
        if getattr(given, name) is None:
            setattr(given, name, size)
    gpu = given.device == "cuda"
    repro = given.repro or built(gpu)
    common = ["--device", given.device, "--blocks", given.blocks, "--batch", given.batch, "--steps", given.steps]
    common += ["--rounds", given.rounds, "--tested", given.tested]
    common += ["--threads", given.threads] if given.threads else []
    good, authors = given.good_precision or ("bf16" if gpu else "fp32"), "tf32" if gpu else "fp32"
    protocol = {"precision": given.precision} if given.precision else {}
    # Where nobody says otherwise, libtorch computes convolutions on a GPU in TF32.
    ours = given.precision or ("tf32" if gpu else "fp32")
    given.precisions = {"repro": ours, "good": good, "authors": authors}
    script = lambda name, precision: [sys.executable, HERE / name, *common, "--precision", precision]
    ways = {
        "repro": lambda: ran(
            [repro, *common, "--protocol", json.dumps(protocol)], {"LD_LIBRARY_PATH": libtorch()} if gpu else None
        ),
        "good": lambda: ran(script("good.py", good)),
        "authors": lambda: ran([*script("authors_way.py", authors), "--workers", given.workers]),
    }
    if given.skip_authors:
        del ways["authors"], given.precisions["authors"]
    runs = {name: [] for name in ways}
    for turn in range(given.turns):
        for name, way in ways.items():
            runs[name].append(way())
            seconds = [f"{lap['seconds']:.3g}" for lap in runs[name][-1]["training"]]
            print(f"turn {turn + 1}, {name}: epochs of {', '.join(seconds)} s", file=sys.stderr, flush=True)
    least = {
        precision: ran([*script("network.py", precision), "rate"]) for precision in sorted(set(given.precisions.values()))
    }
    found = table(runs, least, given)
    if given.json:
        measured = {"asked": {name: str(value) for name, value in vars(given).items()}, "medians": found}
        given.json.write_text(json.dumps(measured | {"runs": runs, "least": least}, indent=1) + "\n")


if __name__ == "__main__":
    main()
