#!/usr/bin/env python3
"""Golden inverse frequencies and attention factors of every rotary type of transformers, by its own code.

tests/oracle/position.py OUTPUT.json   (torch, transformers)

transformers computes in fp32. Here its functions run with torch.float set to double, so that our double can be compared to the last
digits; that the fp32 they really give is as near as fp32 can be is asserted on the way.

Of a list of `cases` each has `type`, `base`, `head`, `trained`, `extended`, `length` (of the sequence that is asked for), what the type is
told beside that in transformers' own keys, `alpha` (the attention factor, on cosine and sine), `scores` (what DeepSeek-V3 multiplies its
softmax's scale by), `count` (pairs) and `frequencies` of ten of them: pair round(k (count - 1) / 9).
"""
import json
import sys

import torch
import transformers
from transformers import HunYuanDenseV1Config, LlamaConfig, StableLmConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.deepseek_v3.modeling_deepseek_v3 import yarn_apply_mscale
from transformers.models.hunyuan_v1_dense.modeling_hunyuan_v1_dense import HunYuanDenseV1RotaryEmbedding
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
from transformers.models.stablelm.modeling_stablelm import StableLmRotaryEmbedding

SHAPES = [(64, 1e4, 2048), (80, 1e5, 4096), (96, 5e5, 8192), (128, 1e6, 32_768), (256, 1e7, 8192)]  # head size, base, trained on
STRETCHES = [1.5, 4, 16]
FLOATS = torch.float, torch.float32, torch.Tensor.float


def lists(pairs, stretch):
    """Factors such as LongRoPE's search finds: none falls, from one to a little above the stretch."""
    long = [round(1 + (1.1 * stretch - 1) * (i / (pairs - 1)) ** 2, 4) for i in range(pairs)]
    return {"long_factor": long, "short_factor": [round(1 + 0.3 * i / pairs, 4) for i in range(pairs)]}


def settings(head, base, trained, stretch):
    """(type, parameters beside rope_theta, max_position_embeddings, length asked for)"""
    longer = int(trained * stretch)
    told = {"original_max_position_embeddings": trained, "factor": stretch}
    yield "default", {}, longer, longer
    yield "default", {"partial_rotary_factor": 0.5}, longer, longer
    yield "linear", {"factor": stretch}, longer, longer
    yield "linear", {"factor": stretch, "partial_rotary_factor": 0.25}, longer, longer
    yield "dynamic", {"factor": 1.0}, trained, longer  # L is max_position_embeddings
    yield "dynamic", {"factor": 4.0}, trained, longer
    yield "dynamic", {"factor": 4.0}, trained, trained // 2
    yield "ntk_alpha", {"alpha_of_ntk": 50 * stretch}, longer, longer
    yield "llama3", told | {"low_freq_factor": 1.0, "high_freq_factor": 4.0}, longer, longer
    yield "llama3", told | {"factor": 8.0, "low_freq_factor": 2.0, "high_freq_factor": 8.0}, longer, longer
    yield "llama3", told | {"low_freq_factor": 1.0, "high_freq_factor": 32.0}, longer, longer  # NTK-by-parts
    yield "yarn", told, longer, longer
    yield "yarn", told | {"beta_fast": 48.0, "beta_slow": 2.0}, longer, longer
    yield "yarn", told | {"truncate": False}, longer, longer
    yield "yarn", told | {"factor": 40.0, "mscale": 1.0, "mscale_all_dim": 1.0}, longer, longer  # DeepSeek-V3
    yield "yarn", told | {"mscale": 0.707, "mscale_all_dim": 0.5}, longer, longer
    yield "yarn", told | {"mscale": 0.707}, longer, longer  # acts only if both are set
    yield "yarn", told | {"mscale_all_dim": 0.707}, longer, longer
    yield "yarn", told | {"attention_factor": 1.25}, longer, longer
    yield "yarn", told | {"partial_rotary_factor": 0.5}, longer, longer
    yield "longrope", told | lists(head // 2, stretch), longer, longer
    yield "longrope", told | lists(head // 2, stretch), longer, trained
    yield "longrope", told | lists(head // 2, stretch) | {"attention_factor": 1.1}, longer, longer
    yield "proportional", {"partial_rotary_factor": 0.25}, longer, longer
    yield "proportional", {"partial_rotary_factor": 0.5, "factor": stretch}, longer, longer


def computed(kind, config, length):
    if kind == "ntk_alpha":
        return HunYuanDenseV1RotaryEmbedding.compute_ntk_alpha_rope_parameters(config)
    if kind == "default":
        own = StableLmRotaryEmbedding if isinstance(config, StableLmConfig) else LlamaRotaryEmbedding
        return own.compute_default_rope_parameters(config)
    return ROPE_INIT_FUNCTIONS[kind](config, torch.device("cpu"), seq_len=length)


def case(kind, told, context, length, head, base, trained, extended):
    parameters = {"rope_type": "dynamic" if kind == "ntk_alpha" else kind, "rope_theta": base} | told
    if kind == "ntk_alpha":
        parameters |= {"factor": 1.0, "alpha": parameters.pop("alpha_of_ntk")}
    make = {"ntk_alpha": HunYuanDenseV1Config}.get(kind, LlamaConfig)
    if kind == "default" and "partial_rotary_factor" in told:
        make = StableLmConfig  # Llama's own default does not look at it
    config = make(hidden_size=head * 4, num_attention_heads=4, num_key_value_heads=4, head_dim=head, rope_parameters=parameters,
                  max_position_embeddings=context)
    single, alpha = computed(kind, config, length)
    torch.float, torch.float32, torch.Tensor.float = torch.float64, torch.float64, torch.Tensor.double
    exact, again = computed(kind, config, length)
    torch.float, torch.float32, torch.Tensor.float = FLOATS
    assert exact.dtype == torch.float64 and alpha == again and single.dtype == torch.float32
    worst = ((single.double() - exact).abs() / exact.clamp(min=1e-300)).max().item()
    assert worst < 4e-6, worst  # the base to a power, in fp32: a few times ln(1e7) 2^-24
    count = len(exact)
    at = [round(k * (count - 1) / 9) for k in range(10)]
    scores = yarn_apply_mscale(config.rope_parameters, 1.0) if kind == "yarn" else 1.0
    return {"type": kind, "base": base, "head": head, "trained": trained, "extended": extended, "length": length, **told, "alpha": alpha,
            "scores": scores, "count": count, "frequencies": [float(f"{exact[i].item():.15g}") for i in at]}


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()  # it warns of what is tried here on purpose
    made = {"torch": torch.__version__, "transformers": transformers.__version__}
    cases = [case(*s, head, base, trained, int(trained * stretch)) for head, base, trained in SHAPES for stretch in STRETCHES
             for s in settings(head, base, trained, stretch)]
    with open(sys.argv[1], "w") as file:
        rows = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
        file.write(f'{{"made_with": {json.dumps(made)}, "cases": [\n{rows}\n]}}\n')
