"""Writes pairs.json: two-sample statistics on data that is hard to get right, by SciPy and NumPy.

Samples are (value, count) pairs, so that a million rows take a few lines. Versions in README.md.
Run: python generate_pairs.py
"""
import json

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, ks_2samp, wasserstein_distance

rng = np.random.default_rng(20240607)


def packed(sample):
    values, counts = np.unique(np.asarray(sample, dtype=float), return_counts=True)
    return {"values": values.tolist(), "counts": counts.tolist()}


def shares(counts, smoothing):
    return (counts + smoothing) / (counts.sum() + smoothing * len(counts))


def binned(r, c):
    """The binned statistics over counts per bin, written from their definitions."""
    used = (r + c) > 0
    r, c = r[used], c[used]
    a, b = shares(r, 0.5), shares(c, 0.5)
    p, q = shares(r, 0.0), shares(c, 0.0)
    return {
        "psi": float(np.sum((b - a) * np.log(b / a))),
        "kl_divergence": float(np.sum(b * np.log(b / a))),
        "jensen_shannon": float(jensenshannon(p, q, base=2)),
        "hellinger": float(np.sqrt(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2) / 2)),
        "total_variation": float(np.abs(p - q).sum() / 2),
        "l_infinity": float(np.abs(p - q).max()),
    }


def numeric_case(name, reference, current):
    reference, current = np.asarray(reference, dtype=float), np.asarray(current, dtype=float)
    ks = ks_2samp(reference, current, method="asymp")
    edges = np.unique(np.quantile(reference, np.arange(1, 10) / 10))
    count = lambda x: np.bincount(np.searchsorted(edges, x, side="left"), minlength=len(edges) + 1)
    distance = wasserstein_distance(reference, current)
    want = {"ks": float(ks.statistic), "wasserstein": float(distance)}
    # Scaled, for NumPy squares differences that are too large or too small to be squared.
    unit = max(abs(reference).max(), 1e-300)
    if (deviation := (reference / unit).std()) > 0:
        want["wasserstein_normed"] = float(distance / unit / deviation)
    want |= binned(count(reference).astype(float), count(current).astype(float))
    p = {"ks": float(ks.pvalue)}
    return {"name": name, "reference": packed(reference), "current": packed(current),
            "values": want, "p_values": p}


def categorical_case(name, reference, current):
    """Counts per category; the reference's first, then those that only the window has."""
    reference, current = np.asarray(reference, dtype=float), np.asarray(current, dtype=float)
    names = [f"c{i:05}" for i in range(len(reference))]
    either = (reference + current) > 0
    chi2 = chi2_contingency(np.vstack([reference[either], current[either]]))
    known = reference > 0
    r = np.append(reference[known], 0)
    c = np.append(current[known], current[~known].sum())
    pack = lambda x: {n: int(k) for n, k in zip(names, x) if k > 0}
    return {"name": name, "reference": pack(reference), "current": pack(current),
            "values": {"chi_square": float(chi2.statistic)} | binned(r, c),
            "p_values": {"chi_square": float(chi2.pvalue)}}


