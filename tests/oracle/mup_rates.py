#!/usr/bin/env python3
"""By what the rate of each weight of a small decoder is multiplied in muP, from Microsoft's mup package, at three times and a third of the base width.

tests/oracle/mup_rates.py OUTPUT.json   (torch, mup)

MuAdam gives the readout the whole rate and its forward divides by the width; Adam does the same with neither where the rate is divided instead, which
is table 3 of the paper and what is compared.
"""
import json
import sys

import mup
import torch
from torch import nn


class Decoder(nn.Module):
    def __init__(self, width, vocab=96, experts=4):
        super().__init__()
        self.embedding = nn.Embedding(vocab, width)
        self.norm = nn.LayerNorm(width)
        self.attention = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 3 * width, bias=False)
        self.down = nn.Linear(3 * width, width, bias=False)
        self.router = mup.MuReadout(width, experts, bias=False)
        self.head = mup.MuReadout(width, vocab, bias=False)


ROLES = {"embedding.weight": "embedding", "norm.weight": "norm", "norm.bias": "bias", "attention.weight": "matrix", "attention.bias": "bias",
         "out.weight": "matrix", "up.weight": "matrix", "down.weight": "matrix", "router.weight": "router", "head.weight": "head"}


def factors(base, width):
    model = Decoder(width)
    mup.set_base_shapes(model, Decoder(base), delta=Decoder(2 * base))
    optimizer = mup.MuAdam(model.parameters(), lr=1.0)
    rate = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    found = {}
    for name, p in model.named_parameters():
        readout = isinstance(model.get_submodule(name.rsplit(".", 1)[0]), mup.MuReadout)
        found[name] = rate[id(p)] / (p.infshape.width_mult() if readout else 1)
    return [{"role": ROLES[name], "rows": model.get_parameter(name).shape[0], "columns": model.get_parameter(name).shape[-1], "factor": f}
            for name, f in found.items()]


if __name__ == "__main__":
    torch.manual_seed(0)
    with open(sys.argv[1], "w") as file:
        json.dump([{"base": base, "width": width, "weights": factors(base, width)} for base, width in ((32, 96), (96, 32), (64, 64))], file, indent=1)
        file.write("\n")
