#!/usr/bin/env python3
"""Writes tests/golden/bootstrap.json: losses of documents before and after, and numpy's and scipy's bootstrap intervals of them.

Needs numpy and scipy. Usage: bootstrap.py ../golden/bootstrap.json
"""
import json
import sys

import numpy
import scipy
from scipy import stats

RESAMPLES = 200_000


def main(path):
    rng = numpy.random.default_rng(20)
    n = 90
    targets = numpy.minimum(2048, numpy.exp(rng.normal(5.5, 1.0, n)).astype(int) + 1)
    hard = rng.normal(2.4, 0.5, n)
    before = targets * numpy.maximum(0.1, hard + rng.normal(0, 0.02, n))
    after = targets * numpy.maximum(0.1, hard - 0.03 + rng.normal(0, 0.05, n))

    def ratio(a, t, axis=-1):
        return a.sum(axis=axis) / t.sum(axis=axis)

    def interval(values):
        found = stats.bootstrap((values, targets.astype(float)), ratio, paired=True, vectorized=True, method="percentile",
                                n_resamples=RESAMPLES, batch=5_000, random_state=numpy.random.default_rng(1))
        drawn = found.bootstrap_distribution
        assert numpy.allclose(numpy.percentile(drawn, [2.5, 97.5]), [found.confidence_interval.low, found.confidence_interval.high])
        return {"value": float(ratio(values, targets)), "low": float(found.confidence_interval.low),
                "high": float(found.confidence_interval.high), "deviation": float(found.standard_error)}

    golden = {"made_with": f"numpy {numpy.__version__}, scipy {scipy.__version__}, {RESAMPLES} resamples",
              "targets": targets.tolist(), "before": before.tolist(), "after": after.tolist(),
              "mean_before": interval(before), "mean_after": interval(after), "difference": interval(after - before)}
    with open(path, "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")


main(sys.argv[1])
