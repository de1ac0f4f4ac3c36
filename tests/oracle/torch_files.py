#!/usr/bin/env python3
"""What torch.save writes: a state dict of every float type, a tiny Llama's optimizer in the groups of Hugging Face's Trainer, and beside
each the values that should be read from it.

tests/oracle/torch_files.py OUTPUT_FOLDER   (torch, transformers, safetensors)
"""
import sys

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.trainer_pt_utils import get_parameter_names

FORBIDDEN = [r"bias", r"layernorm", r"rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"]  # Trainer.get_decay_parameter_names


def numbers(*shape):
    """Exact in every type."""
    return torch.randint(-64, 65, shape).float() / 32


def save_state(folder):
    whole = numbers(6, 4)
    model = torch.nn.Linear(3, 2)  # its state dict is an OrderedDict with _metadata
    state = model.state_dict()
    state["weight"], state["bias"] = numbers(2, 3), numbers(2)
    state.update(f32=whole, rows=whole[2:4], turned=whole.t(), every_second=whole[:, ::2], same=whole, f64=numbers(2, 3).double(),
                 f16=numbers(2, 3).half(), bf16=numbers(2, 3).bfloat16(), parameter=torch.nn.Parameter(numbers(2, 3)), whole_numbers=torch.arange(6))
    torch.save(state, folder + "/tiny_state.bin")
    save_file({name: t.detach().clone().float().contiguous() for name, t in state.items()}, folder + "/tiny_state.safetensors")


def save_optimizer(folder):
    model = LlamaForCausalLM(LlamaConfig(num_hidden_layers=2, hidden_size=8, num_attention_heads=2, num_key_value_heads=1,
                                         intermediate_size=12, vocab_size=16, tie_word_embeddings=True))
    decayed = get_parameter_names(model, [torch.nn.LayerNorm], FORBIDDEN)
    named = list(model.named_parameters())
    groups = [{"params": [p for n, p in named if n in decayed], "weight_decay": 0.1},
              {"params": [p for n, p in named if n not in decayed], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95))
    want = {}
    for name, p in named:
        mean, square = numbers(*p.shape), numbers(*p.shape).abs()
        optimizer.state[p] = {"step": torch.tensor(7.0), "exp_avg": mean, "exp_avg_sq": square}
        want[name + ".exp_avg"], want[name + ".exp_avg_sq"] = mean, square
    torch.save(optimizer.state_dict(), folder + "/tiny_optimizer.pt")
    save_file(want, folder + "/tiny_optimizer.safetensors")


if __name__ == "__main__":
    torch.manual_seed(3)
    save_state(sys.argv[1])
    save_optimizer(sys.argv[1])
