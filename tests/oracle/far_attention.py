#!/usr/bin/env python3
"""Golden values of attention past the trained length, in double with NumPy, each method in the steps of its own paper and code.

tests/oracle/far_attention.py OUTPUT.json   (numpy)

One head; half of a head's values make pairs with the other half. `logn`: Su 2021 in Qwen-1's form, a list of log(i, trained) from the first position
past the trained length on, by which queries are multiplied. `dual_chunk`: An et al. 2024 (arXiv 2402.17463) as ChunkLlama computes it: within the
chunk, to the chunk before and to all others are attentions of their own, merged by their sums of exponentials. `trained`, where not zero, is
ChunkLlama's temperature: cosine and sine times 0.05 ln(length / trained) + 1. `self_extend`: Jin et al. 2024 (arXiv 2401.01325), algorithm 1: scores
of neighbours and of groups, merged by a mask.
"""
import json
import math
import sys

import numpy

LENGTH, SIZE, BASE = 50, 8, 1e4
random = numpy.random.default_rng(5)
query, key, value = (numpy.round(random.uniform(-2, 2, (LENGTH, SIZE)) * 64) / 64 for _ in range(3))


def turned(x, position):
    pairs = x[:, :SIZE // 2] + 1j * x[:, SIZE // 2:]
    angles = numpy.outer(position, BASE ** (-numpy.arange(0, SIZE, 2) / SIZE))
    pairs = pairs * numpy.exp(1j * angles)
    return numpy.concatenate([pairs.real, pairs.imag], axis=1)


def part(q, k, v, causal):
    """Attention to some of the keys: its output and, for each query, the logarithm of its sum of exponentials."""
    scores = q @ k.T / math.sqrt(SIZE)
    if causal:
        scores = numpy.where(numpy.tri(len(q), len(k), dtype=bool), scores, -numpy.inf)
    top = scores.max(axis=1, keepdims=True)
    weights = numpy.exp(scores - top)
    return weights / weights.sum(axis=1, keepdims=True) @ v, top[:, 0] + numpy.log(weights.sum(axis=1))


def logn(trained):
    position = numpy.arange(LENGTH)
    multiples = numpy.array([math.log(i, trained) if i > trained else 1 for i in range(1, LENGTH + 1)])
    output, _ = part(turned(query, position) * multiples[:, None], turned(key, position), value, True)
    return {"trained": trained, "output": output.flatten().tolist()}


def dual_chunk(chunk, local, trained=0):
    step = chunk - local
    position = numpy.arange(LENGTH)
    heat = 0.05 * math.log(LENGTH / trained) + 1 if trained else 1.0
    keys = turned(key, position % step) * heat
    intra = turned(query, position % step) * heat
    successive = turned(query, numpy.minimum(position % step + step, chunk)) * heat
    inter = turned(query, numpy.full(LENGTH, chunk)) * heat
    output = []
    for begin in range(0, LENGTH, step):
        rows, before, far = slice(begin, min(begin + step, LENGTH)), slice(begin - step, begin), slice(0, begin - step)
        parts = [part(intra[rows], keys[rows], value[rows], True)]
        if begin >= step:
            parts.append(part(successive[rows], keys[before], value[before], False))
        if begin >= 2 * step:
            parts.append(part(inter[rows], keys[far], value[far], False))
        sums = numpy.exp(numpy.array([s for _, s in parts]))
        output.append(sum(o * (s / sums.sum(axis=0))[:, None] for (o, _), s in zip(parts, sums)))
    return {"chunk": chunk, "local": local, "trained": trained, "output": numpy.concatenate(output).flatten().tolist()}


def self_extend(group, window):
    position = numpy.arange(LENGTH)
    grouped = position // group
    neighbours = turned(query, position) @ turned(key, position).T
    groups = turned(query, grouped + window - window // group) @ turned(key, grouped).T
    far = numpy.tri(LENGTH, LENGTH, -window, dtype=bool)  # the query at least `window` behind the key
    scores = numpy.where(far, groups, neighbours) / math.sqrt(SIZE)
    scores = numpy.where(numpy.tri(LENGTH, dtype=bool), scores, -numpy.inf)
    weights = numpy.exp(scores - scores.max(axis=1, keepdims=True))
    return {"group": group, "window": window, "output": (weights / weights.sum(axis=1, keepdims=True) @ value).flatten().tolist()}


if __name__ == "__main__":
    out = {"length": LENGTH, "size": SIZE, "base": BASE, "query": query.flatten().tolist(), "key": key.flatten().tolist(), "value": value.flatten().tolist(),
           "logn": [logn(8), logn(30)], "dual_chunk": [dual_chunk(10, 4), dual_chunk(24, 3), dual_chunk(10, 4, 12)],
           "self_extend": [self_extend(3, 7), self_extend(4, 16)]}
    with open(sys.argv[1], "w") as f:
        json.dump(out, f)
        f.write("\n")
