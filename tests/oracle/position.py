#!/usr/bin/env python3
"""Golden inverse frequencies and attention factors of transformers' rotary types, at several settings.

tests/oracle/position.py OUTPUT.json   (torch, transformers)

Of a list of `cases` each has `type` (default, linear, dynamic, yarn, llama3), `base`, `head_size`, `trained`, `extended`, for yarn and
llama3 `fast` and `slow`, for llama3 `factor`, and transformers' `attention_factor` and `frequencies` in fp32. `dynamic` is asked for a sequence of `extended` tokens with a
factor of 1, where its rule is the NTK-aware base for extended / trained.
"""
import json
import sys

import torch
import transformers
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

SETTINGS = [
    # type, base, head size, trained, extended, fast, slow
    ("default", 10_000.0, 64, 2048, 2048, None, None),
    ("default", 500_000.0, 128, 8192, 8192, None, None),
    ("linear", 10_000.0, 64, 2048, 16_384, None, None),
    ("linear", 1_000_000.0, 128, 4096, 5000, None, None),
    ("dynamic", 10_000.0, 64, 2048, 8192, None, None),
    ("dynamic", 100_000.0, 128, 8192, 65_536, None, None),
    ("yarn", 10_000.0, 64, 2048, 16_384, 32.0, 1.0),
    ("yarn", 100_000.0, 64, 8192, 32_768, 32.0, 1.0),
    ("yarn", 1_000_000.0, 128, 32_768, 131_072, 32.0, 1.0),
    ("yarn", 500_000.0, 128, 8192, 65_536, 48.0, 2.0),
    ("yarn", 10_000.0, 32, 256, 300, 32.0, 1.0),
    ("yarn", 10_000.0, 16, 64, 1024, 4.0, 0.5),
    ("llama3", 500_000.0, 128, 8192, 131_072, 4.0, 1.0),
    ("llama3", 500_000.0, 64, 8192, 65_536, 4.0, 1.0),
    ("llama3", 10_000.0, 64, 2048, 10_240, 8.0, 2.0),
]


LLAMA3_FACTOR = 8.0


def case(kind, base, head_size, trained, extended, fast, slow):
    parameters = {"rope_type": kind, "rope_theta": base}
    if kind == "linear":
        parameters["factor"] = extended / trained
    if kind == "dynamic":
        parameters["factor"] = 1.0
    if kind == "yarn":
        parameters |= {"factor": extended / trained, "original_max_position_embeddings": trained, "beta_fast": fast, "beta_slow": slow}
    if kind == "llama3":
        parameters |= {"factor": LLAMA3_FACTOR, "original_max_position_embeddings": trained, "low_freq_factor": slow, "high_freq_factor": fast}
    config = LlamaConfig(hidden_size=head_size * 4, num_attention_heads=4, num_key_value_heads=4, rope_parameters=parameters,
                         max_position_embeddings=trained if kind == "dynamic" else extended)
    if kind == "default":
        frequencies, factor = LlamaRotaryEmbedding.compute_default_rope_parameters(config)
    else:
        frequencies, factor = ROPE_INIT_FUNCTIONS[kind](config, torch.device("cpu"), seq_len=extended)
    more = {"factor": LLAMA3_FACTOR} if kind == "llama3" else {}
    return {**more, "type": kind, "base": base, "head_size": head_size, "trained": trained, "extended": extended, "fast": fast, "slow": slow,
            "attention_factor": factor, "frequencies": [float(f"{x:.9g}") for x in frequencies.tolist()]}


if __name__ == "__main__":
    made = {"torch": torch.__version__, "transformers": transformers.__version__}
    with open(sys.argv[1], "w") as file:
        rows = ",\n".join(json.dumps(case(*s)) for s in SETTINGS)
        file.write(f'{{"made_with": {json.dumps(made)}, "cases": [\n{rows}\n]}}\n')
