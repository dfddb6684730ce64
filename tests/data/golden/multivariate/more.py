"""Golden numbers for correlations and for vectors on random waves, from the same cases as make.py.

    python more.py > more.json     with numpy 2.4.6, scipy 1.17.1

Correlations are scipy's pearsonr; what the rows of the reference make of their spread is spelled out
below. The discrepancy of vectors is the kernel's itself, over the vectors in units of a power of two.
"""
import csv, json
import numpy as np
from scipy.stats import norm, pearsonr

FEATURES = "MedInc HouseAge AveRooms AveBedrms Population AveOccup Latitude Longitude".split()


def read(name):
    with open(f"../california/{name}.csv") as file:
        return np.array([[float(row[f]) for f in FEATURES] for row in csv.DictReader(file)])


reference, analysis = read("reference"), read("analysis")
deviation = reference.std(0)


def shifted(rows, column, by):
    rows = rows.copy()
    rows[:, column] += by * deviation[column]
    return rows


even, odd = reference[0:4000:4], reference[2:4000:4]
CASES = {
    "nothing": (even, odd),
    "half_a_deviation": (even, shifted(odd, 0, 0.5)),
    "a_tenth_of_all": (even, odd + 0.1 * deviation),
    "relation": (even, np.column_stack([np.roll(odd[:, 0], 1), odd[:, 1:]])),
    "june": (even, analysis[:1000]),
}


def width(x, y):
    x, y = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    r = (x * y).mean()
    return max(1.0, np.sqrt(np.mean(((x * y - r * (x**2 + y**2) / 2) / (1 - r**2)) ** 2)))


def correlations(r, c):
    pairs = [(i, j) for i in range(8) for j in range(i + 1, 8)]
    quantile = norm.isf((1 - 0.999 ** (1 / len(pairs))) / 2)
    found = []
    for i, j in pairs:
        was, now = pearsonr(r[:, i], r[:, j]).statistic, pearsonr(c[:, i], c[:, j]).statistic
        q = abs(np.arctanh(now) - np.arctanh(was))
        sd = width(r[:, i], r[:, j]) * np.sqrt(1 / (len(r) - 3) + 1 / (len(c) - 3))
        limit = max(0.1, quantile * sd)
        found.append((q / limit, FEATURES[i], FEATURES[j], was, now, q, limit, 2 * norm.sf(q / sd)))
    _, a, b, was, now, q, limit, p = max(found)
    p = -np.expm1(len(pairs) * np.log1p(-p))
    return {"pair": f"{a} ~ {b}", "was": was, "now": now, "value": q, "threshold": limit, "p_value": p}


def vectors(r, c):
    unit = 2 ** np.ceil(np.log2(np.sqrt((r**2).sum(1).mean())))
    a, b = r / unit, c / unit
    squares = lambda p, q: ((p[:, None, :] - q[None, :, :]) ** 2).sum(2)
    aa, bb, ab = squares(a, a), squares(b, b), squares(a, b)
    m = np.sort(aa[np.tril_indices(len(a), -1)])
    m = m[len(m) // 2]
    n = len(a)
    off = lambda d: (np.exp(-d / m).sum() - n) / (n * (n - 1))
    return {"width": m, "mmd": off(aa) + off(bb) - 2 * np.exp(-ab / m).mean()}


plain = lambda it: {k: v if isinstance(v, str) else float(v) for k, v in it.items()}
cases = {name: {"correlation": plain(correlations(*it)), "vectors": plain(vectors(*it))} for name, it in CASES.items()}
print(json.dumps(cases, indent=1))
