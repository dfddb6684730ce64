"""Writes kstwo.csv: P(D_n >= d) as SciPy computes it, over every regime and its borders.

Versions in README.md.
Run: python generate_kstwo.py
"""
import csv
import random

import numpy as np
from scipy.stats import kstwo

random.seed(20240607)
points = set()
sizes = [1, 2, 3, 4, 5, 7, 10, 11, 20, 50, 99, 100, 139, 140, 141, 142, 200, 500, 999, 1000,
         3413, 4545, 8191, 8193, 10000, 12345, 50000, 99999, 100000, 100001, 500000, 999999,
         1000000, 1000001, 2500000, 5000000, 10000000]
for n in sizes:
    # z = d * sqrt(n) through all regimes, from "surely 1" to 1e-320.
    for z in [0.01, 0.05, 0.1, 0.15, 0.19, 0.2, 0.22, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8,
              0.86, 0.87, 0.9, 1.0, 1.2, 1.4, 1.48, 1.49, 1.6, 1.9, 1.99, 2.01, 2.5, 3, 4, 5, 6.5,
              8, 10, 12, 14, 16, 18, 18.5, 18.7, 19, 19.5]:
        z *= 1 + 0.001 * random.random()
        points.add((n, z / n**0.5))
    # Multiples of 1/n and their neighbours, where the statistic of a sample falls.
    for k in [0.4, 0.5, 0.51, 0.75, 1, 1.01, 1.5, 2, 2.5, 3, 7, n / 2, n / 2 + 0.25, n - 1.5,
              n - 1, n - 0.5, n - 0.01]:
        points.add((n, k / n))
        points.add((n, np.nextafter(k / n, 1)))
        points.add((n, np.nextafter(k / n, 0)))
with open("kstwo.csv", "w", newline="") as out:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["n", "d", "sf"])
    for n, d in sorted(points):
        if 0 <= d <= 1:
            writer.writerow([n, repr(float(d)), repr(float(kstwo.sf(d, n)))])
