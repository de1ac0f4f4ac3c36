#!/usr/bin/env python3
"""Golden values from PyTorch and transformers for tiny random DeepSeek-V3 models: latent attention with and without a latent of queries,
positions stretched by YaRN with mscale, pairs that stand apart, and experts behind a dense layer.

tests/oracle/tiny_latent.py OUTPUT_FOLDER [NAME...]   (torch, transformers, safetensors)
"""
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import DeepseekV3Config, DeepseekV3ForCausalLM

import tiny_experts
import tiny_models

PLAIN = {"rope_type": "default", "rope_theta": 10000.0}
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 16, "beta_fast": 8, "beta_slow": 1,
        "mscale": 1.0, "mscale_all_dim": 0.7}
SMALL = tiny_experts.EAGER | dict(
    hidden_size=20, num_attention_heads=3, num_key_value_heads=3, kv_lora_rank=7, qk_nope_head_dim=6, qk_rope_head_dim=4, v_head_dim=5,
    intermediate_size=24, vocab_size=96, tie_word_embeddings=False, rms_norm_eps=1e-5, max_position_embeddings=64, initializer_range=0.2,
    moe_intermediate_size=10, n_routed_experts=6, n_shared_experts=1, num_experts_per_tok=2, n_group=3, topk_group=2, norm_topk_prob=True,
    routed_scaling_factor=2.5, num_mtp_layers=0)


def make_deepseek_v3():  # all of it
    torch.manual_seed(41)
    return DeepseekV3ForCausalLM(DeepseekV3Config(**SMALL, num_hidden_layers=2, first_k_dense_replace=1, q_lora_rank=8, rope_parameters=YARN))


def make_deepseek_v3_plain():  # queries from the residual stream, pairs that stand apart, biases, no experts
    torch.manual_seed(42)
    return DeepseekV3ForCausalLM(DeepseekV3Config(**SMALL, num_hidden_layers=1, first_k_dense_replace=1, q_lora_rank=None, rope_interleave=False,
                                                  attention_bias=True, rope_parameters=PLAIN))


def golden(make):
    model = make()
    torch.manual_seed(4)
    biases = {name: b for name, b in model.named_buffers() if name.endswith("e_score_correction_bias")}
    for b in biases.values():
        b.copy_(0.1 * torch.randn_like(b))
    out = tiny_experts.split(tiny_models.golden(model))
    for name, b in biases.items():  # what a step does not move, and has no gradient
        out["weight." + name], out["adamw10." + name], out["gradient." + name] = b.clone(), b.clone(), torch.zeros_like(b)
    return out


if __name__ == "__main__":
    made = {"torch": torch.__version__, "transformers": transformers.__version__}
    only = sys.argv[2:]
    for name, make in (("tiny_deepseek_v3", make_deepseek_v3), ("tiny_deepseek_v3_plain", make_deepseek_v3_plain)):
        if not only or name in only:
            save_file(golden(make), f"{sys.argv[1]}/{name}.safetensors", metadata=made)
