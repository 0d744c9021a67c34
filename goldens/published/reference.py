"""The published verdicts' numbers a second way: scipy on the shipped log, sharing nothing with the
Rust code but the file. Writes reference.json beside itself; tests/published.rs compares.

    pip install -r requirements.txt && python reference.py
"""

import csv
import gzip
import json
import math
from collections import defaultdict
from pathlib import Path

import numpy
from scipy import stats

HERE = Path(__file__).parent
SIMILAR = ["cifar10", "cifar100"]
DISSIMILAR = ["svhn", "kmnist", "fmnist", "mnist"]
TARGETS = SIMILAR + DISSIMILAR
FEW = [100, 200, 400, 800, 1600]

runs = defaultdict(dict)  # (target, source, blocks, images) -> seed -> {epoch: accuracy}
with gzip.open(HERE / "runs.csv.gz", "rt") as file:
    for row in csv.DictReader(file):
        key = row["dataset"], row["source"], int(row["blocks"]), int(row["images"])
        run = runs[key].setdefault(int(row["seed"]), {})
        run[int(row["epoch"])] = float(row["test_accuracy_percent"])


def last(target, source, blocks, images):
    return {seed: run[max(run)] for seed, run in runs[target, source, blocks, images].items()}


def best(target, source, blocks, images):
    return {seed: max(run.values()) for seed, run in runs[target, source, blocks, images].items()}


def from_fifth(target, source, blocks, images):
    return {
        seed: run[min(epoch for epoch in run if epoch >= 0.2 * max(run))]
        for seed, run in runs[target, source, blocks, images].items()
    }


def mean(arms):
    """Averages within seeds that all arms have."""
    seeds = set.intersection(*(set(arm) for arm in arms))
    return {seed: numpy.mean([arm[seed] for arm in arms]) for seed in seeds}


def combine(*terms):
    """The weighted sum within seeds that all arms have, in the order of the seeds."""
    seeds = sorted(set.intersection(*(set(arm) for _, arm in terms)))
    return [sum(weight * arm[seed] for weight, arm in terms) for seed in seeds]


def mixed(target, images, sources, blocks=(3,)):
    """Whether runs of one target and size ended at different epochs."""
    ends = {
        max(run)
        for source in sources
        for block in blocks
        for run in runs[target, source, block, images].values()
    }
    return len(ends) > 1


def judged(values):
    values = numpy.array(values)
    test = stats.ttest_1samp(values, 0.0, alternative="greater")
    interval = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    return {
        "seeds": len(values),
        "mean": values.mean(),
        "low": interval.low,
        "high": interval.high,
        "t": test.statistic,
        "p": test.pvalue,
    }


cells = []


def cell(claim, values, target=None, images=None, blocks=None, contrast=0):
    place = {"claim": claim, "target": target, "images": images, "blocks": blocks}
    cells.append(place | {"contrast": contrast} | judged(values))


for target in TARGETS:
    for images in FEW + [3200, 6400, 12800, 25600]:
        if not mixed(target, images, ["l2_3", "natural"]):
            gap = combine((1, last(target, "l2_3", 3, images)), (-1, last(target, "natural", 3, images)))
            cell("robust_beats_natural", gap, target, images, 3)
    early = combine((1, from_fifth(target, "l2_3", 3, 3200)), (-1, last(target, "natural", 3, 3200)))
    cell("faster_convergence", early, target, 3200, 3)
    shrinks = combine(
        (1, mean([last(target, "l2_3", 3, images) for images in FEW])),
        (-1, mean([last(target, "natural", 3, images) for images in FEW])),
        (-1, last(target, "l2_3", 3, 6400)),
        (1, last(target, "natural", 3, 6400)),
    )
    cell("gap_shrinks_with_images", shrinks, target, None, 3)
    more = combine((1, last(target, "natural", 3, 1600)), (-1, last(target, "natural", 3, 100)))
    cell("control_more_images", more, target, None, 3)

for images in FEW:
    def of(targets, source, blocks):
        return mean([last(target, source, blocks, images) for target in targets])

    cell(
        "fewer_blocks_for_similar",
        combine(
            (1, of(SIMILAR, "l2_3", 1)),
            (-1, of(SIMILAR, "l2_3", 3)),
            (-1, of(DISSIMILAR, "l2_3", 1)),
            (1, of(DISSIMILAR, "l2_3", 3)),
        ),
        images=images,
    )
    cell(
        "gap_grows_with_dissimilarity",
        combine(
            (1, of(DISSIMILAR, "l2_3", 3)),
            (-1, of(DISSIMILAR, "natural", 3)),
            (-1, of(SIMILAR, "l2_3", 3)),
            (1, of(SIMILAR, "natural", 3)),
        ),
        images=images,
        blocks=3,
    )
    for contrast, (other, targets) in enumerate([("linf_4", TARGETS), ("linf_8", ["cifar10", "svhn"])]):
        gap = combine((1, of(targets, "l2_3", 1)), (-1, of(targets, other, 1)))
        cell("l2_best", gap, images=images, blocks=1, contrast=contrast)
    cell(
        "similar_need_smaller_constraint",
        combine(
            (1, of(["cifar10"], "linf_4", 1)),
            (-1, of(["cifar10"], "linf_8", 1)),
            (-1, of(["svhn"], "linf_4", 1)),
            (1, of(["svhn"], "linf_8", 1)),
        ),
        images=images,
        blocks=1,
    )
    few = mean([of(TARGETS, "l2_3", 1), of(TARGETS, "l2_3", 3)])
    cell("few_blocks_best", combine((1, few), (-1, of(TARGETS, "l2_3", 0))), images=images)

everything = combine(
    (1, mean([last(target, "l2_3", 3, images) for images in FEW for target in TARGETS])),
    (-1, mean([last(target, "natural", 3, images) for images in FEW for target in TARGETS])),
    (-1, mean([last(target, "l2_3", 3, 6400) for target in TARGETS])),
    (1, mean([last(target, "natural", 3, 6400) for target in TARGETS])),
)
cell("gap_shrinks_with_images", everything, None, None, 3)

assert all(math.isfinite(value) for cell in cells for value in (cell["mean"], cell["t"], cell["p"]))
(HERE / "reference.json").write_text(json.dumps({"cells": cells}, indent=1) + "\n")
print(len(cells), "cells")
