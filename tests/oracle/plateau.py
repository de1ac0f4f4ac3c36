#!/usr/bin/env python3
"""Writes tests/golden/plateau.json: held-out losses and the rate that torch's ReduceLROnPlateau gives after each.

Needs torch. Usage: plateau.py ../golden/plateau.json
"""
import json
import random
import sys

import torch

CASES = [
    {"factor": 0.1, "patience": 10, "threshold": 1e-4, "cooldown": 0, "least": 0.0},
    {"factor": 0.5, "patience": 3, "threshold": 1e-3, "cooldown": 0, "least": 0.0},
    {"factor": 0.5, "patience": 3, "threshold": 1e-3, "cooldown": 4, "least": 0.0},
    {"factor": 0.7, "patience": 0, "threshold": 0.0, "cooldown": 1, "least": 4e-5},
    {"factor": 0.3, "patience": 2, "threshold": 0.02, "cooldown": 2, "least": 1e-5},
    {"factor": 0.9, "patience": 1, "threshold": 1e-2, "cooldown": 0, "least": 0.0},
]


def losses(seed):
    """Falls to a plateau, falls again, rises; with noise."""
    rng = random.Random(seed)
    return [round(2.0 + 1.5 * 0.9 ** min(i, 40) + 0.5 * 0.95 ** max(0, i - 90) + 0.002 * max(0, i - 150) + rng.gauss(0, 0.01), 6)
            for i in range(200)]


def main(path):
    cases = []
    for seed, how in enumerate(CASES):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=3e-4)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=how["factor"], patience=how["patience"], threshold=how["threshold"], cooldown=how["cooldown"],
            min_lr=how["least"], eps=0.0)
        given, rates = losses(seed), []
        for loss in given:
            scheduler.step(loss)
            rates.append(optimizer.param_groups[0]["lr"])
        cases.append({**how, "peak": 3e-4, "losses": given, "rates": rates})
    with open(path, "w") as file:
        json.dump({"made_with": f"torch {torch.__version__}", "cases": cases}, file)
        file.write("\n")


main(sys.argv[1])
