#!/usr/bin/env python3
"""The cases of bench/train.cpp in PyTorch, eager with SDPA and fused AdamW, interleaved with ours in one run.

bench/rival.py BENCH_TRAIN [--rounds 3] [--steps 3] [--precisions fp32,bf16] [--cases a,b]     (torch, transformers)

Each round runs each program once, in a process of its own, on the same number of threads; the figures are medians over the rounds, the
ratio is the median of the rounds' own ratios. One JSON line a case and precision.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

CASES = {"llama15m": (16, 256), "gpt2_124m": (4, 64), "smollm2_135m": (1, 1024)}


def make(case):
    import transformers as t
    if case == "gpt2_124m":
        return t.GPT2LMHeadModel(t.GPT2Config(vocab_size=50304, n_positions=1024, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, attn_implementation="sdpa"))
    if case == "llama15m":
        return t.LlamaForCausalLM(t.LlamaConfig(num_hidden_layers=6, hidden_size=288, num_attention_heads=6, num_key_value_heads=6, intermediate_size=768,
                                                vocab_size=32000, tie_word_embeddings=True, attn_implementation="sdpa"))
    return t.LlamaForCausalLM(t.LlamaConfig(num_hidden_layers=30, hidden_size=576, num_attention_heads=9, num_key_value_heads=3, intermediate_size=1536,
                                            vocab_size=49152, tie_word_embeddings=True, rope_theta=100000.0, attn_implementation="sdpa"))


def torch_steps(case, precision, steps):
    import torch
    torch.manual_seed(1)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    sequences, length = CASES[case]
    model = make(case)
    model.config.use_cache = False
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    vocabulary = model.config.vocab_size
    inputs, targets = (torch.randint(0, vocabulary, (sequences, length)) for _ in range(2))
    seconds = []
    for _ in range(steps + 1):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
            logits = model(inputs).logits
            loss = torch.nn.functional.cross_entropy(logits.view(-1, vocabulary).float(), targets.view(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        seconds.append(time.perf_counter() - start)
    used = sorted(seconds[1:])
    n = sequences * length
    print(json.dumps({"program": f"torch {torch.__version__} eager", "case": case, "precision": precision, "tokens_per_second": n / used[len(used) // 2],
                      "best": n / used[0], "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


def once(command):
    environment = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.splitlines()[-1])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("ours")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--steps", type=int, default=3)
    p.add_argument("--cases", default=",".join(CASES))
    p.add_argument("--precisions", default="fp32,bf16")
    p.add_argument("--torch-only", help="used by the script itself")
    a = p.parse_args()
    if a.torch_only:
        return torch_steps(a.torch_only, a.precisions, a.steps)
    for case in a.cases.split(","):
        for precision in a.precisions.split(","):
            ours, theirs = [], []
            for _ in range(a.rounds):
                ours.append(once([a.ours, case, "--precision", precision, "--steps", str(a.steps)]))
                theirs.append(once([sys.executable, __file__, a.ours, "--torch-only", case, "--precisions", precision, "--steps", str(a.steps)]))
            middle = lambda runs, key: round(statistics.median(r[key] for r in runs), 1)
            print(json.dumps({"case": case, "precision": precision, "ours": middle(ours, "tokens_per_second"), "ours_best": max(r["best"] for r in ours),
                              "rival": theirs[0]["program"], "theirs": middle(theirs, "tokens_per_second"), "theirs_best": round(max(r["best"] for r in theirs), 1),
                              "ratio": round(statistics.median(x["tokens_per_second"] / y["tokens_per_second"] for x, y in zip(ours, theirs)), 2),
                              "memory_mb": middle(ours, "peak_memory_mb"), "rival_memory_mb": middle(theirs, "peak_memory_mb")}), flush=True)


if __name__ == "__main__":
    main()
