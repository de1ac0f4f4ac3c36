#!/usr/bin/env python3
"""Our average of models against mergekit's linear merge.

tests/oracle/average_models.py PROGRAM SCRATCH   (mergekit, torch, transformers, safetensors; PROGRAM is `midtrain`)
"""
import os
import shutil
import subprocess
import sys

import torch
import transformers
from safetensors.torch import load_file

WEIGHTS = [0.5, 0.2, 0.7]


def main(program, scratch):
    shutil.rmtree(scratch, ignore_errors=True)
    os.makedirs(scratch)
    shape = transformers.LlamaConfig(vocab_size=97, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
                                     num_key_value_heads=2, max_position_embeddings=64)
    folders = [f"{scratch}/model_{k}" for k in range(len(WEIGHTS))]
    for k, folder in enumerate(folders):
        torch.manual_seed(k)
        transformers.LlamaForCausalLM(shape).float().save_pretrained(folder)
    for weights in (WEIGHTS, [1.0] * len(WEIGHTS)):
        uniform = len(set(weights)) == 1
        with open(scratch + "/merge.yml", "w") as file:
            file.write("merge_method: linear\ndtype: float32\nmodels:\n")
            for folder, weight in zip(folders, weights):
                file.write(f"  - model: {folder}\n    parameters:\n      weight: {weight}\n")
        theirs, ours = scratch + f"/theirs_{uniform}", scratch + f"/ours_{uniform}"
        subprocess.run([sys.executable, "-m", "mergekit.scripts.run_yaml", scratch + "/merge.yml", theirs, "--no-copy-tokenizer"], check=True)
        parts = folders if uniform else [f"{f}={w}" for f, w in zip(folders, weights)]
        subprocess.run([program, "average", *parts, "--out", ours], check=True)
        a, b = load_file(ours + "/model.safetensors"), {}
        for name in os.listdir(theirs):
            if name.endswith(".safetensors"):
                b.update(load_file(f"{theirs}/{name}"))
        assert a.keys() == b.keys(), a.keys() ^ b.keys()
        worst = max((a[name] - b[name]).abs().max().item() for name in a)
        print(f"{len(a)} tensors; apart at most {worst:.2e}")
        assert worst < 1e-6
        transformers.LlamaForCausalLM.from_pretrained(ours)  # config.json came along


if __name__ == "__main__":
    main(*sys.argv[1:])
