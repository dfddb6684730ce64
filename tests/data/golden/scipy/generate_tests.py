"""Writes tests.json: two-sample tests and moves of numbers that are hard to get right, by SciPy.

Samples are (value, count) pairs and rows at -inf and +inf. What SciPy can't say (NaN, an error) is
listed under `reasons`: driftd must have a reason there and no value. Values are given to SciPy
less `pivot` and divided by a power of two, both exact, where its own arithmetic would overflow or
lose the digits. Versions in README.md. Run: python generate_tests.py
"""
import json
import warnings

import numpy as np
from scipy import stats

warnings.simplefilter("ignore")
rng = np.random.default_rng(20261125)


def packed(sample):
    finite = sample[np.isfinite(sample)]
    values, counts = np.unique(finite, return_counts=True)
    infinite = [int(np.sum(sample == -np.inf)), int(np.sum(sample == np.inf))]
    return {"values": values.tolist(), "counts": counts.tolist(), "infinite": infinite}


def kuiper(r, c):
    """By its definition; p by Stephens' formula."""
    both = np.unique(np.concatenate([r, c]))
    at = lambda x: np.searchsorted(np.sort(x), both, side="right") / len(x)
    gap = at(r) - at(c)
    v = max(gap.max(), 0) + max((-gap).max(), 0)
    root = np.sqrt(len(r) * len(c) / (len(r) + len(c)))
    terms = (np.arange(1, 101) * (root + 0.155 + 0.24 / root) * v) ** 2
    p = 2 * np.sum((4 * terms - 1) * np.exp(-2 * terms)) if terms[0] >= 0.16 else 1.0
    return v, min(p, 1.0)


def moved(r, c):
    """Moves of the mean, the quantiles and the variance, by their definitions."""
    q = lambda x: np.quantile(x, [0.1, 0.5, 0.9])
    span = q(r)[2] - q(r)[0]
    spread = lambda x: np.var(x, ddof=1) if len(np.unique(x)) > 1 else 0.0
    a, b = spread(r), spread(c)
    same = len(np.unique(np.concatenate([r, c]))) == 1
    shift, moves = abs(c.mean() - r.mean()), np.abs(q(c) - q(r)).max()
    ratio = max(a / b, b / a) if a > 0 and b > 0 else np.nan
    return {
        "mean_shift": shift / r.std() if spread(r) > 0 else 0 if same else np.nan,
        "quantile_shift": moves / span if span > 0 else 0 if moves == 0 else np.nan,
        "variance_ratio": ratio,
    }


def said(values, p_values, name, call):
    try:
        value, p = call()
    except (ValueError, IndexError, ZeroDivisionError, np.linalg.LinAlgError):
        value, p = np.nan, np.nan
    values[name] = float(value)
    if p is not None:
        p_values[name] = float(p)


def case(name, reference, current, pivot=0.0, unit=1.0):
    reference, current = np.asarray(reference, dtype=float), np.asarray(current, dtype=float)
    r, c = (reference - pivot) / unit, (current - pivot) / unit
    values, p = {}, {}
    both = lambda result: (result.statistic, result.pvalue)
    say = lambda metric, call: said(values, p, metric, call)
    say("anderson_darling", lambda: both(stats.anderson_ksamp([r, c], variant="midrank")))
    say("cramer_von_mises", lambda: both(stats.cramervonmises_2samp(r, c, method="asymptotic")))
    say("mann_whitney", lambda: both(stats.mannwhitneyu(r, c, method="asymptotic")))
    say("kuiper", lambda: kuiper(r, c))
    r, c = r[np.isfinite(r)], c[np.isfinite(c)]
    say("t_test", lambda: both(stats.ttest_ind(r, c, equal_var=False)))
    say("t_test_pooled", lambda: both(stats.ttest_ind(r, c)))
    # Not less the pivot, so that products and quantiles are rounded alike.
    turned = lambda x: x[np.isfinite(x)] / unit
    say("epps_singleton", lambda: both(stats.epps_singleton_2samp(turned(reference), turned(current))))
    say("energy_distance", lambda: (stats.energy_distance(r, c) * np.sqrt(unit), None))
    if len(np.unique(r)) == 1 and len(np.unique(c)) == 1:
        # What SciPy says where nothing varies is what rounding leaves.
        values |= {"t_test": np.nan, "t_test_pooled": np.nan, "epps_singleton": np.nan}
    values |= {k: float(v) for k, v in moved(r, c).items()}
    values["quantile_shift"] = float(moved(turned(reference), turned(current))["quantile_shift"])
    reasons = sorted(k for k, v in values.items() if not np.isfinite(v))
    return {"name": name, "reference": packed(reference), "current": packed(current),
            "values": {k: v for k, v in values.items() if k not in reasons},
            "p_values": {k: v for k, v in p.items() if k not in reasons and np.isfinite(v)},
            "reasons": reasons}


