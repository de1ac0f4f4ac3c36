#!/usr/bin/env python3
"""Writes tests/golden/spectra.json: matrices with numpy's eigenvalues, and rows with their effective rank and entropy by numpy and scipy.

Needs numpy and scipy. Usage: spectra.py ../golden/spectra.json
"""
import json
import sys

import numpy
import scipy
from scipy.stats import entropy


def main(path):
    rng = numpy.random.default_rng(4)
    symmetric = []
    for n, kind in [(1, "full"), (2, "full"), (3, "full"), (12, "full"), (25, "full"), (20, "low"), (16, "equal"), (14, "graded"), (10, "block")]:
        a = rng.normal(size=(n, n))
        if kind == "low":
            a = rng.normal(size=(n, 3))
            a = a @ a.T
        elif kind == "equal":
            q, _ = numpy.linalg.qr(a)
            a = q @ numpy.diag([1.0] * (n // 2) + [2.0] * (n - n // 2)) @ q.T
        elif kind == "graded":
            q, _ = numpy.linalg.qr(a)
            a = q @ numpy.diag(10.0 ** -numpy.arange(n)) @ q.T
        elif kind == "block":
            a[:5, 5:] = a[5:, :5] = 0
        a = numpy.round((a + a.T) / 2, 12)
        symmetric.append({"kind": kind, "n": n, "matrix": a.ravel().tolist(), "eigenvalues": numpy.linalg.eigvalsh(a).tolist()})
    rows = []
    for count, width, decay in [(40, 12, 0.0), (12, 40, 0.0), (40, 12, 0.5), (30, 30, 0.3)]:
        x = numpy.round(rng.normal(size=(count, width)) * numpy.exp(-decay * numpy.arange(width)) + 3.0, 9)
        c = x - x.mean(axis=0)
        s = numpy.linalg.svd(c, compute_uv=False)
        p = s**2 / (s**2).sum()
        rows.append({"count": count, "width": width, "rows": x.ravel().tolist(), "effective_rank": float(numpy.exp(entropy(s))),
                     "entropy": float(entropy(p)), "renyi_2": float(-numpy.log((p**2).sum()))})
    with open(path, "w") as file:
        json.dump({"made_with": f"numpy {numpy.__version__}, scipy {scipy.__version__}", "symmetric": symmetric, "rows": rows}, file)
        file.write("\n")


main(sys.argv[1])
