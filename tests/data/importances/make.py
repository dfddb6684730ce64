"""Dumps of small real models, for the readers of importances.

Made with lightgbm and xgboost; `versions.txt` says which. Run in this folder:

    pip install lightgbm xgboost && python make.py
"""

import json
from importlib.metadata import version

import lightgbm
import numpy
import xgboost

NAMES = ["temp", "dewp", "carrier", "unused"]

rng = numpy.random.default_rng(11)
rows = rng.normal(size=(400, 4))
rows[:, 2] = rng.integers(0, 3, size=400)
target = (rows[:, 0] + 0.4 * rows[:, 1] + 0.3 * rows[:, 2] + 0.3 * rng.normal(size=400)) > 0.4
rows[:, 3] = 0.0

booster = lightgbm.train(
    {"objective": "binary", "num_leaves": 4, "verbosity": -1, "seed": 1, "deterministic": True},
    lightgbm.Dataset(rows, target, feature_name=NAMES),
    num_boost_round=3,
)
with open("lightgbm.json", "w") as file:
    json.dump(booster.dump_model(), file, indent=1)

matrix = xgboost.DMatrix(rows, target, feature_names=NAMES)
boosted = xgboost.train(
    {"objective": "binary:logistic", "max_depth": 2, "seed": 1}, matrix, num_boost_round=3
)
boosted.dump_model("xgboost-dump.json", with_stats=True, dump_format="json")
with open("xgboost-get-dump.json", "w") as file:
    json.dump(boosted.get_dump(dump_format="json", with_stats=True), file, indent=1)
with open("xgboost-no-stats.json", "w") as file:
    json.dump(boosted.get_dump(dump_format="json"), file, indent=1)
boosted.save_model("xgboost-model.json")

gain = booster.feature_importance(importance_type="gain")
expected = {
    "lightgbm": dict(zip(NAMES, map(float, gain))),
    "xgboost": boosted.get_score(importance_type="total_gain"),
}
with open("expected.json", "w") as file:
    json.dump(expected, file, indent=1)
with open("versions.txt", "w") as file:
    for name in ["lightgbm", "xgboost", "numpy"]:
        file.write(f"{name} {version(name)}\n")
