"""Golden numbers for what is measured on whole rows, from the California data beside this folder.

    python make.py > golden.json     with numpy 2.4.6, scikit-learn 1.9.1, lightgbm 4.7.0

Rows are made by slicing, so that nothing random has to be shared. Each case has 1,000 rows a side.
"""
import csv, json
import lightgbm, numpy as np, sklearn
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

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


def auc(model, x, y):
    scores = np.zeros(len(x))
    # Every fifth row of each side, by place.
    place = np.concatenate([np.arange(1, (y == side).sum() + 1) for side in (0, 1)])
    for fold in range(5):
        held = place % 5 == fold
        scores[held] = model().fit(x[~held], y[~held]).predict_proba(x[held])[:, 1]
    return roc_auc_score(y, scores)


def case(r, c):
    x, y = np.vstack([r, c]), np.repeat([0, 1], [len(r), len(c)])
    light = lambda: lightgbm.LGBMClassifier(n_estimators=100, num_leaves=31, verbose=-1, n_jobs=1, max_bin=63)
    hist = lambda: HistGradientBoostingClassifier(max_iter=100, early_stopping=False, max_bins=63)
    mean, sd = r.mean(0), r.std(0)
    a, b = (r - mean) / sd, (c - mean) / sd
    squares = lambda p, q: ((p[:, None, :] - q[None, :, :]) ** 2).sum(2)
    aa, bb, ab = squares(a, a), squares(b, b), squares(a, b)
    m = np.sort(aa[np.tril_indices(len(a), -1)])
    m = m[len(m) // 2]
    n = len(a)
    off = lambda d: (np.exp(-d / m).sum() - n) / (n * (n - 1))
    u, v = r.mean(0), c.mean(0)
    nr, nc = np.linalg.norm(r, axis=1), np.linalg.norm(c, axis=1)
    return {
        "auc_lightgbm": auc(light, x, y),
        "auc_scikit_learn": auc(hist, x, y),
        "width": m,
        "mmd": off(aa) + off(bb) - 2 * np.exp(-ab / m).mean(),
        "centroid_cosine": 1 - u @ v / np.linalg.norm(u) / np.linalg.norm(v),
        "centroid_euclidean": np.linalg.norm(u - v),
        "norm_shift": abs(nc.mean() - nr.mean()) / nr.std(),
    }


print(json.dumps({name: {k: float(v) for k, v in case(*sides).items()} for name, sides in CASES.items()}, indent=1))
