#!/usr/bin/env python3
"""Golden weights after steps of published optimizers, in double.

tests/oracle/optimizers.py OUTPUT.json   (torch, transformers, lion-pytorch, muon-optimizer, pytorch-optimizer)

Five tensors begin at numbers in -1/2 .. 1/2 and have 24 steps with the gradient 0.3 w + noise. Numbers are draws of the library's
core/random.hpp: of seed 1 for weights, and for noise of seed 2 and the step as stream; value i of tensor k is draw 1000 k + i. Muon is
for the first three, and the others then go by AdamW. Where it converts to bfloat16, double stands in its place.

No package has what follows, which is written here in numpy's way from its paper: Apple's RMSProp (axlearn's adastar_optimizer as its text
says it), cautious weight decay (Chen et al. 2025, algorithm 1), and updates held to a root mean square (Shazeer and Stern 2018, section 6).
"""
import json
import sys
from unittest import mock

import torch
from lion_pytorch import Lion
from muon import SingleDeviceMuon
from pytorch_optimizer import Lion as CautiousLion
from pytorch_optimizer.base.optimizer import BaseOptimizer
from transformers.optimization import Adafactor

STEPS, RATE, WORD = 24, 1e-2, (1 << 64) - 1
SHAPES = {"tall": (13, 6), "wide": (5, 11), "odd": (9, 11), "table": (10, 6), "vector": (7,)}
MATRICES = ("tall", "wide", "odd")


def mixed(z):
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & WORD
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & WORD
    return z ^ (z >> 31)


def uniform(seed, stream, n):
    key = mixed((seed + 0x9E3779B97F4A7C15) & WORD) ^ mixed((stream + 0xD1B54A32D192ED03) & WORD)
    return (mixed(mixed((key + n * 0x9E3779B97F4A7C15) & WORD) ^ key) >> 11) * 2.0**-53


def draws(seed, stream):
    return {
        name: torch.tensor(
            [uniform(seed, stream, 1000 * k + i) - 0.5 for i in range(torch.Size(shape).numel())], dtype=torch.double
        ).reshape(shape)
        for k, (name, shape) in enumerate(SHAPES.items())
    }


NOISE = [draws(2, step) for step in range(1, STEPS + 1)]


def trained(make):
    """`make(weights by name)` gives optimizers; all of them step on their own gradients."""
    weights = {name: torch.nn.Parameter(w) for name, w in draws(1, 3).items()}
    optimizers = make(weights)
    for noise in NOISE:
        for name, w in weights.items():
            w.grad = 0.3 * w.detach() + noise[name]
        for o in optimizers:
            o.step()
    return {name: w.detach().flatten().tolist() for name, w in weights.items()}


class Written(torch.optim.Optimizer):
    """`change(w, g, state, step)` moves one tensor."""

    def __init__(self, params, change):
        super().__init__(params, {})
        self.change, self.steps = change, 0

    @torch.no_grad()
    def step(self):
        self.steps += 1
        for p in self.param_groups[0]["params"]:
            self.change(p, p.grad, self.state[p], self.steps)


def adamw_direction(g, state):
    """AdamW's step over the rate, of torch: that of a weight of zero."""
    if not state:
        state["w"] = torch.nn.Parameter(torch.zeros_like(g))
        state["adamw"] = torch.optim.AdamW([state["w"]], lr=1.0, betas=(0.9, 0.95), eps=1e-8, weight_decay=0)
    with torch.no_grad():
        state["w"].zero_()
    state["w"].grad = g.clone()
    state["adamw"].step()
    return -state["w"].detach()


def rms(x):
    return x.square().mean().sqrt()


def apple(w, g, state, step, b1=0.9, b2=0.95, decay=0.1, clip=0.5):
    state["v"] = b2 * state.get("v", 0) + (1 - b2) * (g.square() + 1e-30)
    u = g / (state["v"] / (1 - b2**step)).sqrt()
    u = u / max(1.0, rms(u).item() / clip)
    state["m"] = b1 * state.get("m", 0) + (1 - b1) * u
    w.sub_(RATE * (state["m"] + decay * w))


def cautious_adamw(w, g, state, step):
    u = adamw_direction(g, state)
    BaseOptimizer.apply_cautious(u, g)
    w.mul_(1 - RATE * 0.1).sub_(RATE * u)


def decaying_along(w, g, state, step):
    u = adamw_direction(g, state)
    w.sub_(RATE * (u + 0.5 * (u * w >= 0) * w))


def clipped_adamw(w, g, state, step):
    u = adamw_direction(g, state)
    w.mul_(1 - RATE * 0.1).sub_(RATE * u / max(1.0, rms(u).item() / 0.4))


def muon(**how):
    def make(weights):
        rest = [w for name, w in weights.items() if name not in MATRICES]
        return (
            torch.optim.Muon([weights[n] for n in MATRICES], lr=RATE, **how),
            torch.optim.AdamW(rest, lr=RATE, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1),
        )

    return make


def keller(weights):
    rest = [w for name, w in weights.items() if name not in MATRICES]
    return (
        SingleDeviceMuon([weights[n] for n in MATRICES], lr=RATE, momentum=0.95, weight_decay=0.1),
        torch.optim.AdamW(rest, lr=RATE, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1),
    )


def over_all(kind, **how):
    return lambda weights: (kind(list(weights.values()), **how),)


def written(change):
    return lambda weights: (Written(list(weights.values()), change),)


def main():
    with mock.patch.object(torch, "bfloat16", torch.double), mock.patch.object(torch.Tensor, "bfloat16", lambda x: x.double()):
        all_ = {
            "muon_spectral": trained(muon(momentum=0.95, weight_decay=0.1, adjust_lr_fn="original")),
            "muon_like_adamw": trained(muon(momentum=0.9, weight_decay=0.2, nesterov=False, adjust_lr_fn="match_rms_adamw")),
        }
        # Jordan's own adds its epsilon to the norm where torch has a least norm, which is all that parts the two.
        own = trained(keller)
        for name in MATRICES:
            apart = max(abs(a - b) for a, b in zip(own[name], all_["muon_spectral"][name]))
            assert apart < 1e-6, f"muon-optimizer and torch.optim.Muon are {apart} apart on {name}"
    all_ |= {
        "adafactor": trained(over_all(Adafactor, scale_parameter=True, relative_step=True, warmup_init=False, lr=None)),
        "adafactor_momentum": trained(
            over_all(Adafactor, lr=RATE, scale_parameter=False, relative_step=False, beta1=0.9, clip_threshold=0.5, decay_rate=-0.7)
        ),
        "adafactor_decay": trained(over_all(torch.optim.Adafactor, lr=0.25, weight_decay=0.1)),
        "rmsprop": trained(over_all(torch.optim.RMSprop, lr=RATE, alpha=0.99, eps=1e-8, momentum=0.9)),
        "rmsprop_apple": trained(written(apple)),
        "lion": trained(over_all(Lion, lr=RATE, betas=(0.9, 0.99), weight_decay=0.5)),
        "lion_cautious": trained(
            over_all(CautiousLion, lr=RATE, betas=(0.9, 0.99), weight_decay=0.5, weight_decouple=True, cautious=True)
        ),
        "adamw_cautious": trained(written(cautious_adamw)),
        "adamw_decay_along": trained(written(decaying_along)),
        "adamw_clipped": trained(written(clipped_adamw)),
    }
    with open(sys.argv[1], "w", encoding="utf-8") as f:
        json.dump(all_, f, indent=0)
        f.write("\n")


main()
