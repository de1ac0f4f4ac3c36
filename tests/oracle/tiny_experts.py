#!/usr/bin/env python3
"""Golden values from PyTorch and transformers for tiny random models with experts, under the names that checkpoints have, and of
DeepSeek-V3's mixture alone.

tests/oracle/tiny_experts.py OUTPUT_FOLDER [NAME...]   (torch, transformers, safetensors)
"""
import sys
import tempfile

import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import (DeepseekV3Config, HunYuanMoEV1Config, HunYuanMoEV1ForCausalLM, MixtralConfig, MixtralForCausalLM, Qwen2MoeConfig,
                          Qwen2MoeForCausalLM, Qwen3MoeConfig, Qwen3MoeForCausalLM)
from transformers.models.deepseek_v3.modeling_deepseek_v3 import DeepseekV3MoE

import tiny_models

EAGER = dict(attn_implementation="eager", experts_implementation="eager")
SMALL = EAGER | dict(num_hidden_layers=2, hidden_size=18, num_attention_heads=3, num_key_value_heads=1, head_dim=6, vocab_size=96,
                     tie_word_embeddings=True, rms_norm_eps=1e-5, max_position_embeddings=64, initializer_range=0.2,
                     rope_parameters={"rope_type": "default", "rope_theta": 10000.0})


def make_qwen3_moe():  # the first layer is dense
    torch.manual_seed(31)
    return Qwen3MoeForCausalLM(Qwen3MoeConfig(**SMALL, intermediate_size=24, moe_intermediate_size=10, num_experts=7, num_experts_per_tok=3,
                                              norm_topk_prob=True, mlp_only_layers=[0]))


def make_qwen2_moe():  # weights are not renormalised; a shared expert has a gate
    torch.manual_seed(32)
    return Qwen2MoeForCausalLM(Qwen2MoeConfig(**(SMALL | dict(num_hidden_layers=1)), moe_intermediate_size=10, num_experts=5,
                                              num_experts_per_tok=2, norm_topk_prob=False, shared_expert_intermediate_size=14,
                                              qkv_bias=True))


def make_mixtral():
    torch.manual_seed(33)
    return MixtralForCausalLM(MixtralConfig(**SMALL, intermediate_size=10, num_local_experts=4, num_experts_per_tok=2, sliding_window=None))


def make_hunyuan():  # norms behind rope; it renormalises
    torch.manual_seed(34)
    return HunYuanMoEV1ForCausalLM(HunYuanMoEV1Config(**SMALL, intermediate_size=10, num_experts=5, moe_topk=2, pad_token_id=None))


def split(out):
    """The stacked matrices of experts one by one, as checkpoints keep them."""
    for name in list(out):
        for stacked, parts in ((".experts.gate_up_proj", ("gate_proj", "up_proj")), (".experts.down_proj", ("down_proj",))):
            if not name.endswith(stacked):
                continue
            for e, one in enumerate(out.pop(name)):
                for part, values in zip(parts, one.chunk(len(parts))):
                    out[f"{name[:-len(stacked)]}.experts.{e}.{part}.weight"] = values.contiguous()
    return out


def of_mixtral(name):
    for ours, theirs in ((".gate_proj.", ".w1."), (".up_proj.", ".w3."), (".down_proj.", ".w2.")):
        name = name.replace(ours, theirs)
    return name.replace(".mlp.", ".block_sparse_moe.")


def golden(make):
    model = make()
    rename = of_mixtral if make is make_mixtral else lambda name: name
    out = {rename(name): values for name, values in split(tiny_models.golden(model)).items()}
    with tempfile.TemporaryDirectory() as folder:  # the names are those of a checkpoint
        model.save_pretrained(folder)
        with safe_open(f"{folder}/model.safetensors", "pt") as f:
            kept, ours = set(f.keys()), {name[7:] for name in out if name.startswith("weight.")}
            assert kept == ours, (kept - ours, ours - kept)
    return out


def deepseek_v3():
    """y = experts(x), and the gradients of sum(y * dy)."""
    torch.manual_seed(35)
    config = DeepseekV3Config(**EAGER, hidden_size=18, moe_intermediate_size=10, n_routed_experts=12, num_local_experts=12,
                              num_experts_per_tok=3, n_group=4, topk_group=2, n_shared_experts=2, norm_topk_prob=True,
                              routed_scaling_factor=2.5, hidden_act="silu")
    layer = DeepseekV3MoE(config)
    for name, p in layer.named_parameters():
        p.data.copy_(0.3 * torch.randn_like(p))
    layer.gate.e_score_correction_bias.copy_(0.1 * torch.randn(12))
    x, dy = torch.randn(2, 24, 18, requires_grad=True), torch.randn(2, 24, 18)
    y = layer(x)
    (y * dy).sum().backward()
    out = {"x": x.detach()[0:2].reshape(48, 18), "dy": dy.reshape(48, 18), "y": y.detach().reshape(48, 18), "dx": x.grad.reshape(48, 18)}
    out |= {"weight.mlp." + name: p.detach().clone() for name, p in layer.named_parameters()}
    out |= {"gradient.mlp." + name: p.grad for name, p in layer.named_parameters()}
    out["weight.mlp.gate.e_score_correction_bias"] = layer.gate.e_score_correction_bias.clone()
    return {name: values.contiguous() for name, values in split(out).items()}


if __name__ == "__main__":
    made = {"torch": torch.__version__, "transformers": transformers.__version__}
    only = sys.argv[2:]
    for name, make in (("tiny_qwen3_moe", make_qwen3_moe), ("tiny_qwen2_moe", make_qwen2_moe), ("tiny_mixtral", make_mixtral),
                       ("tiny_hunyuan_v1_moe", make_hunyuan)):
        if not only or name in only:
            save_file(golden(make), f"{sys.argv[1]}/{name}.safetensors", metadata=made)
    if not only or "tiny_deepseek_v3_moe" in only:
        save_file(deepseek_v3(), f"{sys.argv[1]}/tiny_deepseek_v3_moe.safetensors", metadata=made)
