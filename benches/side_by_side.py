"""What `side_by_side.sh` runs: makes the data, and does the same work with each tool."""

import sys


def generate(path, rows, seed, drift):
    """35 columns as a model's log has them; `drift` moves f00, f01, i0 and c_small."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows, drift, group = int(rows), float(drift), 1 << 20
    random = np.random.default_rng(int(seed))
    shapes = [
        lambda n: random.normal(0, 1, n),
        lambda n: random.lognormal(0, 0.75, n),
        lambda n: random.standard_t(3, n),
        lambda n: random.gamma(2, 1.5, n),
    ]

    def texts(name, n, cardinality, exponent, tilt=0.0):
        weights = 1 / np.arange(1, cardinality + 1) ** exponent
        weights *= np.exp(tilt * np.sin(np.arange(cardinality)))
        codes = random.choice(cardinality, n, p=weights / weights.sum())
        names = pa.array([f"{name}_{i:05d}" for i in range(cardinality)])
        return pa.DictionaryArray.from_arrays(pa.array(codes.astype("i4")), names).cast("string")

    def table(first, n):
        columns = {"prediction_id": np.arange(first, first + n)}
        micros = np.arange(first, first + n) * (30 * 86_400_000_000 // rows)
        columns["ts"] = pa.array(micros + 1_767_225_600_000_000, pa.timestamp("us"))
        for k in range(20):
            values = shapes[k % 4](n)
            if k == 0:
                values += drift
            if k == 1:
                values *= 1 + drift
            missing = random.random(n) < 0.01 + 0.005 * (k % 5)
            columns[f"f{k:02d}"] = pa.array(values, mask=missing)
        columns["i0"] = random.poisson(3 * (1 + drift), n)
        columns["i1"] = random.integers(0, 100, n)
        columns["i2"] = random.geometric(0.2, n)
        columns["i3"] = random.integers(18, 90, n)
        columns["i4"] = random.lognormal(8, 1, n).astype("i8")
        columns["c_bool"] = texts("c_bool", n, 2, 0.3)
        columns["c_small"] = texts("c_small", n, 8, 0.7, drift)
        columns["c_mid"] = texts("c_mid", n, 40, 0.9)
        columns["c_500"] = texts("c_500", n, 500, 1.0)
        columns["c_20k"] = texts("c_20k", n, 20_000, 1.05)
        score = random.beta(5, 2, n)
        columns["score"] = score
        columns["pred"] = (score > 0.5).astype("i8")
        columns["label"] = (random.random(n) < score).astype("i8")
        return pa.table(columns)

    writer = None
    for first in range(0, rows, group):
        part = table(first, min(group, rows - first))
        writer = writer or pq.ParquetWriter(path, part.schema, compression="zstd")
        writer.write_table(part)
    writer.close()


def compared(names):
    """The columns that are compared, numbers and categories."""
    names = [name for name in names if name not in ("prediction_id", "ts")]
    texts = [name for name in names if name.startswith("c_")]
    return [name for name in names if name not in texts], texts


def decode(*paths):
    import pyarrow.parquet as pq

    for path in paths:
        print(pq.read_table(path).num_rows)


def scipy(reference, current):
    import numpy as np
    import pyarrow.parquet as pq
    from scipy import stats

    a, b = pq.read_table(reference), pq.read_table(current)
    numbers, texts = compared(a.column_names)
    for name in numbers:
        sides = [side[name].drop_null().to_numpy() for side in (a, b)]
        print(name, stats.ks_2samp(*sides, method="asymp").statistic)
    for name in texts:
        sides = [
            {row["values"]: row["counts"] for row in side[name].value_counts().to_pylist()}
            for side in (a, b)
        ]
        keys = sorted(sides[0].keys() | sides[1].keys())
        counts = np.array([[side.get(key, 0) for key in keys] for side in sides])
        print(name, stats.chi2_contingency(counts).statistic)


def duckdb(*paths):
    import duckdb
    import pyarrow.parquet as pq

    numbers, texts = compared(pq.read_schema(paths[0]).names)
    edges = [i / 2 - 5 for i in range(1, 21)]
    parts = [f"histogram({name}::DOUBLE, {edges})" for name in numbers]
    parts += [f"histogram({name})" for name in texts]
    for path in paths:
        print(len(duckdb.sql(f"SELECT {', '.join(parts)} FROM '{path}'").fetchone()))


def nannyml(reference, current):
    import nannyml
    import pandas as pd

    sides = [pd.read_parquet(path) for path in (reference, current)]
    numbers, texts = compared(sides[0].columns)
    for side in sides:
        side[texts] = side[texts].astype(object)
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=numbers + texts,
        treat_as_categorical=texts,
        timestamp_column_name="ts",
        chunk_number=10,
        continuous_methods=["kolmogorov_smirnov", "jensen_shannon"],
        categorical_methods=["chi2", "jensen_shannon"],
    )
    calculator.fit(sides[0])
    print(calculator.calculate(sides[1]).to_df().shape)


def evidently(reference, current):
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    sides = [pd.read_parquet(path).drop(columns=["prediction_id", "ts"]) for path in (reference, current)]
    numbers, texts = compared(sides[0].columns)
    codes = ["pred", "label"]
    definition = DataDefinition(
        numerical_columns=[name for name in numbers if name not in codes],
        categorical_columns=texts + codes,
    )
    old, new = [Dataset.from_pandas(side, data_definition=definition) for side in sides]
    print(len(Report([DataDriftPreset()]).run(new, old).dict()["metrics"]))


if __name__ == "__main__":
    works = {f.__name__: f for f in (generate, decode, scipy, duckdb, nannyml, evidently)}
    if len(sys.argv) < 2 or sys.argv[1] not in works:
        sys.exit(f"usage: side_by_side.py {{{','.join(works)}}} ARGUMENTS")
    works[sys.argv[1]](*sys.argv[2:])
