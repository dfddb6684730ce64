"""Golden numbers for the flights example, by SciPy and scikit-learn.

Writes `golden.csv` beside itself: size, window, column, metric, value, p_value; and `versions.txt`.
Windows are the UTC grid; labels count when they are known within a day of their window's end (all
are). Usage: python make.py
"""
import pathlib
import numpy as np
import pandas as pd
import scipy
import sklearn
from scipy import stats
from scipy.spatial.distance import jensenshannon
from sklearn import metrics

here = pathlib.Path(__file__).parent
data = here.parents[3] / "examples" / "flights"
ref = pd.read_parquet(data / "reference.parquet")
cur = pd.read_parquet(sorted(str(p) for p in (data / "predictions").rglob("*.parquet")))
labels = pd.read_parquet(data / "labels.parquet")
cur = cur.merge(labels[["prediction_id", "late"]], on="prediction_id", how="left")
t = cur.predicted_at.dt.tz_convert("UTC").dt.tz_localize(None)
NUM = ["sched_hour", "distance", "temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib", "seats", "plane_year"]
CAT = ["carrier", "origin", "dest"]
out = []


def ece(y, p):
    edges = np.quantile(p, np.arange(1, 10) / 10)
    b = np.searchsorted(edges, p, side="left")
    return sum(abs(p[b == k].sum() - y[b == k].sum()) for k in np.unique(b)) / len(p)


def performance(size, window, g):
    g = g[g.late.notna()]
    y, p, d = g.late.astype(int).to_numpy(), g.score.to_numpy(), g.predicted_late.astype(int).to_numpy()
    values = {
        "roc_auc": metrics.roc_auc_score(y, p),
        "average_precision": metrics.average_precision_score(y, p),
        "accuracy": metrics.accuracy_score(y, d),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, d),
        "recall": metrics.recall_score(y, d),
        "matthews_corrcoef": metrics.matthews_corrcoef(y, d) if d.any() else np.nan,
        "precision": metrics.precision_score(y, d) if d.any() else np.nan,
        "f1": metrics.f1_score(y, d),
        "log_loss": metrics.log_loss(y, p),
        "brier_score": metrics.brier_score_loss(y, p),
        "calibration_error": ece(y, p),
        "base_rate": y.mean(),
        "labels": len(g),
    }
    for name, value in values.items():
        if not np.isnan(value):
            out.append((size, window, "", name, value, np.nan))


def drift(size, window, g, numeric, categorical):
    for c in numeric:
        a, b = ref[c].dropna().to_numpy(float), g[c].dropna().to_numpy(float)
        if len(b) < 200:
            continue
        k = stats.ks_2samp(a, b, method="asymp")
        out.append((size, window, c, "ks", k.statistic, k.pvalue))
        w = stats.wasserstein_distance(a, b)
        out.append((size, window, c, "wasserstein", w, np.nan))
        out.append((size, window, c, "wasserstein_normed", w / a.std(), np.nan))
    for c in categorical:
        a, b = ref[c].dropna(), g[c].dropna()
        names = sorted(set(a) | set(b))
        r = a.value_counts().reindex(names, fill_value=0).to_numpy()
        q = b.value_counts().reindex(names, fill_value=0).to_numpy()
        x = stats.chi2_contingency(np.array([r, q]))
        out.append((size, window, c, "chi_square", x.statistic, x.pvalue))
        if ref[c].isna().sum() == 0 and g[c].isna().sum() == 0:
            # The reference's categories; a new one is `other`.
            known = [n for n in names if n in set(a)]
            fresh = b[~b.isin(known)]
            rr = a.value_counts().reindex(known, fill_value=0).to_numpy().tolist() + [0]
            qq = b.value_counts().reindex(known, fill_value=0).to_numpy().tolist() + [len(fresh)]
            out.append((size, window, c, "jensen_shannon", jensenshannon(rr, qq, base=2), np.nan))


for size, key in (("1d", t.dt.floor("D")), ("1w", t.dt.to_period("W-SUN").dt.start_time), ("1mo", t.dt.to_period("M").dt.start_time)):
    for window, g in cur.groupby(key):
        stamp = window.strftime("%Y-%m-%dT%H:%M:%SZ")
        known = g.late.dropna().astype(int)
        if len(known) >= 200 and min(known.sum(), len(known) - known.sum()) >= 30:
            performance(size, stamp, g)
        if len(g) >= 200:
            drift(size, stamp, g, ["temp", "dewp", "seats"] if size == "1d" else NUM + ["score"], ["origin"] if size == "1d" else CAT)

with open(here / "golden.csv", "w") as f:
    f.write("size,window,column,metric,value,p_value\n")
    for size, window, c, name, value, p in out:
        f.write(f"{size},{window},{c},{name},{value!r},{'' if np.isnan(p) else repr(float(p))}\n".replace("np.float64(", "").replace(")", ""))
(here / "versions.txt").write_text(f"numpy {np.__version__}\npandas {pd.__version__}\nscipy {scipy.__version__}\nscikit-learn {sklearn.__version__}\n")
