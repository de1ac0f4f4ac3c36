#!/usr/bin/env python3
"""The ready program trains each family from the config.json that transformers writes for it.

families.py MIDTRAIN COMPILED SCRATCH [NAME...]: new weights learn, what is exported reads back as the model that was trained, and says of itself
what the config.json said.
"""
import json
import os
import shutil
import subprocess
import sys

midtrain, compiled, scratch = (os.path.abspath(p) for p in sys.argv[1:4])
here = os.path.dirname(os.path.abspath(__file__))

RUN = {"seed": 7, "clip": 1.0, "source": [{"name": "slow", "tokens": "slow.tok", "held_out": "slow.tok"}],
       "evaluate": {"documents": 4, "at_start": True, "length": 32},
       "stage": [{"name": "only", "budget": 2560, "batch": {"sequences": 2, "length": 32}, "mixture": {"kind": "fixed", "share": {"slow": 1.0}},
                  "rate": {"kind": "constant", "peak": 1e-2}}],
       "output": {"report": False, "model": "fp32"}}


def run(*command, expect=0):
    done = subprocess.run([midtrain, *command], capture_output=True, text=True, cwd=scratch)
    assert done.returncode == expect, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def content(path):
    with open(f"{scratch}/{path}", "rb") as file:
        return file.read()


def held_out(path):
    lines = (json.loads(line) for line in content(path).decode().splitlines())
    return [line["values"][0]["loss"][0] for line in lines if line["kind"] == "held_out"]


shutil.rmtree(scratch, ignore_errors=True)
os.makedirs(scratch)
subprocess.run([compiled, scratch], check=True)
with open(f"{here}/../golden/family_configs.json") as file:
    families = json.load(file)
# transformers writes none with modules that predict tokens further on: of MiMo, as published, and of DeepSeek-V3.
families["deepseek_v3_ahead"] = {**families["deepseek_v3"], "num_nextn_predict_layers": 1}
families["mimo"] = {**families["qwen2"], "model_type": "mimo", "architectures": ["MiMoForCausalLM"], "num_nextn_predict_layers": 1}
# Nor one whose layers share keys and values: of Hunyuan-Large, as published.
families["hunyuan"] = {**families["hunyuan_v1_moe"], "model_type": "hunyuan", "architectures": ["HunYuanForCausalLM"], "moe_topk": 1,
                       "num_hidden_layers": 4, "use_cla": True, "cla_share_factor": 2, "use_mixed_mlp_moe": True, "num_shared_expert": 1,
                       "use_qk_norm": True}
for name in sys.argv[4:] or families:
    os.makedirs(f"{scratch}/{name}")
    with open(f"{scratch}/{name}/config.json", "w") as file:
        json.dump(families[name], file)
    for compute in ("fp32", "bf16", "fp8_block"):
        where = f"{name}-{compute}"
        tree = {**RUN, "folder": where, "model": {"from": name, "fresh": True, "compute": compute, "threads": 1}}
        if families[name].get("num_nextn_predict_layers"):
            tree["mtp_weight"] = 0.3
        with open(f"{scratch}/{where}.json", "w") as file:
            json.dump(tree, file)
        said = run("train", f"{where}.json")
        first, last = held_out(f"{where}/evaluations.jsonl")
        assert last < first - 0.3, f"{where}: {first} before, {last} after"
    # What was written reads back as the model, to the bit, and its configuration is that of the model that it was made of.
    run("export", f"{name}-fp32/model", "--out", f"{name}-again", "--type", "f32")
    for file in ("config.json", "model.safetensors"):
        assert content(f"{name}-fp32/model/{file}") == content(f"{name}-again/{file}"), f"{name}: {file}"
    config = json.loads(content(f"{name}-again/config.json"))
    assert config["model_type"] == families[name]["model_type"], config
    for key, value in families[name].items():
        if key in config and isinstance(value, (int, str)) and key not in ("dtype", "use_cache", "max_window_layers"):  # that last one without a window
            assert config[key] == value, f"{name}: {key} is {config[key]}, and was {value}"
    print(f"{name}: {first:.3f} -> {last:.3f}, {len(content(f'{name}-again/model.safetensors'))} bytes")
