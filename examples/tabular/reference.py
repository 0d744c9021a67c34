"""Every cell of this example by scipy: paired t over seeds, 95 %. Writes reference.json.

    python3 reference.py        (scipy 1.17.1)
"""
import csv
import json
import pathlib
from collections import defaultdict

import numpy
from scipy import stats

HERE = pathlib.Path(__file__).parent
TEN = ["adult", "aloi", "california_housing", "covtype", "epsilon", "helena", "higgs_small", "jannis",
       "microsoft", "year"]
NINE = [dataset for dataset in TEN if dataset != "aloi"]
ELEVEN = sorted(TEN + ["yahoo"])

scores = defaultdict(dict)
for row in csv.DictReader(open(HERE / "runs.csv")):
    scores[row["dataset"], row["method"], row["tuning"]][int(row["seed"])] = float(row["test_score"])


def cell(dataset, terms):
    """A contrast of tuned methods on a data set."""
    arms = [(weight, scores.get((dataset, method, "tuned"), {})) for method, weight in terms.items()]
    seeds = sorted(set.intersection(*(set(arm) for _, arm in arms)))
    values = numpy.array([sum(weight * arm[seed] for weight, arm in arms) for seed in seeds])
    if len(seeds) < 2:
        return {"seeds": len(seeds)}
    deterministic = any(len(set(arm.values())) == 1 for _, arm in arms)
    found = stats.ttest_1samp(values, 0, alternative="greater")
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    return {"seeds": len(seeds), "mean": values.mean(), "t": found.statistic, "p": found.pvalue,
            "low": low, "high": high, "deterministic": deterministic}


def pair(one, other, datasets):
    return {dataset: cell(dataset, {one: 1.0, other: -1.0}) for dataset in datasets}


earlier = ["autoint", "dcn2", "snn", "tabnet"]
reference = {
    "transformer_beats_resnet": pair("ft_transformer", "resnet", TEN),
    "transformer_beats_mlp": pair("ft_transformer", "mlp", TEN),
    "resnet_is_a_strong_baseline": {
        f"{method} {dataset}": found for method in earlier
        for dataset, found in pair("resnet", method, ELEVEN).items()},
    "resnet_is_a_strong_baseline.on_average_of_models": {
        dataset: cell(dataset, {"resnet": 1.0} | {method: -.25 for method in earlier})
        for dataset in ELEVEN},
    "no_superior_family": pair("ft_transformer", "xgboost", NINE),
    "no_superior_family.the_other_way_round": pair("xgboost", "ft_transformer", NINE),
    "no_superior_family.catboost": pair("ft_transformer", "catboost", NINE),
}
(HERE / "reference.json").write_text(json.dumps(reference, indent=1) + "\n")
for claim, cells in reference.items():
    above = sum(found.get("low", -1) > 0 for found in cells.values())
    below = sum(found.get("high", 1) < 0 for found in cells.values())
    print(f"{claim}: {above} above, {below} below, of {len(cells)}",
          [name for name, found in cells.items() if found.get("deterministic") or "mean" not in found])
