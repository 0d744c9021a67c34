"""Two of the claims as a researcher would judge them in scipy: read the log, pair by seed, one t-test
and one interval per cell, then the quantifier. Prints the cells and the two verdicts.

    python two_claims.py
"""

import csv
import gzip
from collections import defaultdict
from pathlib import Path

import numpy
from scipy import stats

LOG = Path(__file__).parents[2] / "goldens" / "published" / "runs.csv.gz"
TARGETS = ["cifar10", "cifar100", "svhn", "kmnist", "fmnist", "mnist"]
SIZES = [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600]
ALPHA = 0.025


def read():
    runs = defaultdict(dict)
    with gzip.open(LOG, "rt") as file:
        for row in csv.DictReader(file):
            key = row["dataset"], row["source"], int(row["blocks"]), int(row["images"])
            run = runs[key].setdefault(int(row["seed"]), {})
            run[int(row["epoch"])] = float(row["test_accuracy_percent"])
    return runs


def gap(first, second, read_first, read_second):
    """Differences within seeds; none if runs of the cell ended at different epochs."""
    if not first or not second or len({max(run) for run in [*first.values(), *second.values()]}) > 1:
        return []
    return [read_first(first[seed]) - read_second(second[seed]) for seed in sorted(first.keys() & second.keys())]


def last(run):
    return run[max(run)]


def from_fifth(run):
    return run[min(epoch for epoch in run if epoch >= 0.2 * max(run))]


def judge(title, cells, share):
    p = []
    for name, values in cells.items():
        if len(values) < 2:
            p.append(1.0)
            continue
        test = stats.ttest_1samp(values, 0.0, alternative="greater")
        interval = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
        p.append(test.pvalue)
        print(f"{name}: {numpy.mean(values):+.2f} [{interval.low:.2f}, {interval.high:.2f}], p {test.pvalue:.2g}")
    # Partial conjunction: at least `needed` of the cells.
    needed = int(numpy.ceil(share * len(p)))
    combined = min((len(p) - needed + 1) * sorted(p)[needed - 1], 1.0)
    print(f"{title}: {'supported' if combined < ALPHA else 'not supported'}, p {combined:.2g}\n")


def main():
    runs = read()
    beats, faster = {}, {}
    for target in TARGETS:
        for images in SIZES:
            arms = [runs[target, source, 3, images] for source in ("l2_3", "natural")]
            beats[f"{target}, {images} images"] = gap(*arms, last, last)
        arms = [runs[target, source, 3, 3200] for source in ("l2_3", "natural")]
        faster[f"{target}, a fifth of the schedule"] = gap(*arms, from_fifth, last)
    judge("robust models beat natural ones", beats, 0.9)
    judge("robust models converge faster", faster, 1.0)


main()
