"""Writes tables.json: tests of two samples of categories on tables that are hard to get right.

By SciPy; G and Fisher's p by mpmath with 60 digits as well, which is what is written down: SciPy's
own sums lose digits in millions of rows. Versions in README.md.
Run: python generate_tables.py
"""
import json
import math

import mpmath
import numpy as np
from scipy.stats import chi2_contingency, fisher_exact, norm

rng = np.random.default_rng(20261125)
mpmath.mp.dps = 60


def fisher_p(a, b, c, d):
    """Two-sided: all tables with these margins that are no likelier."""
    n, m, k = a + b, c + d, a + c
    lf = lambda x: mpmath.loggamma(x + 1)
    ln = lambda x: (lf(n) - lf(x) - lf(n - x) + lf(m) - lf(k - x) - lf(m - k + x)
                    - lf(n + m) + lf(k) + lf(n + m - k))
    low, high = max(0, k - m), min(n, k)
    own = ln(a)
    mode = min(max((k + 1) * (n + 1) // (n + m + 2), low), high)
    likelier = lambda x: ln(x) > own + mpmath.mpf("1e-40")
    if not likelier(mode):
        return 1.0

    def tail(start, step):
        """Σ P(x) from start away from the mode, by ratios of neighbours."""
        x, total, term = start, mpmath.mpf(0), mpmath.exp(ln(start))
        while low <= x <= high and term > mpmath.mpf("1e-30") * total:
            total += term
            if step < 0:
                term *= mpmath.mpf(x * (m - k + x)) / ((n - x + 1) * (k - x + 1))
            else:
                term *= mpmath.mpf((n - x) * (k - x)) / ((x + 1) * (m - k + x + 1))
            x += step
        return total

    step = -1 if a < mode else 1
    p = tail(a, step)
    near, far = mode, (high if a < mode else low)
    if not likelier(far):
        while abs(far - near) > 1:
            middle = (near + far) // 2
            if likelier(middle):
                near = middle
            else:
                far = middle
        p += tail(far, -step)
    return float(p)


def g_test(reference, current):
    """G with Yates' correction at 2 x 2, and its p."""
    n, m, k = int(reference.sum()), int(current.sum()), len(reference)
    g = mpmath.mpf(0)
    for r, c in zip(map(int, reference), map(int, current)):
        for observed, side in [(r, n), (c, m)]:
            expected = mpmath.mpf(side * (r + c)) / (n + m)
            off = observed - expected
            moved = expected + mpmath.sign(off) * max(0, abs(off) - (0.5 if k == 2 else 0))
            g += 2 * moved * mpmath.log(moved / expected) if moved > 0 else 0
    p = mpmath.gammainc(mpmath.mpf(k - 1) / 2, g / 2, regularized=True) if k > 1 else 1
    return float(g), float(p)


def cramers_v(reference, current):
    """Bergsma's estimator, freed of the balance of the two sizes."""
    table = np.vstack([reference, current])
    (n, m), k, rows = table.sum(axis=1), table.shape[1], table.sum()
    if k == 1:
        return 0.0
    phi = chi2_contingency(table, correction=False).statistic / rows
    corrected = max(0.0, phi - (k - 1) / (rows - 1))
    least = min(k - (k - 1) ** 2 / (rows - 1), 2 - 1 / (rows - 1)) - 1
    return min(1.0, math.sqrt(corrected / least * rows / n * rows / m / 4))


def case(name, reference, current):
    reference, current = np.asarray(reference), np.asarray(current)
    names = [f"c{i:05}" for i in range(len(reference))]
    either = (reference + current) > 0
    r, c = reference[either], current[either]
    g = chi2_contingency(np.vstack([r, c]), lambda_="log-likelihood")
    exact_g, exact_p = g_test(r, c)
    if exact_g > 1e-9:
        print(f"{name}: SciPy's G is off by {abs(g.statistic / exact_g - 1):.1e}")
        assert math.isclose(g.statistic, exact_g, rel_tol=1e-6)
    if exact_p > 1e-290:
        assert math.isclose(g.pvalue, exact_p, rel_tol=1e-6)
    values = {"g_test": exact_g, "cramers_v": cramers_v(r, c),
              "vanished_category_rate": r[c == 0].sum() / r.sum()}
    p_values = {"g_test": exact_p}
    if len(r) == 2:
        table = [int(r[0]), int(r[1]), int(c[0]), int(c[1])]
        a, b, cc, d = table
        odds = fisher_exact([[a, b], [cc, d]])
        added = 0.5 if min(table) == 0 else 0
        values["fisher_exact"] = abs(math.log((a + added) * (d + added) / (b + added) / (cc + added)))
        if added == 0:
            assert math.isclose(values["fisher_exact"], abs(math.log(odds.statistic)), abs_tol=1e-15)
        p_values["fisher_exact"] = fisher_p(*table)
        if p_values["fisher_exact"] > 1e-290:
            off = abs(odds.pvalue / p_values["fisher_exact"] - 1)
            print(f"{name}: SciPy's p is off by {off:.1e}")
            assert off < 1e-6
        n, m = a + b, cc + d
        pooled = (a + cc) / (n + m)
        # z is the root of the chi-square statistic, which keeps its digits where shares are near.
        chi = chi2_contingency(np.vstack([r, c]), correction=False)
        z = math.sqrt(chi.statistic)
        assert math.isclose(z, abs(a / n - cc / m) / math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m)),
                            rel_tol=1e-6, abs_tol=1e-9)
        values["two_proportion_z"] = z
        p_values["two_proportion_z"] = 2 * norm.sf(z)
    pack = lambda x: {n: int(k) for n, k in zip(names, x) if k > 0}
    return {"name": name, "reference": pack(reference), "current": pack(current),
            "values": {k: float(v) for k, v in values.items()},
            "p_values": {k: float(v) for k, v in p_values.items()}}


