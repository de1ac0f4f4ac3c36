#!/usr/bin/env python3
"""Golden values from PyTorch and transformers for tiny random models: loss, logits, every gradient, ten AdamW steps.

tests/oracle/tiny_models.py OUTPUT_FOLDER [NAME...]   (torch, transformers, safetensors)
"""
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import (GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, Mamba2Config, Mamba2ForCausalLM, MambaConfig,
                          MambaForCausalLM, MistralConfig, MistralForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config,
                          Qwen3ForCausalLM, SmolLM3Config, SmolLM3ForCausalLM, ZambaConfig, ZambaForCausalLM)


def make_llama():
    torch.manual_seed(1)
    return LlamaForCausalLM(LlamaConfig(
        num_hidden_layers=2, hidden_size=32, num_attention_heads=4, num_key_value_heads=2, intermediate_size=48, vocab_size=96,
        tie_word_embeddings=True, rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=64, initializer_range=0.2,
        attn_implementation="eager"))


# Llama's relatives, each with what it has of its own; one layer and little width, since a file of each is kept.
RELATIVE = dict(num_hidden_layers=1, hidden_size=16, num_attention_heads=4, num_key_value_heads=2, intermediate_size=24, vocab_size=96,
                tie_word_embeddings=True, rms_norm_eps=1e-5, max_position_embeddings=64, initializer_range=0.2, attn_implementation="eager")


def make_mistral():  # a window shorter than the sequence
    torch.manual_seed(4)
    return MistralForCausalLM(MistralConfig(**RELATIVE, head_dim=6, sliding_window=7))


def make_qwen2():  # biases of queries, keys and values
    torch.manual_seed(5)
    return Qwen2ForCausalLM(Qwen2Config(**RELATIVE))


def make_qwen3():  # norms of heads whose size is not width / heads
    torch.manual_seed(6)
    return Qwen3ForCausalLM(Qwen3Config(**RELATIVE, head_dim=6))


def make_smollm3():  # a layer that turns, and one that turns nothing and has a window
    torch.manual_seed(7)
    return SmolLM3ForCausalLM(SmolLM3Config(**(RELATIVE | dict(num_hidden_layers=2)), no_rope_layers=[1, 0], use_sliding_window=True,
                                            sliding_window=7, rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, pad_token_id=None))


def make_gpt2():
    torch.manual_seed(2)
    return GPT2LMHeadModel(GPT2Config(
        n_layer=2, n_embd=32, n_head=4, n_inner=48, vocab_size=96, n_positions=64, activation_function="gelu_new",
        layer_norm_epsilon=1e-5, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, tie_word_embeddings=True, initializer_range=0.2,
        attn_implementation="eager"))


def make_mamba():
    torch.manual_seed(21)
    return MambaForCausalLM(MambaConfig(
        num_hidden_layers=2, hidden_size=24, vocab_size=96, state_size=16, expand=2, conv_kernel=4, time_step_rank=3, initializer_range=0.2,
        time_step_min=0.01, time_step_max=1.0, tie_word_embeddings=True))


def make_mamba2():  # six heads in two groups
    torch.manual_seed(23)
    return Mamba2ForCausalLM(Mamba2Config(
        num_hidden_layers=2, hidden_size=24, vocab_size=96, num_heads=6, head_dim=8, n_groups=2, state_size=16, expand=2, conv_kernel=4,
        chunk_size=16, initializer_range=0.2, time_step_min=0.01, time_step_max=1.0, tie_word_embeddings=True))


def make_zamba():  # two heads of states; layers 1 and 3 have the shared block
    torch.manual_seed(22)
    return ZambaForCausalLM(ZambaConfig(
        num_hidden_layers=4, hidden_size=16, num_attention_heads=3, num_key_value_heads=3, attention_head_dim=10, intermediate_size=24, vocab_size=96,
        n_mamba_heads=2, mamba_d_state=8, mamba_dt_rank=2, time_step_min=0.01, time_step_max=1.0, initializer_range=0.2, rms_norm_eps=1e-5,
        layers_block_type=["mamba", "hybrid", "mamba", "hybrid"], tie_word_embeddings=True, pad_token_id=None, attn_implementation="eager"))


def loss_of(model, inputs, targets):
    logits = model(inputs).logits
    return torch.nn.functional.cross_entropy(logits.view(-1, 96), targets.view(-1), ignore_index=-100), logits


def names(model):
    """(name, parameter), each shared tensor once."""
    return list(model.named_parameters())


def golden(model, length=24):
    torch.manual_seed(3)
    for name, p in names(model):  # norms and biases away from one and zero, so that each is seen
        if p.dim() == 1:
            p.data.add_(0.2 * torch.randn_like(p))
    inputs, targets = torch.randint(0, 96, (2, length)), torch.randint(0, 96, (2, length))
    targets[0, 3] = targets[1, 17] = -100
    out = {"input": inputs.int(), "target": targets.int()}
    for name, p in names(model):
        out["weight." + name] = p.detach().clone()
    loss, logits = loss_of(model, inputs, targets)
    loss.backward()
    out["loss"], out["logits"] = loss.detach().reshape(1), logits.detach()[0].contiguous()
    for name, p in names(model):
        out["gradient." + name] = p.grad.clone()
    still = lambda name, p: p.dim() < 2 or name.endswith(("A_log", ".D", "dt_proj_bias"))  # of state spaces
    decayed = [p for name, p in names(model) if not still(name, p)]
    others = [p for name, p in names(model) if still(name, p)]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
                                  lr=1e-3, betas=(0.9, 0.95), eps=1e-8)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss, _ = loss_of(model, inputs, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    out["loss10"] = torch.tensor(losses)
    for name, p in names(model):
        out["adamw10." + name] = p.detach().clone()
    return out


if __name__ == "__main__":
    made = {"torch": torch.__version__, "transformers": transformers.__version__}
    only = sys.argv[2:]
    for name, make in (("tiny_llama", make_llama), ("tiny_gpt2", make_gpt2), ("tiny_mistral", make_mistral), ("tiny_qwen2", make_qwen2),
                       ("tiny_qwen3", make_qwen3), ("tiny_smollm3", make_smollm3), ("tiny_mamba", make_mamba), ("tiny_mamba2", make_mamba2),
                       ("tiny_zamba", make_zamba)):
        if not only or name in only:
            # The scan of a state space works in chunks of 32.
            save_file(golden(make(), 40 if "amba" in name else 24), f"{sys.argv[1]}/{name}.safetensors", metadata=made)
