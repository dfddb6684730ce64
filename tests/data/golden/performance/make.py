"""Writes golden.json: performance metrics by scikit-learn on small seeded data.

    python make.py > golden.json      (scikit-learn 1.9, numpy 2)

`calibration_error` is not in scikit-learn; it is worked out here by its definition: ten bins
(a, b] at numpy's deciles of the scores, the share of rows times |mean score - share of positives|.
"""
import json
import warnings

import numpy as np
from sklearn import metrics

warnings.simplefilter("error")


def calibration_error(y, p):
    edges = np.quantile(p, np.arange(1, 10) / 10)
    bins = np.searchsorted(edges, p, side="left")
    total = 0.0
    for b in range(10):
        inside = bins == b
        if inside.any():
            total += inside.sum() / len(p) * abs(p[inside].mean() - y[inside].mean())
    return total


def case(name, scores, labels, threshold=0.5, probabilities=True):
    p, y = np.asarray(scores, float), np.asarray(labels, int)
    d = (p >= threshold).astype(int)
    values = {
        "roc_auc": metrics.roc_auc_score(y, p),
        "average_precision": metrics.average_precision_score(y, p),
        "accuracy": metrics.accuracy_score(y, d),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, d),
        "precision": metrics.precision_score(y, d),
        "recall": metrics.recall_score(y, d),
        "f1": metrics.f1_score(y, d),
        "matthews_corrcoef": metrics.matthews_corrcoef(y, d),
        "base_rate": y.mean(),
    }
    if probabilities:
        values["log_loss"] = metrics.log_loss(y, p)
        values["brier_score"] = metrics.brier_score_loss(y, p)
        values["calibration_error"] = calibration_error(y, p)
    values = {name: float(value) for name, value in values.items()}
    return {"name": name, "threshold": threshold, "scores": p.tolist(), "labels": y.tolist(), "values": values}


random = np.random.default_rng(20240103)


def drawn(n, scores, sharpness=1.0):
    scores = np.clip(np.asarray(scores, float), 0, 1)
    chance = 1 / (1 + np.exp(-sharpness * (scores - 0.5) * 8))
    return scores, (random.random(n) < chance).astype(int)


imbalanced = random.random(400) ** 6
cases = [
    case("distinct scores", *drawn(300, random.random(300))),
    case("many ties", *drawn(300, random.integers(0, 11, 300) / 10)),
    case("two scores", *drawn(200, random.integers(0, 2, 200) * 0.4 + 0.3)),
    case("imbalanced", imbalanced, (random.random(400) < 0.02 + imbalanced / 3).astype(int)),
    case("zeros and ones among them", *drawn(300, np.where(random.random(300) < 0.1, random.integers(0, 2, 300), random.random(300)))),
    case("tiny and nearly one", *drawn(200, np.where(random.random(200) < 0.5, 1e-300, 1 - 1e-16 * random.integers(0, 3, 200)))),
    case("no skill", random.random(300), random.integers(0, 2, 300)),
    case("perfect", np.r_[np.linspace(0, 0.4, 100), np.linspace(0.6, 1, 100)], np.r_[np.zeros(100), np.ones(100)]),
    case("upside down", np.r_[np.linspace(0, 0.6, 100), np.linspace(0.3, 1, 100)], np.r_[np.ones(100), np.zeros(100)]),
    case("another threshold", *drawn(300, random.random(300)), threshold=0.3),
    case("scores beyond 0 and 1", random.normal(0, 3, 300), random.integers(0, 2, 300), threshold=0.0, probabilities=False),
]
print(json.dumps({"cases": cases}, indent=None, separators=(",", ":")))
