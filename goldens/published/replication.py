"""The comparison of the log with the published means a second way: numpy and scipy on the shipped files,
sharing nothing with the Rust code but them. Writes replication.json beside itself; tests/compare.rs
compares.

    pip install -r requirements.txt && python replication.py
"""

import collections
import csv
import gzip
import json
import math
from pathlib import Path

import numpy as np
from scipy import stats

HERE = Path(__file__).parent
ALPHA = 0.05
# Half the resolution at which the log prints accuracies: the floor of a spread.
FLOOR = 0.005
# Half the last digit, and a hair: figures are read off to a thousandth, the table has hundredths.
READING_ERROR = collections.defaultdict(lambda: 0.0006, table=0.0051)


def planned(images):
    """Seeds and epochs of the authors' final batch."""
    seeds = 10 if images <= 6400 else 5 if images <= 25600 else 1
    return seeds, 100 if images <= 1600 else 150


def runs():
    """Accuracy by epoch of each seed of each cell."""
    cells = collections.defaultdict(lambda: collections.defaultdict(dict))
    with gzip.open(HERE / "runs.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            key = row["dataset"], row["source"], int(row["blocks"]), int(row["images"])
            cells[key][int(row["seed"])][int(row["epoch"])] = float(row["test_accuracy_percent"])
    return cells


def schedules(cells):
    """The last epoch of each run; a run that logged a proper beginning of another's epochs on its target
    and size stopped."""
    logged = collections.defaultdict(set)
    for (target, _, _, images), seeds in cells.items():
        for epochs in seeds.values():
            logged[target, images].add(tuple(sorted(epochs)))

    def stopped(target, images, epochs):
        own = tuple(sorted(epochs))
        return any(len(own) < len(other) and other[: len(own)] == own for other in logged[target, images])

    return stopped


def value(figure, x, epochs):
    if figure == "3":
        return epochs.get(x)
    return epochs[max(epochs)] if figure in ("2", "table") else max(epochs.values())


def spread_behind(low, high, seeds):
    """The percentile bootstrap's band of a mean is 2 z standard errors wide, with k in the denominator."""
    return (high - low) / (2 * stats.norm.ppf(0.975)) * math.sqrt(seeds) * math.sqrt(seeds / (seeds - 1))


def points():
    with gzip.open(HERE / "figures.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            figure = row["figure"].split("(Fig.")[1][0]
            x = int(float(row["x"]))
            images = 3200 if figure == "3" else x
            band = (float(row["ci95_lo"]), float(row["ci95_hi"])) if row["ci95_lo"] else None
            yield figure, row, x, images, float(row["mean"]), band


def holm(p):
    order = np.argsort(p, kind="stable")
    adjusted, largest = np.ones(len(p)), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = largest
    return adjusted


def means(cells, stopped):
    found = []

    def one(figure, key, x, published, band):
        target, source, blocks, images = key
        k_published, epochs_published = planned(images)
        if key not in cells:
            return
        seeds = {seed: e for seed, e in cells[key].items() if not stopped(target, images, e)}
        lengths = {max(e) for e in seeds.values()}
        values = [value(figure, x, e) for _, e in sorted(seeds.items())]
        if len(lengths) != 1 or len(values) < 2 or any(v is None for v in values):
            return
        mean, spread, k = np.mean(values), max(np.std(values, ddof=1), FLOOR), len(values)
        other_schedule = lengths != {epochs_published}
        if abs(mean - published) <= READING_ERROR[figure] and not other_schedule:
            return
        error = spread * math.sqrt(1 / k + 1 / k_published)
        reach = stats.t.ppf(1 - ALPHA / 2, k - 1) * error
        t = (published - mean) / error
        row = {"figure": figure, "target": target, "source": source, "blocks": blocks, "images": images}
        row |= {"epoch": x if figure == "3" else None, "seeds": k, "mean": mean, "spread": spread}
        row |= {"low": mean - reach, "high": mean + reach, "t": t, "p": 2 * stats.t.sf(abs(t), k - 1)}
        row |= {"published_spread": None, "both_low": None, "both_high": None}
        if band:
            published_spread = spread_behind(*band, k_published)
            own, theirs = spread**2 / k, published_spread**2 / k_published
            freedom = (own + theirs) ** 2 / (own**2 / (k - 1) + theirs**2 / (k_published - 1))
            both = stats.t.ppf(1 - ALPHA / 2, freedom) * math.sqrt(own + theirs)
            row |= {"published_spread": published_spread, "both_low": mean - both, "both_high": mean + both}
        found.append(row)

    known = set()
    for figure, row, x, images, published, band in points():
        if row["quantity"] != "test_acc":
            continue
        key = row["dataset"], row["source"], int(row["unfrozen_blocks"]), images
        if figure == "2":
            known.add(key)
        one(figure, key, x, published, band)
    with open(HERE / "summary.csv") as file:
        for row in csv.DictReader(file):
            key = row["target"], row["source"], 3, int(row["images"])
            if key not in known:
                one("table", key, int(row["images"]), float(row["mean"]), None)
    for row, adjusted in zip(found, holm(np.array([row["p"] for row in found]))):
        row["p_adjusted"] = adjusted
    return found


def direction(mean, spread, seeds):
    if spread is None:
        return "open"
    reach = stats.t.ppf(1 - ALPHA / 2, seeds - 1) * spread / math.sqrt(seeds)
    return "better" if mean > reach else "worse" if mean < -reach else "open"


def differences(cells, stopped):
    found = []
    for figure, row, x, images, published, band in points():
        if row["quantity"] != "delta":
            continue
        sources = (row["source"].split(" minus ") * 2)[:2]
        blocks = (row["unfrozen_blocks"].split(" minus ") * 2)[:2]
        keys = [(row["dataset"], source, int(count), images) for source, count in zip(sources, blocks)]
        k_published, _ = planned(images)
        spread = spread_behind(*band, k_published) if band else None
        one = {"figure": figure, "target": row["dataset"], "contrast": " / ".join(sources + blocks)}
        one |= {"images": images, "epoch": x if figure == "3" else None}
        one["published"] = direction(published, spread, k_published)
        one["ours"] = None
        if all(key in cells for key in keys):
            first, second = (cells[key] for key in keys)
            joined = sorted(set(first) & set(second))
            runs = [epochs for seed in joined for epochs in (first[seed], second[seed])]
            everything = [e for key in keys for e in cells[key].values()]
            whole = [e for e in everything if not stopped(row["dataset"], images, e)]
            mixed = len({max(e) for e in whole}) > 1
            missing = any(value(figure, x, epochs) is None for epochs in runs)
            cut = [s for s in joined if any(stopped(row["dataset"], images, side[s]) for side in (first, second))]
            joined = [seed for seed in joined if seed not in cut]
            if joined and not mixed and not missing:
                d = [value(figure, x, first[s]) - value(figure, x, second[s]) for s in joined]
                spread = max(np.std(d, ddof=1), FLOOR) if len(d) > 1 else None
                one["ours"] = direction(np.mean(d), spread, len(d))
                one["mean"] = np.mean(d)
        found.append(one)
    return found


def main():
    cells = runs()
    stopped = schedules(cells)
    result = {"means": means(cells, stopped), "differences": differences(cells, stopped)}
    result["means"] = [row | {k: float(v) for k, v in row.items() if isinstance(v, np.floating)} for row in result["means"]]
    text = json.dumps(result, indent=1, default=float)
    (HERE / "replication.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
