"""Makes reference.json, which tests/statistics.rs reads: the same statistics by scipy and statsmodels.

    python -m venv venv && venv/bin/pip install -r goldens/statistics/requirements.txt
    venv/bin/python goldens/statistics/make_reference.py

Rewrites reference.json beside itself. Numbers are written with all their digits; non-finite ones don't occur.
"""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import scipy
import statsmodels
from scipy import linalg, optimize, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

SEED = 200705869
ALPHAS = [0.025, 0.05, 0.025 / 3, 0.005]
DEGREES = [1, 1.37, 2, 2.5, 3, 4, 5, 7.25, 9, 11.999, 17.7764735162, 29, 30.5, 99, 247.3, 1000]


def t_tails():
    points = [-30, -4.2, -1, -0.1, 0, 1e-3, 0.5, 1, 2, 3.3, 8, 25, 100, 1e4]
    return [{"t": t, "df": df, "tail": stats.t.sf(t, df)} for df in DEGREES for t in points]


def t_quantiles():
    tails = [0.45, 0.2, 0.05, 0.025, 0.025 / 2, 0.025 / 3, 0.005, 1e-4, 1e-8, 1e-12]
    return [{"tail": a, "df": df, "t": stats.t.isf(a, df)} for df in DEGREES for a in tails]


def normal_tails():
    return [{"z": z, "tail": stats.norm.sf(z)} for z in [-6, -1.5, 0, 0.3, 1, 1.96, 3, 4.8769, 8, 20, 37]]


def normal_quantiles():
    return [{"tail": a, "z": stats.norm.isf(a)} for a in [0.9, 0.3, 0.05, 0.025, 0.0125, 1e-3, 1e-6, 1e-12, 1e-100]]


def samples(generator):
    """Random samples of 2 to 40 values, on scales like those of accuracy differences and far from them."""
    for k in [2, 3, 4, 5, 10, 25, 40]:
        for mean, spread in [(0.2, 1.3), (22.0, 2.8), (-3.0, 0.01), (1e4, 1.0), (0.0, 1e4)]:
            yield generator.normal(mean, spread, k)


def one_sample(generator):
    cases = []
    for values in samples(generator):
        k, mean, error = len(values), values.mean(), values.std(ddof=1)
        null, margin = mean + error * generator.normal(), abs(mean) + error * generator.uniform(0, 2)
        described = DescrStatsW(values)
        greater = stats.ttest_1samp(values, null, alternative="greater")
        less = stats.ttest_1samp(values, null, alternative="less")
        both = stats.ttest_1samp(values, null)
        for alpha in ALPHAS:
            low, high = described.tconfint_mean(alpha=2 * alpha)
            published = int(generator.integers(1, 41))
            critical = stats.t.isf(alpha, k - 1)
            reach = critical * error * math.sqrt(1 / k + 1 / published)
            cases.append({
                "values": values.tolist(), "alpha": alpha, "null": null, "margin": margin, "published": published,
                "mean": mean, "standard_deviation": error,
                "t": both.statistic, "p_greater": greater.pvalue, "p_less": less.pvalue, "p_two_sided": both.pvalue,
                "low": low, "high": high,
                "tost": described.ttost_mean(-margin, margin)[0],
                "prediction_low": mean - reach, "prediction_high": mean + reach,
            })
    return cases


def welch(generator):
    cases = []
    for first in samples(generator):
        k = int(generator.integers(2, 30))
        second = generator.normal(first.mean(), first.std(ddof=1) * generator.uniform(0.1, 5), k)
        found = stats.ttest_ind(first, second, equal_var=False)
        greater = stats.ttest_ind(first, second, equal_var=False, alternative="greater")
        for alpha in ALPHAS:
            low, high = CompareMeans.from_data(first, second).tconfint_diff(alpha=2 * alpha, usevar="unequal")
            cases.append({
                "first": first.tolist(), "second": second.tolist(), "alpha": alpha,
                "t": found.statistic, "df": found.df, "p_two_sided": found.pvalue, "p_greater": greater.pvalue,
                "low": low, "high": high,
            })
    return cases


def contrasts(generator):
    """Four arms, as in a difference of differences: the formula in numpy, the tails by scipy."""
    cases = []
    for _ in range(20):
        weights = generator.normal(size=4)
        arms = [generator.normal(5, generator.uniform(0.1, 4), int(generator.integers(2, 12))) for _ in weights]
        shares = np.array([w * w * a.var(ddof=1) / len(a) for w, a in zip(weights, arms)])
        df = shares.sum() ** 2 / sum(v * v / (len(a) - 1) for v, a in zip(shares, arms))
        estimate = sum(w * a.mean() for w, a in zip(weights, arms))
        t = estimate / math.sqrt(shares.sum())
        cases.append({
            "weights": weights.tolist(), "arms": [a.tolist() for a in arms],
            "estimate": estimate, "standard_error": math.sqrt(shares.sum()), "df": df,
            "p_greater": stats.t.sf(t, df), "p_less": stats.t.cdf(t, df),
        })
    return cases