def cases():
    normal = lambda n, m=0.0, s=1.0: np.round(rng.normal(m, s, n), 3)
    inf = np.inf
    yield case("normal, no drift", normal(1000), normal(700))
    yield case("normal, shifted", normal(1000), normal(700, 0.3))
    yield case("normal, spread", normal(1000), normal(700, 0, 1.4))
    yield case("p near 1e-300", normal(3000), normal(2500, 1.05))
    yield case("p far below 1e-300", normal(3000), normal(3000, 4.0))
    yield case("large and small", np.round(normal(60_000), 1), normal(200, 0.2))
    yield case("small and large", normal(150), np.round(normal(60_000, 0.1), 1))
    yield case("many rows, tiny shift", np.round(normal(300_000), 1), np.round(normal(200_000, 0.01), 1))
    yield case("ties: five values", rng.integers(0, 5, 700), rng.integers(0, 5, 431))
    yield case("ties: three values", rng.integers(0, 3, 700), rng.integers(0, 3, 700))
    yield case("ties: two values", np.repeat([0, 1], [600, 400]), np.repeat([0, 1], [320, 300]))
    yield case("ties: mostly zero", np.where(rng.random(2000) < 0.9, 0, rng.exponential(1, 2000).round(2)), np.where(rng.random(900) < 0.85, 0, rng.exponential(1, 900).round(2)))
    yield case("counts", rng.poisson(3, 900), rng.poisson(3.4, 800))
    yield case("ages", rng.integers(17, 91, 4000), rng.integers(20, 91, 1000))
    yield case("one constant", np.full(300, 4.0), np.append(np.full(299, 4.0), 5.0))
    yield case("other constant", np.append(np.full(299, 4.0), 5.0), np.full(300, 4.0))
    yield case("two constants", np.full(300, 4.0), np.full(200, 5.0))
    yield case("same constant", np.full(300, 4.0), np.full(200, 4.0))
    yield case("constant with digits", np.full(300, 0.1), np.full(200, 0.1))
    for n, m in [(1, 3), (2, 2), (2, 30), (3, 4), (5, 5), (24, 24), (24, 25), (6, 40)]:
        yield case(f"tiny: {n} and {m}", normal(n), normal(m, 0.5))
    yield case("tiny: 4 and 9, separate", normal(4), normal(9, 50))
    yield case("one row", [1.0], [2.0])
    yield case("equal samples", normal(300), np.arange(300) / 7)
    same = normal(400)
    yield case("the same", same, same)
    yield case("the same twice", same, np.repeat(same, 2))
    yield case("separate", normal(250), normal(250, 50.0))
    cauchy = lambda n, m=0.0: np.round(rng.standard_cauchy(n) + m, 3)
    yield case("cauchy", cauchy(2000), cauchy(1500))
    yield case("cauchy, shifted", cauchy(2000), cauchy(1500, 0.3))
    yield case("lognormal", np.round(rng.lognormal(0, 2, 2000), 3), np.round(rng.lognormal(0.2, 2, 1500), 3))
    yield case("pareto", np.round(rng.pareto(1.1, 2000), 2), np.round(rng.pareto(1.3, 1500), 2))
    yield case("infinities", np.append(normal(300), [inf] * 5 + [-inf] * 2), np.append(normal(200, 0.2), [inf] * 9))
    yield case("infinities on one side", normal(300), np.append(normal(200, 0.2), [-inf] * 40))
    yield case("only infinities and one", [inf] * 20 + [1.0], [-inf] * 10 + [2.0] * 3)
    yield case("large offset", 2.0**30 + normal(1000), 2.0**30 + normal(700, 0.2), pivot=2.0**30)
    yield case("huge scale", 2.0**990 * normal(500), 2.0**990 * normal(500, 0.4), unit=2.0**990)
    yield case("largest scale", np.append(2.0**1020 * normal(200), 1.5e308), 2.0**1020 * normal(300, 0.2), unit=2.0**1020)
    yield case("tiny scale", 2.0**-990 * normal(500), 2.0**-990 * normal(500, 0.4), unit=2.0**-990)
    yield case("subnormal", 2.0**-1074 * rng.integers(0, 50, 400), 2.0**-1074 * rng.integers(0, 60, 300), unit=2.0**-1074)
    yield case("integers beside an outlier", np.append(rng.integers(0, 100, 900), 10**12), rng.integers(5, 100, 800))
    yield case("uniform", rng.uniform(0, 1, 3000).round(4), rng.uniform(0, 1, 2000).round(4))
    yield case("bimodal", np.append(normal(600, -3), normal(600, 3)), np.append(normal(500, -3), normal(700, 3)))


with open("tests.json", "w") as out:
    json.dump(list(cases()), out, separators=(",", ":"))
