#!/usr/bin/env python3
"""Parameters of published models as transformers counts them, by the names of our shapes. Nothing is allocated.

tests/oracle/model_sizes.py OUTPUT.json   (torch, transformers)
"""
import json
import sys

import torch
import transformers as hf

LLAMA3 = dict(vocab_size=128256, num_key_value_heads=8, tie_word_embeddings=False)
QWEN3 = dict(vocab_size=151936, head_dim=128, num_key_value_heads=8)
QWEN3_MOE = dict(vocab_size=151936, head_dim=128, num_key_value_heads=4, tie_word_embeddings=False, num_experts=128, num_experts_per_tok=8)
OLMO2 = dict(vocab_size=100352, tie_word_embeddings=False)


def sized(config, layers, width, heads, ffn, **more):
    return config(num_hidden_layers=layers, hidden_size=width, num_attention_heads=heads, intermediate_size=ffn, **more)


MODELS = {
    "llama3_8b": lambda: sized(hf.LlamaConfig, 32, 4096, 32, 14336, **LLAMA3),
    "llama3_70b": lambda: sized(hf.LlamaConfig, 80, 8192, 64, 28672, **LLAMA3),
    "llama3_405b": lambda: sized(hf.LlamaConfig, 126, 16384, 128, 53248, **LLAMA3),
    "smollm2_1b": lambda: sized(hf.LlamaConfig, 24, 2048, 32, 8192, vocab_size=49152, tie_word_embeddings=True),
    "map_neo_7b": lambda: sized(hf.LlamaConfig, 28, 3072, 16, 24576, head_dim=192, vocab_size=64000, tie_word_embeddings=False),
    "minicpm_1b": lambda: sized(hf.LlamaConfig, 52, 1536, 24, 3840, num_key_value_heads=8, vocab_size=73440, tie_word_embeddings=True),
    "minicpm_2b": lambda: sized(hf.LlamaConfig, 40, 2304, 36, 5760, vocab_size=122753, tie_word_embeddings=True),
    "granite_3_2b": lambda: sized(hf.GraniteConfig, 40, 2048, 32, 8192, num_key_value_heads=8, vocab_size=49155, tie_word_embeddings=True),
    "phi4_14b": lambda: sized(hf.Phi3Config, 40, 5120, 40, 17920, num_key_value_heads=10, vocab_size=100352, pad_token_id=None),
    "olmo2_1b": lambda: sized(hf.Olmo2Config, 16, 2048, 16, 8192, **OLMO2),
    "olmo2_7b": lambda: sized(hf.Olmo2Config, 32, 4096, 32, 11008, **OLMO2),
    "olmo2_13b": lambda: sized(hf.Olmo2Config, 40, 5120, 40, 13824, **OLMO2),
    "olmo2_32b": lambda: sized(hf.Olmo2Config, 64, 5120, 40, 27648, num_key_value_heads=8, **OLMO2),
    "olmo3_7b": lambda: sized(hf.Olmo3Config, 32, 4096, 32, 11008, vocab_size=100278, tie_word_embeddings=False),
    "nemotron_4_340b": lambda: sized(hf.NemotronConfig, 96, 18432, 96, 73728, head_dim=192, num_key_value_heads=8, vocab_size=256000),
    "qwen3_600m": lambda: sized(hf.Qwen3Config, 28, 1024, 16, 3072, tie_word_embeddings=True, **QWEN3),
    "qwen3_1b": lambda: sized(hf.Qwen3Config, 28, 2048, 16, 6144, tie_word_embeddings=True, **QWEN3),
    "qwen3_4b": lambda: sized(hf.Qwen3Config, 36, 2560, 32, 9728, tie_word_embeddings=True, **QWEN3),
    "qwen3_8b": lambda: sized(hf.Qwen3Config, 36, 4096, 32, 12288, tie_word_embeddings=False, **QWEN3),
    "qwen3_14b": lambda: sized(hf.Qwen3Config, 40, 5120, 40, 17408, tie_word_embeddings=False, **QWEN3),
    "qwen3_32b": lambda: sized(hf.Qwen3Config, 64, 5120, 64, 25600, tie_word_embeddings=False, **QWEN3),
    "qwen3_30b_a3b": lambda: sized(hf.Qwen3MoeConfig, 48, 2048, 32, 6144, moe_intermediate_size=768, **QWEN3_MOE),
    "qwen3_235b_a22b": lambda: sized(hf.Qwen3MoeConfig, 94, 4096, 64, 12288, moe_intermediate_size=1536, **QWEN3_MOE),
    "deepseek_v3_671b": lambda: sized(hf.DeepseekV3Config, 61, 7168, 128, 18432, num_key_value_heads=128, vocab_size=129280, num_mtp_layers=0),
    "mamba_130m": lambda: hf.MambaConfig(num_hidden_layers=24, hidden_size=768, vocab_size=50280, tie_word_embeddings=True),
    "mamba2_130m": lambda: hf.Mamba2Config(num_hidden_layers=24, hidden_size=768, vocab_size=50288, num_heads=24, n_groups=1,
                                           tie_word_embeddings=True),
    "zamba_7b": lambda: hf.ZambaConfig(),
}


def parameters(config):
    with torch.device("meta"):
        model = hf.AutoModelForCausalLM.from_config(config)
    model.tie_weights()
    # What the gate of DeepSeek-V3 adds to scores is a buffer to transformers, and a weight in checkpoints.
    chosen_by = sum(b.numel() for name, b in model.named_buffers() if name.endswith("e_score_correction_bias"))
    return sum({id(p): p.numel() for p in model.parameters()}.values()) + chosen_by


if __name__ == "__main__":
    with open(sys.argv[1], "w") as file:
        json.dump({name: parameters(make()) for name, make in MODELS.items()}, file, indent=1)
        file.write("\n")
