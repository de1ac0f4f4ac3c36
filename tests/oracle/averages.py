#!/usr/bin/env python3
"""Golden averages of weights from torch.optim.swa_utils, in double.

tests/oracle/averages.py OUTPUT.json   (torch)

`weights`: a row a step. `ema`: the exponential average with decay 0.9 after each step. `swa`: the average of every second step from step
4 on, after each step from there. `decayed`: plain gradient descent on the same gradients with the rate falling linearly to zero over the
last 10 steps of a constant run, which `weights_sgd` are; it is what a merge of those ten must give.
"""
import json
import sys

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

STEPS, WIDTH, WINDOW = 24, 5, 10


def averaged(rows, steps, **how):
    model = torch.nn.Linear(WIDTH, 1, bias=False, dtype=torch.double)
    mean, out = AveragedModel(model, **how), []
    for n, row in enumerate(rows, 1):
        with torch.no_grad():
            model.weight.copy_(row)
        if n in steps:
            mean.update_parameters(model)
        if n >= min(steps):
            out.append(mean.module.weight.flatten().tolist())
    return out


def main(path):
    torch.manual_seed(1)
    rows = torch.randn(STEPS, WIDTH, dtype=torch.double)
    # Gradients that do not depend on the weights: then the theorem holds exactly.
    gradients = torch.randn(STEPS, WIDTH, dtype=torch.double)
    descent = lambda rate: torch.cumsum(-torch.tensor([rate(n) for n in range(STEPS)], dtype=torch.double)[:, None] * gradients, 0)
    begin = STEPS - WINDOW
    falling = descent(lambda n: 0.1 if n < begin else 0.1 * (1 - (n - begin + 1) / (WINDOW + 1)))
    json.dump({
        "weights": rows.tolist(),
        "ema": averaged(rows, range(1, STEPS + 1), multi_avg_fn=get_ema_multi_avg_fn(0.9)),
        "swa": averaged(rows, range(4, STEPS + 1, 2)),
        "weights_sgd": descent(lambda n: 0.1).tolist(),
        "decayed": falling[-1].tolist(),
    }, open(path, "w"), indent=0)


if __name__ == "__main__":
    main(*sys.argv[1:])
