"""streams.json, river.json and ks_exact.csv: what River's detectors say, and SciPy's exact KS test."""
import json
import pathlib
import sys
import warnings

import numpy
import river
import scipy
from river import drift
from scipy import stats

import streams

OUTCOMES = ["river_errors", "errors_steady", "errors_abrupt", "errors_gradual", "errors_fewer", "errors_long"]
NUMBERS = ["river_two", "river_four", "mean_up", "mean_down_and_back", "mean_slightly", "spread"]
REAL = ["airline_passengers", "run_log", "occupancy", "uk_coal_employment"]

# Ours, and River's names where they differ.
KINDS = {
    "adwin": (drift.ADWIN, {}),
    "page_hinkley": (drift.PageHinkley, {"lambda": "threshold"}),
    "kswin": (drift.KSWIN, {}),
    "ddm": (drift.binary.DDM, {}),
    "eddm": (drift.binary.EDDM, {}),
    "hddm_a": (drift.binary.HDDMA, {"two_sided": "two_sided_test"}),
    "hddm_w": (drift.binary.HDDMW, {"two_sided": "two_sided_test", "lambda": "lambda_val"}),
}


def plan():
    for stream in OUTCOMES + NUMBERS + REAL:
        yield stream, "adwin", {}
        yield stream, "adwin", {"clock": 1, "delta": 0.01, "max_buckets": 3}
        yield stream, "page_hinkley", {}
    for stream in ["scores"] + REAL:
        yield stream, "adwin", {"clock": 1, "min_window_length": 3, "grace_period": 20}
    for mode in ["up", "down", "both"]:
        for stream in NUMBERS:
            yield stream, "page_hinkley", {"mode": mode, "lambda": 20, "delta": 0.25, "alpha": 1.0}
        yield "scores", "page_hinkley", {"mode": mode, "lambda": 0.1, "min_instances": 10}
        yield "occupancy", "page_hinkley", {"mode": mode, "lambda": 1000, "delta": 5, "alpha": 0.99}
    for stream in OUTCOMES:
        yield stream, "ddm", {}
        yield stream, "ddm", {"warm_start": 100, "warning_threshold": 1.5, "drift_threshold": 2.5}
        yield stream, "eddm", {}
        yield stream, "eddm", {"alpha": 0.8, "beta": 0.75}
        for kind in ["hddm_a", "hddm_w"]:
            yield stream, kind, {}
            yield stream, kind, {"two_sided": True}
            yield stream, kind, {"two_sided": True, "drift_confidence": 0.01, "warning_confidence": 0.1}
        yield stream, "hddm_w", {"lambda": 0.2}
    yield "scores", "ddm", {}
    yield "scores", "hddm_a", {"two_sided": True, "drift_confidence": 0.1, "warning_confidence": 0.5}
    # Where the sample is all that is older nothing is drawn: River's draws can't be told from ours.
    for stream in ["river_two", "mean_up", "mean_down_and_back", "spread", "occupancy", "run_log"]:
        yield stream, "kswin", {"alpha": 0.0001, "window_size": 200, "stat_size": 100}
        yield stream, "kswin", {"alpha": 0.005, "window_size": 60, "stat_size": 30}
    # River's own example. Only about when is compared.
    yield "river_two", "kswin", {"alpha": 0.0001, "seed": 42}


def run(kind, options, values):
    make, names = KINDS[kind]
    detector = make(**{names.get(key, key): value for key, value in options.items()})
    drifts, warned = [], []
    for i, x in enumerate(values):
        detector.update(x)
        if detector.drift_detected:
            drifts.append(i)
        elif getattr(detector, "warning_detected", False):
            warned.append(i)
    return {"drifts": drifts, "warnings": streams.ranges(warned)}


def main():
    folder = pathlib.Path(drift.datasets.__file__).parent
    written = dict(streams.written(folder))
    drawn = {name: streams.drawn(*of) for name, of in streams.DRAWN.items()}
    values = {**written, **drawn}
    out = {
        "written": {
            name: "".join(map(str, of)) if isinstance(of[0], int) else of for name, of in written.items()
        },
        "drawn": {
            name: {"seed": seed, "segments": segments, "last": drawn[name][-1]}
            for name, (seed, segments) in streams.DRAWN.items()
        },
    }
    write("streams.json", out)
    cases = [
        {"stream": stream, "detector": {"type": kind, **options}, **run(kind, options, values[stream])}
        for stream, kind, options in plan()
    ]
    versions = {"python": sys.version.split()[0], "river": river.__version__, "scipy": scipy.__version__, "numpy": numpy.__version__}
    write("river.json", {"versions": versions, "cases": cases})
    with open("ks_exact.csv", "w") as file:
        file.write("r,h,p\n")
        for r in [2, 3, 10, 30, 50, 100, 400, 1000]:
            steps = sorted({h for h in [1, 2, 3, 5, 8, 12, 17, 23, 30, 50, 80, 120, 200, 300] if h <= r} | {r, r - 1, r // 2})
            for h in steps:
                # The first h of one sample are below all of the other, the rest interleave.
                a = numpy.arange(r) - h + 0.5
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    p = stats.ks_2samp(a, numpy.arange(r), method="exact")
                assert round(p.statistic * r) == h, (r, h, p)
                # SciPy warns where its exact sum underflows.
                if p.pvalue > 1e-300 and not caught:
                    file.write(f"{r},{h},{float(p.pvalue)!r}\n")


def write(name, value):
    """One line a case or stream: readable in a diff."""
    text = json.dumps(value)
    for begin in ['{"stream"', '"written"'] + [f'"{it}":' for it in list(streams.DRAWN) + REAL]:
        text = text.replace(begin, "\n" + begin)
    pathlib.Path(name).write_text(text + "\n")


if __name__ == "__main__":
    main()
