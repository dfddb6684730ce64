"""frouros.json: what Frouros says where River has no such detector. Needs `streams.json` beside it."""
import json
import pathlib
import sys

import frouros
import numpy
from importlib.metadata import version
from frouros.detectors.concept_drift import CUSUM, CUSUMConfig, ECDDWT, ECDDWTConfig

import streams


def values(name):
    if name in streams.DRAWN:
        return streams.drawn(*streams.DRAWN[name])
    found = json.loads(pathlib.Path("streams.json").read_text())["written"][name]
    return [float(x) for x in found]


def cusum(**options):
    options = {{"lambda": "lambda_", "min_instances": "min_num_instances"}.get(k, k): v for k, v in options.items()}
    return CUSUM(config=CUSUMConfig(**options))


def ecdd(**options):
    options = {{"lambda": "lambda_", "min_instances": "min_num_instances"}.get(k, k): v for k, v in options.items()}
    return ECDDWT(config=ECDDWTConfig(**options))


def run(make, options, xs):
    """Frouros leaves what follows a drift to the caller: it begins anew, as River does."""
    detector = make(**options)
    drifts, warnings = [], []
    for i, x in enumerate(xs):
        detector.update(value=x)
        status = detector.status
        if status["drift"]:
            drifts.append(i)
            detector.reset()
        elif status.get("warning", False):
            warnings.append(i)
    return {"drifts": drifts, "warnings": streams.ranges(warnings)}


def main():
    cases = []
    numbers = ["river_two", "river_four", "mean_up", "mean_down_and_back", "mean_slightly", "spread",
               "scores", "run_log", "occupancy"]
    for name in numbers:
        lambda_ = {"scores": 0.1, "run_log": 200.0, "occupancy": 1000.0}.get(name, 20.0)
        for options in [{}, {"lambda": lambda_, "delta": 0.01, "min_instances": 20}]:
            # Frouros looks upwards only: downwards is upwards of the values turned round.
            for mode, sign in [("up", 1.0), ("down", -1.0)]:
                found = run(cusum, options, [sign * x for x in values(name)])
                cases.append({"stream": name, "detector": {"type": "cusum", "mode": mode, **options}, **found})
    for name in ["river_errors", "errors_steady", "errors_abrupt", "errors_gradual", "errors_fewer", "errors_long"]:
        for options in [{}, {"lambda": 0.05, "warning_level": 0.8, "min_instances": 100}]:
            cases.append({"stream": name, "detector": {"type": "ecdd", **options}, **run(ecdd, options, values(name))})
    versions = {"python": sys.version.split()[0], "frouros": version("frouros"), "numpy": numpy.__version__}
    text = json.dumps({"versions": versions, "cases": cases}).replace('{"stream"', '\n{"stream"')
    pathlib.Path("frouros.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
