#!/usr/bin/env python3
"""The cases of bench/gpu/train.cpp and bench/host/train.cpp in PyTorch: torch.compile, SDPA (flash or cuDNN), autocast to bfloat16 over fp32
weights or float32 throughout, fused AdamW.

torch_train.py CASE [--rounds N] [--steps N] [--device cuda|cpu] [--precision bf16|fp32] [--eager] [--wait]

Says the same lines as ours: one when it is warm, and one a round, which begins when a line comes. bench/gpu/run and bench/host/run run both
in turns.
The model is written out here, so that nothing of another library stands between PyTorch and its kernels.
"""
import argparse
import json
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

# family, layers, width, heads, kv_heads, ffn, vocabulary, context, sequences, length
CASES = {
    "gpt2_124m": ("gpt2", 12, 768, 12, 12, 3072, 50304, 1024, 32, 1024),
    "qwen2_0.5b": ("qwen2", 24, 896, 14, 2, 4864, 151936, 32768, 16, 1024),
    "qwen2_1.5b": ("qwen2", 28, 1536, 12, 2, 8960, 151936, 32768, 8, 2048),
    "qwen2_0.5b_32k": ("qwen2", 24, 896, 14, 2, 4864, 151936, 32768, 1, 32768),
    "llama15m": ("llama", 6, 288, 6, 6, 768, 32000, 1024, 16, 256),
    "gpt2_124m_64": ("gpt2", 12, 768, 12, 12, 3072, 50304, 1024, 4, 64),
    "gpt2_124m_1024": ("gpt2", 12, 768, 12, 12, 3072, 50304, 1024, 1, 1024),
    "smollm2_135m": ("llama", 30, 576, 9, 3, 1536, 49152, 8192, 1, 1024),
    "smollm2_135m_8192": ("llama", 30, 576, 9, 3, 1536, 49152, 8192, 1, 8192),
    "tiny_gpt2": ("gpt2", 2, 64, 4, 4, 256, 512, 64, 2, 64),
    "tiny_llama": ("qwen2", 2, 64, 4, 2, 160, 512, 32768, 2, 64),
}


class Norm(nn.Module):
    def __init__(self, width, gpt2):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width)) if gpt2 else None

    def forward(self, x):
        n = self.weight.shape
        return F.layer_norm(x, n, self.weight, self.bias, 1e-5) if self.bias is not None else F.rms_norm(x, n, self.weight, 1e-6)


def turned(x, cosine, sine):  # (sequences, heads, length, size)
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cosine - b * sine, b * cosine + a * sine), dim=-1)


class Block(nn.Module):
    def __init__(self, family, width, heads, kv_heads, ffn):
        super().__init__()
        self.gpt2, self.heads, self.kv_heads, self.size = family == "gpt2", heads, kv_heads, width // heads
        self.norm1, self.norm2 = Norm(width, self.gpt2), Norm(width, self.gpt2)
        self.qkv = nn.Linear(width, (heads + 2 * kv_heads) * self.size, bias=family != "llama")
        self.out = nn.Linear(width, width, bias=self.gpt2)
        self.up = nn.Linear(width, ffn if self.gpt2 else 2 * ffn, bias=self.gpt2)
        self.down = nn.Linear(ffn, width, bias=self.gpt2)

    def forward(self, x, cosine, sine):
        s, t, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).split((self.heads * self.size, self.kv_heads * self.size, self.kv_heads * self.size), dim=-1)
        q, k, v = (y.view(s, t, -1, self.size).transpose(1, 2) for y in (q, k, v))
        if not self.gpt2:
            q, k = turned(q, cosine, sine).to(v.dtype), turned(k, cosine, sine).to(v.dtype)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.heads != self.kv_heads)
        x = x + self.out(y.transpose(1, 2).reshape(s, t, width))
        h = self.up(self.norm2(x))
        if self.gpt2:
            h = F.gelu(h, approximate="tanh")
        else:
            gate, up = h.chunk(2, dim=-1)
            h = F.silu(gate) * up
        return x + self.down(h)


class Decoder(nn.Module):
    def __init__(self, family, layers, width, heads, kv_heads, ffn, vocabulary, context, length):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.places = nn.Embedding(context, width) if family == "gpt2" else None
        self.blocks = nn.ModuleList(Block(family, width, heads, kv_heads, ffn) for _ in range(layers))
        self.norm = Norm(width, family == "gpt2")
        size = width // heads
        angles = torch.outer(torch.arange(length).float(), 1e6 ** (-torch.arange(0, size, 2).float() / size))
        self.register_buffer("cosine", angles.cos(), persistent=False)
        self.register_buffer("sine", angles.sin(), persistent=False)
        self.apply(lambda m: nn.init.normal_(m.weight, std=0.02) if isinstance(m, (nn.Linear, nn.Embedding)) else None)

    def forward(self, inputs, targets):
        x = self.tokens(inputs)
        if self.places is not None:
            x = x + self.places.weight[: inputs.shape[1]]
        for block in self.blocks:
            x = block(x, self.cosine, self.sine)
        logits = F.linear(self.norm(x), self.tokens.weight)
        return F.cross_entropy(logits.view(-1, logits.shape[-1]).float(), targets.reshape(-1))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("case", choices=CASES)
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--steps", type=int, default=10)
    p.add_argument("--device", default="cuda")
    p.add_argument("--precision", default="bf16", choices=("bf16", "fp32"))
    p.add_argument("--eager", action="store_true")
    p.add_argument("--wait", action="store_true")
    a = p.parse_args()
    *form, sequences, length = CASES[a.case]
    cuda = a.device == "cuda"
    torch.manual_seed(1)
    torch.set_float32_matmul_precision("high")
    before = torch.cuda.mem_get_info()[0] if cuda else 0
    model = Decoder(*form, length).to(a.device)
    parameters = sum(w.numel() for w in model.parameters())
    decaying = [w for w in model.parameters() if w.dim() > 1]
    rest = [w for w in model.parameters() if w.dim() <= 1]
    optimizer = torch.optim.AdamW([{"params": decaying, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}], lr=1e-4, betas=(0.9, 0.95), fused=True)
    compiled = model if a.eager else torch.compile(model)
    random = torch.Generator().manual_seed(1)
    data = [torch.randint(0, form[6], (sequences, length + 1), generator=random) for _ in range(64)]
    if cuda:
        data = [d.pin_memory() for d in data]
    taken = 0

    def steps(count):
        nonlocal taken
        for _ in range(count):
            batch = data[taken % len(data)].to(a.device, non_blocking=True)
            taken += 1
            with torch.autocast(a.device, dtype=torch.bfloat16, enabled=a.precision == "bf16"):
                loss = compiled(batch[:, :-1], batch[:, 1:])
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        if cuda:
            torch.cuda.synchronize()
        return loss

    steps(6 if cuda else 2)
    memory = (before - torch.cuda.mem_get_info()[0]) / 2**20 if cuda else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    how = f"torch {torch.__version__} {'eager' if a.eager else 'compiled'} {a.precision}"
    print(json.dumps({"ready": a.case, "program": how, "device": a.device, "parameters": parameters, "tokens_a_step": sequences * length,
                      "memory_mb": round(memory)}), flush=True)
    for _ in range(a.rounds):
        if a.wait:
            sys.stdin.readline()
        if cuda:
            steps(2)
        start = time.perf_counter()
        loss = steps(a.steps)
        seconds = (time.perf_counter() - start) / a.steps
        print(json.dumps({"step_ms": 1e3 * seconds, "tokens_per_second": sequences * length / seconds, "loss": float(loss.detach())}), flush=True)


if __name__ == "__main__":
    main()