def cases_of_numbers():
    normal = lambda n, m=0.0, s=1.0: np.round(rng.normal(m, s, n), 3)
    yield "ties: five values", rng.integers(0, 5, 700), rng.integers(0, 5, 431)
    yield "ties: mostly zero", np.where(rng.random(3000) < 0.9, 0, rng.exponential(1, 3000).round(2)), np.where(rng.random(900) < 0.85, 0, rng.exponential(1, 900).round(2))
    yield "binary 0/1", np.repeat([0, 1], [7000, 3000]), np.repeat([0, 1], [600, 400])
    yield "tiny D", np.arange(3000), np.append(np.arange(2999), 2999.5)
    yield "D near 1", normal(400), normal(300, 6.0)
    yield "D is 1", normal(250), normal(250, 50.0)
    yield "D is 1, large", np.round(normal(4000), 1), np.round(normal(3000, 50.0), 1)
    yield "n = m", normal(1000), normal(1000, 0.1)
    yield "n = m = 140·2, effective 140", normal(280), normal(280, 0.2)
    yield "effective 141", normal(282), normal(282, 0.2)
    yield "n much smaller than m", normal(200), np.round(normal(20000, 0.05), 2)
    yield "m much smaller than n", np.round(normal(20000), 2), normal(200, 0.3)
    yield "half to even: N = 100.5", normal(201), normal(201, 0.1)
    yield "half to even: N = 101.5", normal(203), normal(203, 0.1)
    yield "small: 5 and 7", normal(5), normal(7, 1.0)
    yield "small: 1 and 3", normal(1), normal(3)
    yield "small: 2 and 2", [1, 2], [1.5, 3]
    yield "constant and not", np.full(300, 4.0), np.append(np.full(299, 4.0), 5.0)
    yield "two constants", np.full(300, 4.0), np.full(200, 5.0)
    yield "same constant", np.full(300, 4.0), np.full(200, 4.0)
    yield "equal shares, other size", np.arange(250), np.repeat(np.arange(250), 3)
    yield "heavy tail", np.round(rng.pareto(1.1, 2000), 2), np.round(rng.pareto(1.3, 1500), 2)
    yield "large offset", 1e9 + normal(1000), 1e9 + normal(700, 0.2)
    yield "tiny scale", 1e-200 * normal(500), 1e-200 * normal(500, 0.4)
    yield "huge scale", 1e200 * np.sign(normal(500)), 1e200 * np.sign(normal(500, 0.4))
    yield "negative and positive", np.round(rng.uniform(-1e6, 1e6, 1200)), np.round(rng.uniform(-9e5, 1e6, 800))
    yield "bimodal", np.append(normal(600, -3), normal(600, 3)), np.append(normal(500, -3), normal(700, 3))
    # A million rows and more, in hundredths; the p-values go from 1 to 1e-300.
    for shift in [0.0, 0.001, 0.003, 0.01, 0.03, 0.045]:
        big = lambda n, m: np.round(rng.normal(m, 1, n), 2)
        yield f"a million rows, shift {shift}", big(1_000_000, 0), big(1_000_000, shift)
    yield "three million rows", np.round(rng.normal(0, 1, 3_000_000), 2), np.round(rng.normal(0.003, 1, 3_100_000), 2)
    yield "ten million rows against few", np.round(rng.normal(0, 1, 10_000_000), 2), np.round(rng.normal(0.1, 1, 5000), 2)
    for shift in [0.02, 0.2, 0.4, 0.5]:
        yield f"ten thousand, shift {shift}", np.round(rng.normal(0, 1, 10_000), 2), np.round(rng.normal(shift, 1, 12_000), 2)


def cases_of_categories():
    yield "2 × 2", [60, 40], [45, 55]
    yield "2 × 2, difference below a half", [50, 50], [51, 50]
    yield "2 × 2, equal", [50, 50], [100, 100]
    yield "2 × 2, disjoint", [200, 0], [0, 300]
    yield "2 × 2, a zero", [200, 0], [290, 10]
    yield "2 × 2, rare", [999_990, 10], [999_950, 50]
    yield "one category", [300], [200]
    yield "three, one new", [100, 200, 0], [90, 150, 60]
    yield "three, one gone", [100, 200, 30], [90, 250, 0]
    yield "evidently's", [16, 18, 16, 14, 12, 12], [16, 16, 16, 16, 16, 8]
    yield "zeros on alternate sides", [50, 0, 40, 0, 30, 0], [0, 45, 0, 35, 0, 25]
    yield "hundred", rng.multinomial(5000, rng.dirichlet(np.ones(100))), rng.multinomial(4000, rng.dirichlet(np.ones(100)))
    p = rng.dirichlet(np.ones(2000) * 0.3)
    yield "two thousand, sparse, no drift", rng.multinomial(6000, p), rng.multinomial(4000, p)
    p = rng.dirichlet(np.ones(5000))
    yield "five thousand, no drift", rng.multinomial(500_000, p), rng.multinomial(400_000, p)
    for a in [500_000, 500_600, 502_000, 506_000, 513_000]:
        yield f"a million rows, {a}", [500_000, 300_000, 200_000], [a, 300_000, 700_000 - a]
    yield "ten million rows, 2 × 2", [5_000_000, 5_000_000], [5_010_000, 4_990_000]


numbers = [numeric_case(*case) for case in cases_of_numbers()]
categories = [categorical_case(*case) for case in cases_of_categories()]
with open("pairs.json", "w") as out:
    for key, cases in [("numbers", numbers), ("categories", categories)]:
        for case in cases:
            case["values"] = {k: v for k, v in case["values"].items() if np.isfinite(v)}
            case["p_values"] = {k: v for k, v in case["p_values"].items() if np.isfinite(v)}
    json.dump({"numbers": numbers, "categories": categories}, out, separators=(",", ":"))
