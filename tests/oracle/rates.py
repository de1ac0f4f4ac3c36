#!/usr/bin/env python3
"""Golden learning rates from the schedulers of transformers and PyTorch, in double.

tests/oracle/rates.py OUTPUT.json   (torch, transformers)

Of a list of `cases` each has a `schedule`, its numbers (`peak`, `steps`, `warmup`, `decay`, `floor`) and `rates`, the rate of every
fifth step from the first.
"""
import json
import sys

import torch
import transformers
from torch.optim import lr_scheduler
from transformers import optimization

PEAK = 3e-4


def transformers_wsd(o, steps, warmup, decay, floor, kind):
    return optimization.get_wsd_schedule(o, warmup, decay, num_training_steps=steps, min_lr_ratio=floor / PEAK, decay_type=kind)


def torch_linear(o, steps, warmup, decay, floor):
    return lr_scheduler.LinearLR(o, start_factor=1.0, end_factor=floor / PEAK, total_iters=steps)


SCHEDULES = {
    "constant": lambda o, steps, warmup, decay, floor: optimization.get_constant_schedule(o),
    "warmup_constant": lambda o, steps, warmup, decay, floor: optimization.get_constant_schedule_with_warmup(o, warmup),
    "warmup_linear": lambda o, steps, warmup, decay, floor: optimization.get_linear_schedule_with_warmup(o, warmup, steps),
    "warmup_cosine": lambda o, steps, warmup, decay, floor: optimization.get_cosine_schedule_with_warmup(o, warmup, steps),
    "warmup_cosine_floor": lambda o, steps, warmup, decay, floor: optimization.get_cosine_with_min_lr_schedule_with_warmup(
        o, warmup, steps, min_lr=floor),
    "wsd_linear": lambda *a: transformers_wsd(*a, "linear"),
    "wsd_cosine": lambda *a: transformers_wsd(*a, "cosine"),
    "wsd_1-sqrt": lambda *a: transformers_wsd(*a, "1-sqrt"),
    "torch_linear": torch_linear,
    "torch_cosine": lambda o, steps, warmup, decay, floor: lr_scheduler.CosineAnnealingLR(o, T_max=steps, eta_min=floor),
}
SCHEDULES |= {
    "inverse_sqrt": lambda o, steps, warmup, decay, floor: optimization.get_inverse_sqrt_schedule(o, warmup),
    "inverse_sqrt_timescale": lambda o, steps, warmup, decay, floor: optimization.get_inverse_sqrt_schedule(o, warmup, timescale=2 * decay),
    "warmup_polynomial": lambda o, steps, warmup, decay, floor: optimization.get_polynomial_decay_schedule_with_warmup(
        o, warmup, steps, lr_end=floor, power=2.5),
    "warmup_cosine_restarts": lambda o, steps, warmup, decay, floor: optimization.get_cosine_with_hard_restarts_schedule_with_warmup(
        o, warmup, steps, num_cycles=3),
    # Cycles of steps / 7, twice and four times that.
    "torch_warm_restarts": lambda o, steps, warmup, decay, floor: lr_scheduler.CosineAnnealingWarmRestarts(
        o, T_0=steps // 7, T_mult=2, eta_min=floor),
    "torch_multi_step": lambda o, steps, warmup, decay, floor: lr_scheduler.MultiStepLR(o, [steps // 2, steps - decay], gamma=0.3),
    "torch_exponential": lambda o, steps, warmup, decay, floor: lr_scheduler.ExponentialLR(o, gamma=0.5 ** (1 / decay)),
    # A new rate at each of these steps, in a straight line between.
    "torch_sequence": lambda o, steps, warmup, decay, floor: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, 0.1, 1.0, warmup), lr_scheduler.LinearLR(o, 1.0, 0.4, steps - warmup - decay),
            lr_scheduler.LinearLR(o, 0.4, 0.2, decay)], [warmup, steps - decay]),
}
NUMBERS = [(500, 50, 100, 0.0), (500, 50, 100, 3e-5), (377, 31, 77, 1e-6)]


def case(name, steps, warmup, decay, floor):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    schedule = SCHEDULES[name](optimizer, steps, warmup, decay, floor)
    rates = []
    for _ in range(steps):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return {"schedule": name, "peak": PEAK, "steps": steps, "warmup": warmup, "decay": decay, "floor": floor, "rates": rates[::5]}


if __name__ == "__main__":
    made = {"torch": torch.__version__, "transformers": transformers.__version__}
    with open(sys.argv[1], "w") as file:
        rows = ",\n".join(json.dumps(case(name, *n)) for name in SCHEDULES for n in NUMBERS)
        file.write(f'{{"made_with": {json.dumps(made)}, "cases": [\n{rows}\n]}}\n')
