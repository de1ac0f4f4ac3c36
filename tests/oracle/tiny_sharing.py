#!/usr/bin/env python3
"""Golden values from PyTorch for tiny random models whose layers share keys and values, as tiny_models.py makes them: transformers' dense
Hunyuan with another attention, whose readers have no k_proj and v_proj.

tests/oracle/tiny_sharing.py OUTPUT_FOLDER [NAME...]   (torch, transformers, safetensors)
"""
import math
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import HunYuanDenseV1Config, HunYuanDenseV1ForCausalLM

import tiny_models


def turned(x, cos, sin):  # (batch, heads, tokens, size)
    a, b = x.chunk(2, dim=-1)
    return x * cos[:, None] + torch.cat((-b, a), dim=-1) * sin[:, None]


class SharingAttention(torch.nn.Module):
    """`source`: the layer whose keys and values are taken, projected or as that layer has normed and turned them; None: its own."""

    def __init__(self, of, lent, layer, source, projected):
        super().__init__()
        self.size, self.lent, self.layer, self.source, self.projected = of.head_dim, lent, layer, source, projected
        self.q_proj, self.o_proj, self.query_layernorm = of.q_proj, of.o_proj, of.query_layernorm
        if source is None:
            self.k_proj, self.v_proj = of.k_proj, of.v_proj
        if source is None or projected:
            self.key_layernorm = of.key_layernorm

    def forward(self, hidden_states, position_embeddings, **rest):
        heads = lambda x: x.view(*x.shape[:2], -1, self.size).transpose(1, 2)
        query = self.query_layernorm(turned(heads(self.q_proj(hidden_states)), *position_embeddings))
        if self.source is None:
            plain, value = heads(self.k_proj(hidden_states)), heads(self.v_proj(hidden_states))
        else:
            plain, seen, value = self.lent[self.source]
        if self.source is None or self.projected:
            seen = self.key_layernorm(turned(plain, *position_embeddings))
        self.lent[self.layer] = plain, seen, value
        group = query.shape[1] // seen.shape[1]
        scores = query @ seen.repeat_interleave(group, 1).transpose(2, 3) / math.sqrt(self.size)
        scores = scores.masked_fill(torch.ones(scores.shape[2:]).triu(1).bool(), -math.inf)
        said = scores.softmax(-1) @ value.repeat_interleave(group, 1)
        return self.o_proj(said.transpose(1, 2).flatten(2)), None


def make(layers, source, projected):
    model = HunYuanDenseV1ForCausalLM(HunYuanDenseV1Config(
        num_hidden_layers=layers, hidden_size=16, num_attention_heads=4, num_key_value_heads=2, head_dim=6, intermediate_size=12, vocab_size=96,
        tie_word_embeddings=True, rms_norm_eps=1e-5, max_position_embeddings=64, initializer_range=0.2, attn_implementation="eager",
        bos_token_id=None, pad_token_id=None, eos_token_id=3, rope_parameters={"rope_type": "default", "rope_theta": 10000.0}))
    lent = {}
    for n, layer in enumerate(model.model.layers):
        layer.self_attn = SharingAttention(layer.self_attn, lent, n, source(n), projected)
    return model


MODELS = dict(tiny_cross_layer=lambda: make(4, lambda n: None if n % 2 == 0 else n - 1, True),  # Hunyuan-Large's
              tiny_key_reuse=lambda: make(4, lambda n: None if n < 2 else 1, False))            # Apple's

if __name__ == "__main__":
    made = {"torch": torch.__version__, "transformers": transformers.__version__}
    for seed, name in enumerate(MODELS):
        if len(sys.argv) < 3 or name in sys.argv[2:]:
            torch.manual_seed(70 + seed)
            out = tiny_models.golden(MODELS[name]())
            save_file({key: values.contiguous() for key, values in out.items()}, f"{sys.argv[1]}/{name}.safetensors", metadata=made)
