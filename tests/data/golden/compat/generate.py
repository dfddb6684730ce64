"""Mixed data, and what Evidently and NannyML compute on it.

Run in an environment with evidently==0.7.23 (`evidently` as the argument: writes the data too) and
then in one with nannyml==0.13.1 (`nannyml`). The versions that were used are in README.md.
"""

import os
import sys
import warnings

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")


def small(rng, rows, moved):
    """Passengers: mixed types, missing values, a category that only one side has."""
    frame = pd.DataFrame()
    age = rng.normal(30 + 4 * moved, 12, rows).round(1)
    frame["age"] = np.where(rng.random(rows) < 0.2 + 0.2 * moved, np.nan, age)
    frame["fare"] = rng.lognormal(2.5 + 0.3 * moved, 1.4, rows).round(4)
    frame["tail"] = np.round(rng.standard_cauchy(rows) * 10, 3)
    frame["siblings"] = rng.poisson(0.6 + 0.3 * moved, rows)
    frame["ticket"] = rng.integers(0, 40 + 20 * moved, rows)
    frame["class"] = rng.choice([1, 2, 3], rows, p=[0.25, 0.2, 0.55])
    frame["stars"] = rng.choice([0.5, 1.0, 2.5], rows, p=[0.2 + 0.05 * moved, 0.3, 0.5 - 0.05 * moved])
    frame["half"] = rng.choice([0.0, 1.0], rows, p=[0.5, 0.5])
    frame["sex"] = rng.choice(["female", "male"], rows, p=[0.35, 0.65])
    ports = ["C", "Q", "S", "Z"] if moved else ["B", "C", "Q", "S"]
    port = rng.choice(ports, rows, p=[0.2, 0.1, 0.65, 0.05]).astype(object)
    frame["port"] = np.where(rng.random(rows) < 0.1, None, port)
    frame["deck"] = rng.choice(list("ABCDEFGH"), rows, p=np.arange(8, 0, -1) / 36)
    frame["alone"] = rng.random(rows) < 0.6
    frame["constant"] = 7.5
    frame["single"] = "only"
    frame["empty"] = np.nan
    frame["grown"] = rng.integers(0, 6 + 20 * moved, rows)
    return frame


def large(rng, rows, moved):
    """Beyond the sizes at which SciPy and NannyML begin to approximate."""
    frame = pd.DataFrame()
    frame["score"] = rng.beta(2 + 0.1 * moved, 5, rows).round(4)
    frame["amount"] = (rng.pareto(2.5, rows) * 100 * (1 + 0.1 * moved)).round(1)
    frame["hour"] = rng.integers(0, 24, rows)
    frame["kind"] = rng.choice(list("abcdef"), rows, p=np.arange(6, 0, -1) / 21)
    return frame


SETS = {"small": (small, 620, 260), "large": (large, 12_000, 2_300)}


def write_data():
    for name, (make, before, after) in SETS.items():
        rng = np.random.default_rng(5)
        make(rng, before, 0).to_csv(f"{name}_reference.csv", index=False)
        make(rng, after, 1).to_csv(f"{name}_current.csv", index=False)


def evidently():
    from evidently.core.datasets import infer_column_type
    from evidently.legacy.calculations.stattests import get_stattest
    from evidently.legacy.calculations.stattests.registry import _registered_stat_tests
    from evidently.legacy.core import ColumnType

    skipped = {"empirical_mmd", "TVD"}  # permutations in the order of the rows
    rows = []
    for name in SETS:
        reference, current = pd.read_csv(f"{name}_reference.csv"), pd.read_csv(f"{name}_current.csv")
        for column in reference.columns:
            kind = infer_column_type(current[column])
            if kind not in (ColumnType.Numerical, ColumnType.Categorical):
                rows.append([name, column, kind.value, "", "", "", "", ""])
                continue
            clean = lambda s: s.replace([-np.inf, np.inf], np.nan).dropna()
            r, c = clean(reference[column]), clean(current[column])
            if r.empty or c.empty:
                rows.append([name, column, kind.value, "", "", "", "", "empty"])
                continue
            usual = get_stattest(r, c, kind, None)
            tests = {t: by_kind[kind] for t, by_kind in _registered_stat_tests.items() if kind in by_kind}
            tests[usual.name] = usual
            for test, stattest in sorted(tests.items()):
                if test in skipped:
                    continue
                is_usual = test == usual.name
                try:
                    result = stattest(r.copy(), c.copy(), kind, None)
                    score = float(result.drift_score)
                    drifted = bool(result.drifted)
                    rows.append([name, column, kind.value, test, is_usual, repr(score), result.actual_threshold, drifted])
                except Exception as error:  # what Evidently raises is a result too
                    rows.append([name, column, kind.value, test, is_usual, "", "", type(error).__name__])
    names = ["set", "column", "kind", "method", "usual", "score", "threshold", "drifted"]
    pd.DataFrame(rows, columns=names).to_csv("evidently.csv", index=False)


def nannyml():
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
    import nannyml as nml

    rows = []
    for name in SETS:
        reference, current = pd.read_csv(f"{name}_reference.csv"), pd.read_csv(f"{name}_current.csv")
        for column in reference.columns:
            is_text = not pd.api.types.is_numeric_dtype(reference[column])
            is_text = is_text or pd.api.types.is_bool_dtype(reference[column])
            if is_text:
                as_text = lambda s: s.map(lambda x: x if pd.isna(x) else str(x)).astype("object")
                reference[column], current[column] = as_text(reference[column]), as_text(current[column])
            methods = (
                ["jensen_shannon", "hellinger", "chi2", "l_infinity"]
                if is_text
                else ["jensen_shannon", "hellinger", "kolmogorov_smirnov", "wasserstein"]
            )
            for method in methods:
                calculator = nml.UnivariateDriftCalculator(
                    column_names=[column],
                    treat_as_categorical=[column] if is_text else [],
                    treat_as_numerical=[] if is_text else [column],
                    categorical_methods=[method] if is_text else None,
                    continuous_methods=None if is_text else [method],
                )
                try:
                    result = calculator.fit(reference).calculate(current).to_df()
                except Exception as error:
                    rows.append([name, column, method, "", "", "", "", type(error).__name__])
                    continue
                for _, row in result.iterrows():
                    of = lambda what: row[(column, method, what)]
                    number = lambda x: "" if x is None or pd.isna(x) else repr(float(x))
                    chunk = row[("chunk", "chunk", "key")]
                    period = row[("chunk", "chunk", "period")]
                    threshold = number(of("upper_threshold"))
                    rows.append([name, column, method, period, chunk, number(of("value")), threshold, of("alert")])
    names = ["set", "column", "method", "period", "chunk", "value", "threshold", "alert"]
    pd.DataFrame(rows, columns=names).to_csv("nannyml.csv", index=False)


if __name__ == "__main__":
    if sys.argv[1] == "evidently":
        write_data()
        evidently()
    else:
        nannyml()