def holm(generator):
    cases = []
    for m in [1, 2, 3, 5, 12, 40]:
        for power in [1, 4]:
            p = generator.uniform(size=m) ** power
            if m > 2:
                p[1] = p[0]  # a tie
            cases.append({"p": p.tolist(), "adjusted": multipletests(p, method="holm")[1].tolist()})
    return cases


def wilson():
    cases = []
    for successes, trials in [(0, 1), (1, 1), (0, 30), (30, 30), (1, 2000), (9012, 10000), (500, 1000), (7, 9), (1234567, 2000000)]:
        for alpha in ALPHAS:
            low, high = proportion_confint(successes, trials, alpha=2 * alpha, method="wilson")
            cases.append({"successes": successes, "trials": trials, "alpha": alpha, "low": low, "high": high})
    return cases


def mcnemar_exact():
    pairs = [(0, 1), (1, 1), (0, 10), (3, 14), (10, 10), (11, 10), (40, 80), (250, 312), (0, 900), (1200, 1000), (5000, 5200)]
    return [
        {"only_first": b, "only_second": c, "p": mcnemar([[7, b], [c, 7]], exact=True).pvalue}
        for b, c in pairs
    ]


def noncentral_t_tails():
    grid = [(2, 3.0, 4.30265272975), (9, 2.5, 2.26215716275), (4, 0.0, 2.7764451052), (1, 1.0, 12.7062047362), (29, -1.0, 2.045), (9, 12.0, 2.9333), (2, 8.0, 7.6488), (5000, 3.0, 1.9604)]
    return [{"df": df, "shift": shift, "t": t, "tail": stats.nct.sf(t, df, shift)} for df, shift, t in grid]


def power(effect, seeds, level):
    return stats.nct.sf(stats.t.isf(level, seeds - 1), seeds - 1, effect * math.sqrt(seeds))


def seeds_needed():
    """By going through whole numbers."""
    return [
        {"effect": effect, "level": level, "seeds": next(k for k in range(2, 10_000) if power(effect, k, level) >= 0.8)}
        for effect in [0.2, 0.5, 1.0, 2.0, 3.0]
        for level in [0.025, 0.025 / 3]
    ]


def detectable():
    return [
        {"seeds": seeds, "level": level, "effect": optimize.brentq(lambda effect: power(effect, seeds, level) - 0.8, 0.01, 50, xtol=1e-13)}
        for seeds in [3, 5, 10]
        for level in [0.025, 0.025 / 3]
    ]


def groupings(generator):
    """One-sided permutation tests over all ways to choose as many of a list."""
    cases = []
    for count, chosen in [(5, 2), (4, 2), (6, 2), (6, 3), (8, 3)]:
        for rounded in [False, True]:
            values = generator.normal(10, 5, count)
            values = values.round(-1) if rounded else values
            test = stats.permutation_test(
                (values[:chosen], values[chosen:]), lambda x, y: x.mean() - y.mean(),
                permutation_type="independent", alternative="greater", n_resamples=np.inf,
            )
            cases.append({
                "values": values.tolist(), "chosen": chosen, "difference": test.statistic, "p": test.pvalue,
                "ways": math.comb(count, chosen),
            })
    return cases


def kendalls(generator):
    """Kendall's tau-b; exact one-sided p by scipy's own enumeration, with ties by permutation_test."""
    cases = []
    for count in [3, 4, 5, 6, 7]:
        for rounded in [False, True]:
            first, second = generator.normal(0, 1, count), generator.normal(0, 1, count)
            if rounded:
                first, second = np.arange(count) // 2 * 1.0, (2 * second).round()
            if len(set(second)) == 1:
                continue
            tau = stats.kendalltau(first, second, alternative="greater", method="auto" if rounded else "exact")
            p = stats.permutation_test(
                (first,), lambda x: stats.kendalltau(x, second).statistic,
                permutation_type="pairings", alternative="greater", n_resamples=np.inf,
            ).pvalue
            assert rounded or abs(p - tau.pvalue) < 1e-12
            cases.append({"first": first.tolist(), "second": second.tolist(), "tau": tau.statistic, "p": p})
    return cases


