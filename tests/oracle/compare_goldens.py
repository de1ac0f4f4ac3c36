#!/usr/bin/env python3
"""Compares a golden file with one made anew: whole numbers and texts must be equal, real ones within rounding.

tests/oracle/compare_goldens.py NEW COMMITTED   (numpy, torch, safetensors); exit 1: they differ
"""
import json
import pathlib
import sys

import numpy
import torch
from safetensors.torch import load_file

KNOWN = (torch.float16, torch.float32, torch.float64)
RELATIVE = 2e-5  # of a tensor's or a list's size: other processors add in other orders


def load(path):
    """Tensors by name; of types that numpy lacks, as bfloat16, the bytes."""
    return {name: (t.view(torch.uint8) if t.is_floating_point() and t.dtype not in KNOWN else t).numpy() for name, t in load_file(path).items()}


def apart(a, b):
    a, b = numpy.asarray(a, numpy.float64), numpy.asarray(b, numpy.float64)
    return numpy.linalg.norm(a - b) / max(numpy.linalg.norm(b), 1e-30)


def compare_tensors(new, old):
    if sorted(new) != sorted(old):
        return ["other tensors: " + ", ".join(sorted(set(new) ^ set(old)))]
    bad = []
    for name, was in old.items():
        now = new[name]
        if name.startswith("adamw10.") and name.endswith("attn.c_attn.bias"):
            third = len(was) // 3  # a bias on keys has no gradient but rounding, and Adam divides that by its own size
            was, now = numpy.delete(was, slice(third, 2 * third)), numpy.delete(now, slice(third, 2 * third))
        if now.shape != was.shape or now.dtype != was.dtype:
            bad.append(f"{name}: another form")
        elif was.dtype.kind in "iu" and (now != was).any():
            bad.append(f"{name}: other whole numbers")
        elif apart(now, was) > RELATIVE:
            bad.append(f"{name}: {apart(now, was):.1e} apart")
    return bad


def compare_values(new, old, where="", beside=0.0):
    """`beside`: the largest number of the same list, by which a number that is zero but for rounding may be off."""
    if isinstance(old, float) or isinstance(new, float):
        return [] if abs(new - old) <= max(RELATIVE * abs(old), 1e-15 * beside, 1e-300) else [f"{where}: {new} where there was {old}"]
    if isinstance(old, dict) and isinstance(new, dict) and sorted(old) == sorted(new):
        return [x for key in old if key != "made_with" for x in compare_values(new[key], old[key], f"{where}.{key}")]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        most = max((abs(x) for x in old if isinstance(x, float)), default=0.0)
        return [x for i, both in enumerate(zip(new, old)) for x in compare_values(*both, f"{where}[{i}]", most)]
    return [] if new == old else [f"{where}: other values"]


def main(new, old):
    if old.suffix == ".safetensors":
        bad = compare_tensors(load(new), load(old))
    elif old.suffix == ".json":
        bad = compare_values(json.loads(new.read_text()), json.loads(old.read_text()))
    else:
        bad = [] if new.read_bytes() == old.read_bytes() else ["other bytes"]
    for line in bad[:10]:
        print(f"{old.name}: {line}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
