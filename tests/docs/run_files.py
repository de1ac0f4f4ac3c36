#!/usr/bin/env python3
"""run_files.py MIDTRAIN ROOT SCRATCH: `midtrain plan` takes every examples/*.toml, beside a folder with the config.json of SmolLM2-135M."""
import glob
import json
import os
import shutil
import subprocess
import sys

program, root, scratch = (os.path.abspath(p) for p in sys.argv[1:4])
config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
          "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49152, "rope_theta": 100000, "max_position_embeddings": 8192,
          "rms_norm_eps": 1e-5, "tie_word_embeddings": True, "hidden_act": "silu", "bos_token_id": 0, "eos_token_id": 0}
shutil.rmtree(scratch, ignore_errors=True)
for folder in ("SmolLM2-135M", "runs/anneal/model"):
    os.makedirs(f"{scratch}/{folder}")
    json.dump(config, open(f"{scratch}/{folder}/config.json", "w"))
files = sorted(glob.glob(f"{root}/examples/*.toml"))
assert len(files) >= 3, files
for path in files:
    shutil.copy(path, scratch)
    done = subprocess.run([program, "plan", os.path.basename(path)], capture_output=True, text=True, cwd=scratch)
    assert done.returncode == 0 and "stage " in done.stdout, f"{path}: {done.stdout}{done.stderr}"
    print(done.stdout)
