"""Makes replicates.json: intervals and tests for replicates that are not plainly paired, by scipy.

    /path/to/python goldens/statistics/make_replicates.py   # numpy and scipy of requirements.txt

Two arms, `first` minus `second`; every case has the 1 - 2 alpha interval, and both one-sided p
against `null`.
"""

import json
import math
from pathlib import Path

import numpy as np
from scipy import stats

SEED = 200705869
ALPHAS = [0.025, 0.025 / 3]


def unpaired(generator):
    """scipy.stats.ttest_ind without equal variances, on arms with other numbers of replicates."""
    cases = []
    for k, n, ratio in [(2, 2, 1), (3, 5, 4), (10, 7, 0.2), (5, 30, 3), (12, 12, 1)]:
        first = generator.normal(60, 2, k)
        second = generator.normal(58, 2 * ratio, n)
        for alpha in ALPHAS:
            null = generator.normal()
            found = stats.ttest_ind(first, second + null, equal_var=False)
            low, high = found.confidence_interval(1 - 2 * alpha)
            cases.append({
                "first": first.tolist(), "second": second.tolist(), "alpha": alpha, "null": null,
                "df": found.df, "low": low + null, "high": high + null,
                **{
                    f"p_{side}": stats.ttest_ind(
                        first, second + null, equal_var=False, alternative=side
                    ).pvalue
                    for side in ("greater", "less")
                },
            })
    return cases


def floored(generator):
    """An arm that hardly varies: its deviation is raised to half of `resolution`."""
    cases = []
    for k, n in [(3, 4), (5, 5), (10, 3)]:
        first, second = generator.normal(90, 1, k), np.full(n, 88.0)
        resolution = 0.5
        spread = max(second.std(ddof=1), resolution / 2)
        found = stats.ttest_ind_from_stats(
            first.mean(), first.std(ddof=1), k, second.mean(), spread, n, equal_var=False,
        )
        shares = np.array([first.var(ddof=1) / k, spread**2 / n])
        df = shares.sum() ** 2 / (shares[0] ** 2 / (k - 1) + shares[1] ** 2 / (n - 1))
        assert math.isclose(found.pvalue, 2 * stats.t.sf(abs(found.statistic), df))
        estimate = first.mean() - second.mean()
        half = stats.t.isf(0.025, df) * math.sqrt(shares.sum())
        cases.append({
            "first": first.tolist(), "second": second.tolist(), "alpha": 0.025, "null": 0.0,
            "resolution": resolution, "df": df, "low": estimate - half, "high": estimate + half,
            "p_greater": stats.t.sf(found.statistic, df),
            "p_less": stats.t.cdf(found.statistic, df),
        })
    return cases


def folds(generator):
    """The corrected resampled t (Nadeau and Bengio 2003): 1/k + test/train in place of 1/k."""
    cases = []
    for k, test_to_train in [(2, 1.0), (5, 0.25), (10, 1 / 9), (100, 1 / 9)]:
        first = generator.normal(80, 2, k)
        second = first - generator.normal(1, 1, k)
        d = first - second
        for alpha in ALPHAS:
            null = generator.normal()
            error = d.std(ddof=1) * math.sqrt(1 / k + test_to_train)
            low, high = stats.t.interval(1 - 2 * alpha, k - 1, loc=d.mean(), scale=error)
            t = (d.mean() - null) / error
            cases.append({
                "first": first.tolist(), "second": second.tolist(), "alpha": alpha, "null": null,
                "test_to_train": test_to_train, "df": k - 1, "low": low, "high": high,
                "p_greater": stats.t.sf(t, k - 1), "p_less": stats.t.cdf(t, k - 1),
            })
    return cases


def nested(generator):
    """Replicates in units: the mean within a unit, then scipy's paired or Welch's test."""
    cases = []
    for units, share in [(3, True), (6, True), (4, False), (9, False)]:
        own = [generator.normal(50, 3, units), generator.normal(50, 3, units)]
        if share:
            own[1] = own[0]
        runs = [
            [
                generator.normal(level + 2 * (1 - arm), 1, int(generator.integers(1, 5))).tolist()
                for level in own[arm]
            ]
            for arm in range(2)
        ]
        first, second = ([float(np.mean(of)) for of in arm] for arm in runs)
        for alpha in ALPHAS:
            if share:
                test = stats.ttest_rel(first, second)
            else:
                test = stats.ttest_ind(first, second, equal_var=False)
            low, high = test.confidence_interval(1 - 2 * alpha)
            cases.append({
                "first": runs[0], "second": runs[1], "share_units": share, "alpha": alpha,
                "null": 0.0, "df": test.df, "low": low, "high": high,
                "p_greater": stats.t.sf(test.statistic, test.df),
                "p_less": stats.t.cdf(test.statistic, test.df),
            })
    return cases


def powers(_):
    """Replicates of each sample for a power of .8, by going through whole numbers.

    `variances`: one of differences, or one an arm (Welch, by Satterthwaite's degrees of freedom).
    """
    def power(effect, variances, ratio, k, level):
        variances = np.array(variances)
        df = (k - 1) * variances.sum() ** 2 / (variances**2).sum()
        error = math.sqrt(variances.sum() * (1 / k + ratio))
        return stats.nct.sf(stats.t.isf(level, df), df, effect / error)

    cases = []
    for variances, ratio, effects in [
        ([1.0, 1.0], 0.0, [0.5, 1.0, 2.0, 6.0]),
        ([1.0, 16.0], 0.0, [1.0, 3.0]),
        ([4.0, 0.25, 1.0], 0.0, [1.5]),
        ([1.0], 1 / 9, [1.2, 1.5, 3.0]),
        ([2.25], 0.25, [2.5, 4.0]),
        ([1.0, 3.0], 1 / 9, [2.5]),
    ]:
        for effect in effects:
            for level in ALPHAS:
                needed = next(
                    k for k in range(2, 10_000) if power(effect, variances, ratio, k, level) >= 0.8
                )
                cases.append({
                    "variances": variances, "test_to_train": ratio, "effect": effect,
                    "level": level, "needed": needed,
                    "power": power(effect, variances, ratio, 5, level),
                })
    return cases


def plain(value):
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, bool):
        return value
    assert math.isfinite(value), value
    return float(value)


def main():
    generator = np.random.default_rng(SEED)
    made = {of.__name__: of(generator) for of in (unpaired, floored, folds, nested, powers)}
    lines = ",\n".join(
        f"{json.dumps(name)}: [\n" + ",\n".join(map(json.dumps, map(plain, cases))) + "\n]"
        for name, cases in made.items()
    )
    Path(__file__).with_name("replicates.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
