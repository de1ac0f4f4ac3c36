#!/usr/bin/env python3
"""Loads each exported .gguf in llama.cpp and compares its logits with midtrain's; the gguf package reads the same file.

tests/oracle/check_gguf.py FOLDER   (llama-cpp-python, gguf, numpy, safetensors)
"""
import pathlib
import sys

import gguf
import llama_cpp
import numpy
from safetensors.numpy import load_file

# Of the logits' size. llama.cpp keeps weights as they are in F32 and adds in another order; for F16 and BF16 it also rounds what it
# multiplies them with, and for Q8_0 it rounds that to eight bits.
APART = {0: 1e-3, 1: 5e-3, 32: 2e-2, 7: 5e-2}
SAME = {0: 0.99, 1: 0.95, 32: 0.95, 7: 0.8}  # of the places; after random tokens many logits are nearly the largest
F32 = 0  # of the cache


def field(reader, key):
    return reader.fields[key].contents()


def compare(path):
    want = load_file(path.with_suffix(".logits"))
    ids, logits = want["ids"].tolist(), want["logits"]
    reader = gguf.GGUFReader(path)
    kind = field(reader, "general.file_type")
    run = llama_cpp.Llama(str(path), n_ctx=len(ids), logits_all=True, verbose=False, n_threads=2, type_k=F32, type_v=F32, flash_attn=False)
    run.eval(ids)
    got = numpy.array(run.scores[:len(ids)])
    apart = numpy.linalg.norm(got - logits) / numpy.linalg.norm(logits)
    # The first of ours where it is first by more than rounding may turn round.
    two = numpy.sort(logits, axis=1)[:, -2:]
    clear = two[:, 1] - two[:, 0] > 2 * numpy.abs(got - logits).max(axis=1)
    same = got.argmax(axis=1) == logits.argmax(axis=1)
    print(f"{path.stem}: {len(reader.tensors)} tensors, {apart:.1e} apart, top-1 equal at {same.sum()} of {len(ids)} places, "
          f"clear at {clear.sum()}")
    ok = apart <= APART[kind] and same[clear].all() and same.mean() >= SAME[kind]
    if "tokenizer.ggml.tokens" in reader.fields:
        text = "The 12 quick foxes, don't they? \u00e9t\u00e9\n\n  42"
        tokens = run.tokenize(text.encode(), add_bos=False, special=True)
        ok = ok and run.detokenize(tokens) == text.encode()
    return ok


if __name__ == "__main__":
    bad = [p.name for p in sorted(pathlib.Path(sys.argv[1]).glob("*.gguf")) if not compare(p)]
    for name in bad:
        print(f"{name}: llama.cpp computes something else")
    sys.exit(1 if bad else 0)
