"""The streams that detectors are run on: written down, or drawn so that Rust draws the same."""
import csv
import random

MASK = (1 << 64) - 1


def units(seed):
    """SplitMix64, as numbers from 0 to 1."""
    state = seed
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
        yield ((z ^ z >> 31) >> 11) / (1 << 53)


def drawn(seed, segments):
    """(rows, "outcome", p): 1 with probability p. (rows, "normal", mean, deviation): a sum of 12 units."""
    unit = units(seed)
    values = []
    for rows, kind, *of in segments:
        for _ in range(rows):
            if kind == "outcome":
                values.append(1.0 if next(unit) < of[0] else 0.0)
            else:
                normal = 0.0
                for _ in range(12):
                    normal += next(unit)
                values.append(of[0] + of[1] * (normal - 6.0))
    return values


DRAWN = {
    "errors_steady": (1, [(3000, "outcome", 0.2)]),
    "errors_abrupt": (2, [(1500, "outcome", 0.1), (1500, "outcome", 0.35)]),
    "errors_gradual": (3, [(800, "outcome", 0.1 + 0.04 * i) for i in range(6)]),
    "errors_fewer": (4, [(1000, "outcome", 0.6), (1000, "outcome", 0.2), (1000, "outcome", 0.6)]),
    "errors_long": (5, [(30000, "outcome", 0.05), (20000, "outcome", 0.07)]),
    "mean_up": (6, [(1500, "normal", 0.0, 1.0), (1500, "normal", 1.0, 1.0)]),
    "mean_down_and_back": (7, [(700, "normal", 5.0, 2.0), (700, "normal", 3.0, 2.0), (700, "normal", 5.0, 2.0)]),
    "mean_slightly": (8, [(4000, "normal", 10.0, 0.5), (4000, "normal", 10.15, 0.5)]),
    "spread": (9, [(1000, "normal", 0.0, 1.0), (1000, "normal", 0.0, 3.0)]),
    "scores": (10, [(60, "normal", 0.72, 0.01), (60, "normal", 0.68, 0.01), (60, "normal", 0.72, 0.01)]),
}


def written(folder):
    """River's published streams, and the change point sets that it ships (`river/drift/datasets`)."""
    rng = random.Random(12345)
    yield "river_two", rng.choices([0, 1], k=1000) + rng.choices(range(4, 8), k=1000)
    rng = random.Random(42)
    halves = [[0, 1], range(4, 8), [0, 1], range(4, 8)]
    yield "river_four", [x for of in halves for x in rng.choices(of, k=1000)]
    rng = random.Random(42)
    yield "river_errors", rng.choices([0, 1], k=1000) + rng.choices([0, 1], k=1000, weights=[0.3, 0.7])
    for name, column in [
        ("airline_passengers", "Total Passengers"),
        ("run_log", "Pace"),
        ("occupancy", "V4"),
        ("uk_coal_employment", "Employment"),
    ]:
        with open(folder / f"{name}.csv", newline="") as file:
            yield name, [float(row[column]) for row in csv.DictReader(file)]


def ranges(indices):
    """[3, 4, 5, 9] as [[3, 5], [9, 9]]."""
    found = []
    for i in indices:
        if found and found[-1][1] == i - 1:
            found[-1][1] = i
        else:
            found.append([i, i])
    return found
