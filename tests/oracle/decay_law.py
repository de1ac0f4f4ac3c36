#!/usr/bin/env python3
"""Writes tests/golden/decay_law.json: noisy loss curves of three schedules, and scipy's fit of Tissue et al.'s law to them.

Needs numpy and scipy. Usage: decay_law.py ../golden/decay_law.json
"""
import json
import sys

import numpy
import scipy
from scipy.optimize import least_squares

LAW = {"floor": 2.2, "scale": 0.65, "power": 0.45, "gain": 0.35}
MEMORY = 0.99
STEPS = 1200
PEAK = 3e-3


def schedules():
    t = numpy.arange(STEPS)
    yield "constant", numpy.full(STEPS, PEAK)
    yield "cosine", PEAK * (0.1 + 0.45 * (1 + numpy.cos(numpy.pi * t / STEPS)))
    yield "wsd", PEAK * numpy.minimum(1, (STEPS - t) / 240)


def areas(rates):
    s1, s2, s2s, momentum = numpy.cumsum(rates), 0.0, [0.0], 0.0
    for i in range(1, len(rates)):
        momentum = MEMORY * momentum + (rates[i - 1] - rates[i])
        s2 += momentum
        s2s.append(s2)
    return s1, numpy.array(s2s)


def main(path):
    rng = numpy.random.default_rng(9)
    curves, s1, s2, loss = [], [], [], []
    for name, rates in schedules():
        a, b = areas(rates)
        steps = numpy.arange(40, STEPS + 1, 20)
        true = LAW["floor"] + LAW["scale"] * a[steps - 1] ** -LAW["power"] - LAW["gain"] * b[steps - 1]
        losses = numpy.round(true * numpy.exp(rng.normal(0, 2e-3, len(steps))), 9)
        curves.append({"name": name, "steps": steps.tolist(), "losses": losses.tolist()})
        s1.append(a[steps - 1]), s2.append(b[steps - 1]), loss.append(losses)
    s1, s2, loss = map(numpy.concatenate, (s1, s2, loss))

    def residuals(x):
        return numpy.log((x[0] + x[1] * s1 ** -x[2] - x[3] * s2) / loss)

    fits = [least_squares(residuals, [f, 0.5, p, 0.1], method="lm", xtol=1e-15, ftol=1e-15, gtol=1e-15) for f in (1.0, 2.0) for p in (0.3, 0.8)]
    best = min(fits, key=lambda f: f.cost)
    golden = {"made_with": f"numpy {numpy.__version__}, scipy {scipy.__version__}", "true": LAW, "memory": MEMORY, "steps": STEPS, "peak": PEAK,
              "curves": curves, "last_area": float(s1[-1]), "last_annealed": float(s2[-1]),
              "fit": dict(zip(LAW, best.x.tolist())), "cost": float(best.cost)}
    with open(path, "w") as file:
        json.dump(golden, file)
        file.write("\n")


main(sys.argv[1])