def tables():
    yield "2 × 2", [60, 40], [45, 55]
    yield "2 × 2, difference below a half", [50, 50], [51, 50]
    yield "2 × 2, equal", [50, 50], [100, 100]
    yield "2 × 2, disjoint", [200, 0], [0, 300]
    yield "2 × 2, disjoint and small", [4, 0], [0, 4]
    yield "2 × 2, a zero", [200, 0], [290, 10]
    yield "2 × 2, the other zero", [190, 10], [0, 250]
    yield "2 × 2, one row", [1, 0], [7, 3]
    yield "2 × 2, rare", [999_990, 10], [999_950, 50]
    yield "2 × 2, mirrored", [30, 70], [70, 30]
    yield "2 × 2, tea", [3, 1], [1, 3]
    yield "2 × 2, few against many", [9_999_000, 1_000], [195, 5]
    for a in [5_000_000, 5_000_001, 5_001_000, 5_003_000, 5_010_000, 5_030_000, 5_041_000]:
        yield f"2 × 2, ten million rows, {a}", [5_000_000, 5_000_000], [a, 10_000_000 - a]
    for a in [100_000, 100_500, 102_000, 106_000]:
        yield f"2 × 2, ten million rows, a hundredth, {a}", [9_900_000, 100_000], [10_000_000 - a, a]
    yield "2 × 2, ten million against three thousand", [7_000_000, 3_000_000], [2_000, 1_000]
    for a, b, c, d in rng.integers(0, 60, (12, 4)):
        if (a + b) * (c + d) * (a + c) * (b + d) > 0:
            yield f"2 × 2, {a} {b} {c} {d}", [a, b], [c, d]
    yield "one category", [300], [200]
    yield "three, one new", [100, 200, 0], [90, 150, 60]
    yield "three, one gone", [100, 200, 30], [90, 250, 0]
    yield "three, no drift", [1000, 2000, 300], [98, 205, 31]
    yield "evidently's", [16, 18, 16, 14, 12, 12], [16, 16, 16, 16, 16, 8]
    yield "zeros on alternate sides", [50, 0, 40, 0, 30, 0], [0, 45, 0, 35, 0, 25]
    p = rng.dirichlet(np.ones(300) * 0.5)
    yield "2 × 300, no drift", rng.multinomial(20_000, p), rng.multinomial(15_000, p)
    yield "2 × 300, drift", rng.multinomial(20_000, p), rng.multinomial(15_000, rng.dirichlet(np.ones(300) * 0.5))
    yield "2 × 300, a hundredth of the rows", rng.multinomial(50_000, p), rng.multinomial(500, p)
    yield "2 × 300, a hundred times the rows", rng.multinomial(500, p), rng.multinomial(50_000, p)
    p = rng.dirichlet(np.ones(2000) * 0.3)
    yield "two thousand, sparse, no drift", rng.multinomial(6000, p), rng.multinomial(4000, p)
    for a in [500_000, 500_600, 502_000, 506_000, 513_000]:
        yield f"a million rows, {a}", [500_000, 300_000, 200_000], [a, 300_000, 700_000 - a]
    yield "ten million rows, shares nearly equal", [3_000_000, 4_000_000, 3_000_000], [3_000_100, 3_999_900, 3_000_000]


with open("tables.json", "w") as out:
    json.dump([case(*it) for it in tables()], out, separators=(",", ":"))
