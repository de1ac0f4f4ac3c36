#!/usr/bin/env python3
"""Golden values of xPos by torchscale, its authors' code: a row of random values at each position, turned as queries and as keys, fp32.

tests/oracle/xpos.py OUTPUT.json   (torch, torchscale)
"""
import importlib.metadata
import importlib.util
import json
import sys

import torch

# The file alone: the package wants others for the rest of it.
path = next(f for f in importlib.metadata.files("torchscale") if f.name == "xpos_relative_position.py").locate()
spec = importlib.util.spec_from_file_location("xpos", path)
xpos = importlib.util.module_from_spec(spec)
spec.loader.exec_module(xpos)


def case(size, length, scale_base):
    torch.manual_seed(size)
    layer = xpos.XPOS(size, scale_base)
    x = torch.randn(1, length, size)
    flat = {"x": x, "query": layer(x), "key": layer(x, downscale=True)}
    return {"size": size, "length": length, "scale_base": scale_base, **{k: [float(f"{v:.9g}") for v in t.flatten().tolist()] for k, t in flat.items()}}


if __name__ == "__main__":
    with open(sys.argv[1], "w") as f:
        json.dump({"torchscale": importlib.metadata.version("torchscale"), "cases": [case(8, 33, 512), case(16, 24, 8)]}, f)
        f.write("\n")
