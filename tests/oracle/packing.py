#!/usr/bin/env python3
"""How OLMo-core's best-fit decreasing packs random documents.

tests/oracle/packing.py OUTPUT.json   (ai2-olmo-core, numpy)

Of a list of `cases` each has a sequence's `length`, the documents' `lengths`, none longer than a sequence, and what
olmo_core.data.utils.InstancePacker makes of them: the number of `sequences` and of tokens of `padding`, and how full each sequence is
(`filled`, sorted).
"""
import importlib.metadata
import importlib.util
import json
import sys
import types

import numpy


def packer_class():
    """From its one file, with stand-ins for that file's neighbours, which would want a GPU's libraries."""
    names = {"": [], ".aliases": ["PathOrStr"], ".utils": ["capped_powers_of_2"], ".data": [], ".data.types": ["LongDocStrategy"],
             ".io": ["add_cached_path_clients", "get_bytes_range", "get_file_size", "is_url", "resource_path"]}
    for name, contents in names.items():
        module = types.ModuleType("olmo_core" + name)
        module.__path__ = []
        module.__dict__.update({c: type(c, (), {"truncate": None}) for c in contents})
        sys.modules[module.__name__] = module
    file = next(f for f in importlib.metadata.files("ai2-olmo-core") if str(f) == "olmo_core/data/utils.py").locate()
    spec = importlib.util.spec_from_file_location("olmo_core.data.utils", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.InstancePacker


def documents(kind, count, length, random):
    if kind == "uniform":
        return random.integers(1, length + 1, count)
    if kind == "short":
        return random.integers(1, max(2, length // 8), count)
    if kind == "log_normal":  # as web pages are
        return numpy.clip(random.lognormal(numpy.log(length / 6), 1.2, count).astype(int), 1, length)
    return numpy.where(random.random(count) < 0.5, random.integers(length // 2, length, count), random.integers(1, length // 3, count))


def case(kind, count, length, seed):
    lengths = documents(kind, count, length, numpy.random.default_rng(seed))
    ends = numpy.cumsum(lengths)
    packer = InstancePacker(length)
    instances, placed, tokens = packer.pack_documents(numpy.stack([ends - lengths, ends], axis=1))
    sizes = placed[:, 1] - placed[:, 0]
    assert tokens == lengths.sum()
    return {"kind": kind, "length": length, "sequences": len(instances), "padding": int(packer.total_padding),
            "filled": sorted(int(sizes[i].sum()) for i in instances), "lengths": lengths.tolist()}


if __name__ == "__main__":
    InstancePacker = packer_class()
    cases = [case(kind, count, length, seed)
             for seed, (count, length) in enumerate([(1000, 64), (1000, 1024), (700, 4096), (40, 512)])
             for kind in ("uniform", "short", "log_normal", "two_humps")]
    made = {"ai2-olmo-core": importlib.metadata.version("ai2-olmo-core"), "numpy": numpy.__version__}
    with open(sys.argv[1], "w") as file:
        rows = ",\n".join(json.dumps(c) for c in cases)
        file.write(f'{{"made_with": {json.dumps(made)}, "cases": [\n{rows}\n]}}\n')