def seeds_and_images():
    """The crossed design by its definition, cell by cell: one table of seeds x images a test set."""
    generator = np.random.default_rng(SEED)
    pinned = [np.array([[1, 0, 2, 1, -1], [2, 1, 3, 0, 0], [0, 1, 2, 1, 1]], dtype=float)]
    cases = [pinned]
    for k, sizes in [(3, [7]), (5, [12]), (4, [6, 9]), (10, [8, 5, 7])]:
        cases.append([
            generator.normal(0.3, 1, (k, 1)) + generator.normal(0, 2, (1, n)) + generator.normal(0, 1, (k, n))
            for n in sizes
        ])
    # Images without an effect of their own: the sum may fall below zero.
    cases.append([generator.normal(0, 1, (5, 6)) for _ in range(2)])
    cases.append([np.array([[1.0, -1, 1, -1], [-1, 1, -1, 1], [1, 1, -1, -1]])])
    found = []
    for tables in cases:
        k = len(tables[0])
        seeds = sum(table.mean(axis=1) for table in tables)
        own = seeds.var(ddof=1) / k
        added, divisor = 0.0, 0.0
        for table in tables:
            n = table.shape[1]
            v = table.mean(axis=0).var(ddof=1)
            fitted = table.mean(axis=1, keepdims=True) + table.mean(axis=0, keepdims=True) - table.mean()
            r = ((table - fitted) ** 2).sum() / ((k - 1) * (n - 1))
            added += v / n - r / (k * n)
            divisor += (v / n) ** 2 / (n - 1) + (r / (k * n)) ** 2 / ((k - 1) * (n - 1))
        positive = added > 0
        variance = own + max(0.0, added)
        df = variance**2 / (own**2 / (k - 1) + divisor) if positive else k - 1
        half = stats.t.isf(0.025, df) * math.sqrt(variance)
        found.append({
            "tables": [[list(row) for row in table] for table in tables],
            "mean": seeds.mean(), "variance": variance, "df": float(df),
            "low": seeds.mean() - half, "high": seeds.mean() + half,
        })
    return found


def frechets():
    """Distances between two samples of features by their definition, with scipy's matrix square root."""
    generator = np.random.default_rng(SEED)
    cases = []
    for width, count, other in [(1, 9, 12), (2, 20, 30), (4, 40, 25), (6, 50, 80)]:
        first = generator.normal(0, 1, (count, width)) @ generator.normal(0, 1, (width, width))
        second = generator.normal(0.5, 2, (other, width)) @ generator.normal(0, 1, (width, width))
        covariances = [np.atleast_2d(np.cov(each, rowvar=False)) for each in (first, second)]
        apart = ((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum()
        root = linalg.sqrtm(covariances[0] @ covariances[1])
        assert np.abs(np.imag(root)).max() < 1e-9
        distance = apart + np.trace(covariances[0] + covariances[1] - 2 * np.real(root))
        cases.append({
            "first": [list(row) for row in first], "second": [list(row) for row in second], "distance": distance,
        })
    return cases


def shuffles():
    """Matches of labels with items, over all orders of the labels, one by one."""
    generator = np.random.default_rng(SEED)
    cases = []
    for labels, classes in [([0, 1], 2), ([0, 0, 1, 2], 3), ([0, 0, 0, 1, 1], 2), ([0, 1, 1, 2, 2, 2, 3], 4)]:
        matches = generator.integers(0, 6, (len(labels), classes))
        sums = [matches[np.arange(len(labels)), list(order)].sum() for order in itertools.permutations(labels)]
        cases.append({
            "matches": [[int(value) for value in row] for row in matches],
            "labels": [labels.count(label) for label in range(classes)],
            "mean": np.mean(sums), "standard_deviation": np.std(sums),
        })
    return cases


def plain(value):
    """numpy's scalars as Python's, refusing what JSON can't hold."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, (int, str)):
        return value
    value = float(value)
    assert math.isfinite(value), value
    return value


def main():
    generator = np.random.default_rng(SEED)
    reference = {
        "made_by": {"numpy": np.__version__, "scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "seed": SEED},
        "t_tails": t_tails(),
        "t_quantiles": t_quantiles(),
        "normal_tails": normal_tails(),
        "normal_quantiles": normal_quantiles(),
        "one_sample": one_sample(generator),
        "welch": welch(generator),
        "contrasts": contrasts(generator),
        "holm": holm(generator),
        "wilson": wilson(),
        "mcnemar": mcnemar_exact(),
        "noncentral_t_tails": noncentral_t_tails(),
        "seeds_needed": seeds_needed(),
        "detectable": detectable(),
        "groupings": groupings(generator),
        "kendalls": kendalls(generator),
        "seeds_and_images": seeds_and_images(),
        "frechets": frechets(),
        "shuffles": shuffles(),
    }
    lines = ",\n".join(
        f"{json.dumps(name)}: " + (
            "[\n" + ",\n".join(json.dumps(plain(case)) for case in cases) + "\n]" if isinstance(cases, list) else json.dumps(cases)
        )
        for name, cases in reference.items()
    )
    Path(__file__).with_name("reference.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
