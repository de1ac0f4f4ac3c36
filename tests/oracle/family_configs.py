#!/usr/bin/env python3
"""The config.json that transformers writes for a tiny model of each family, by name, in one file.

tests/oracle/family_configs.py OUTPUT.json   (torch, transformers)
"""
import json
import sys

import transformers as hf

SMALL = dict(num_hidden_layers=2, hidden_size=20, num_attention_heads=5, num_key_value_heads=1, intermediate_size=28, vocab_size=96,
             max_position_embeddings=64, initializer_range=0.1, bos_token_id=None, pad_token_id=None, eos_token_id=95)
PLAIN = {"rope_type": "default", "rope_theta": 10000.0}
ROPE = SMALL | dict(rope_parameters=PLAIN)
HALF = SMALL | dict(rope_parameters=PLAIN | {"partial_rotary_factor": 0.5})
EXPERTS = ROPE | dict(head_dim=4)

CONFIGS = {
    "gpt2": lambda: hf.GPT2Config(n_layer=2, n_embd=20, n_head=5, n_positions=64, vocab_size=96, initializer_range=0.1, bos_token_id=None,
                                  eos_token_id=95, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0),
    "llama": lambda: hf.LlamaConfig(**ROPE, attention_bias=True, mlp_bias=True),
    "llama3": lambda: hf.LlamaConfig(**SMALL, rope_parameters={
        "rope_type": "llama3", "rope_theta": 10000.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 16}),
    "mistral": lambda: hf.MistralConfig(**ROPE, sliding_window=16),
    "qwen2": lambda: hf.Qwen2Config(**ROPE),
    "qwen3": lambda: hf.Qwen3Config(**ROPE, head_dim=6),
    "smollm3": lambda: hf.SmolLM3Config(**ROPE, no_rope_layers=[1, 0]),
    "olmo": lambda: hf.OlmoConfig(**ROPE),
    "olmo2": lambda: hf.Olmo2Config(**ROPE),
    "olmo3": lambda: hf.Olmo3Config(**SMALL, sliding_window=16, layer_types=["sliding_attention", "full_attention"], rope_parameters={
        "sliding_attention": PLAIN, "full_attention": PLAIN}),
    "phi3": lambda: hf.Phi3Config(**HALF, sliding_window=None),
    "granite": lambda: hf.GraniteConfig(**ROPE, embedding_multiplier=3.0, residual_multiplier=0.4, attention_multiplier=0.3,
                                        logits_scaling=1.7),
    "nemotron": lambda: hf.NemotronConfig(**HALF, head_dim=8),
    "mamba": lambda: hf.MambaConfig(num_hidden_layers=2, hidden_size=20, vocab_size=96, state_size=8, initializer_range=0.1, bos_token_id=None,
                                    pad_token_id=None, eos_token_id=95, residual_in_fp32=False),
    "mamba2": lambda: hf.Mamba2Config(num_hidden_layers=2, hidden_size=20, vocab_size=96, num_heads=8, head_dim=5, n_groups=2, state_size=8,
                                      initializer_range=0.1, bos_token_id=None, pad_token_id=None, eos_token_id=95, residual_in_fp32=False),
    "zamba": lambda: hf.ZambaConfig(**(SMALL | dict(num_hidden_layers=6)), attn_layer_period=2, attn_layer_offset=1, n_mamba_heads=2,
                                    mamba_d_state=8, use_mamba_kernels=False),
    "qwen3_moe": lambda: hf.Qwen3MoeConfig(**EXPERTS, moe_intermediate_size=12, num_experts=6, num_experts_per_tok=2, mlp_only_layers=[0]),
    "qwen2_moe": lambda: hf.Qwen2MoeConfig(**ROPE, moe_intermediate_size=12, num_experts=6, num_experts_per_tok=2,
                                           shared_expert_intermediate_size=14),
    "mixtral": lambda: hf.MixtralConfig(**ROPE, num_local_experts=4, num_experts_per_tok=2, sliding_window=None),
    "deepseek_v3": lambda: hf.DeepseekV3Config(**(SMALL | dict(num_key_value_heads=5)), q_lora_rank=8, kv_lora_rank=7, qk_nope_head_dim=6,
                                               qk_rope_head_dim=4, v_head_dim=5, moe_intermediate_size=12, n_routed_experts=6,
                                               num_experts_per_tok=2, n_group=3, topk_group=2, first_k_dense_replace=1, num_mtp_layers=0,
                                               rope_parameters={"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0,
                                                                "original_max_position_embeddings": 16, "mscale": 1.0,
                                                                "mscale_all_dim": 0.7}),
    "gemma2": lambda: hf.Gemma2Config(**ROPE, head_dim=6, sliding_window=16, query_pre_attn_scalar=10, attn_logit_softcapping=2.0,
                                      final_logit_softcapping=6.0),
    "hunyuan_v1_dense": lambda: hf.HunYuanDenseV1Config(**SMALL, head_dim=6, rope_parameters={"rope_type": "dynamic", "rope_theta": 10000.0,
                                                                                              "alpha": 50.0, "factor": 1.0}),
    "hunyuan_v1_moe": lambda: hf.HunYuanMoEV1Config(**EXPERTS, num_experts=5, moe_topk=2),
}

if __name__ == "__main__":
    with open(sys.argv[1], "w") as file:
        made = {name: json.loads(make().to_json_string(use_diff=False)) for name, make in CONFIGS.items()}
        for config in made.values():
            config.pop("transformers_version", None)
        json.dump(made, file, indent=1, sort_keys=True)
        file.write("\n")
