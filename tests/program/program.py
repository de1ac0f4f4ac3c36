#!/usr/bin/env python3
"""The ready program against a compiled one, and against users.

program.py MIDTRAIN COMPILED SCRATCH: the same run by both gives the same bits; a sweep of forks is compared in one report; what is wrong in a
run file is said in one sentence, with exit 2.
"""
import json
import os
import shutil
import struct
import subprocess
import sys

midtrain, compiled, scratch = (os.path.abspath(p) for p in sys.argv[1:4])
here = os.path.dirname(os.path.abspath(__file__))


def run(*command, expect=0):
    done = subprocess.run([midtrain, *command], capture_output=True, text=True, cwd=scratch)
    assert done.returncode == expect, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def tensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    return {name: data[slice(*t["data_offsets"])] for name, t in header.items() if name != "__metadata__"}


def newest(folder):
    steps = sorted(name for name in os.listdir(folder) if name.startswith("step-"))
    return f"{folder}/{steps[-1]}/state.safetensors"


def refused(file, *set, says):
    said = run("plan", file, *[word for s in set for word in ("--set", s)], expect=2)
    assert says in said and said.count("\n") == 1, f"{set}: expected {says!r}, got {said!r}"


shutil.rmtree(scratch, ignore_errors=True)
os.makedirs(scratch)
subprocess.run([compiled, scratch], check=True)
shutil.copy(f"{here}/run.toml", scratch)

# The plan, and then the same bits.
plan = run("plan", "run.toml")
assert "stage first" in plan and "24 steps of 4 x 32" in plan and "slow" in plan, plan
run("train", "run.toml")
ours, theirs = tensors(newest(f"{scratch}/run/checkpoints")), tensors(newest(f"{scratch}/compiled"))
assert set(ours) == set(theirs) and len(ours) >= 7, sorted(ours)
for name in ours:
    assert ours[name] == theirs[name], f"{name}: the run file and the compiled program differ"
for made in ("model/config.json", "model/model.safetensors", "metrics.jsonl", "report.html"):
    assert os.path.getsize(f"{scratch}/run/{made}") > 100, made
config = json.load(open(f"{scratch}/run/model/config.json"))
assert config["model_type"] == "qwen3" and config["rope_parameters"]["rope_type"] == "yarn", config

# Run again: nothing is left to do. Another rate: what differs is named, and may be accepted.
run("train", "run.toml")
said = run("train", "run.toml", "--set", "second.rate.1.rate.to=0", expect=2)
assert "second.rate.1.rate.to" in said and "--accept-changes" in said, said
run("train", "run.toml", "--set", "second.rate.1.rate.to=0", "--accept-changes")

# Six cooldowns from one checkpoint, in one report.
stage = {"name": "cooldown", "budget": 1280, "batch": {"sequences": 4, "length": 32}, "mixture": {"kind": "fixed", "share": {"slow": 0.5, "fast": 0.5}}}
folders = []
for kind in ("linear", "cosine", "one_minus_sqrt"):
    for to in (0, 3e-4):
        name = f"{kind}-{to}"
        tree = {"folder": name, "seed": 7, "model": {"from": "model", "fresh": True, "compute": "fp32", "threads": 2},
                "source": [{"name": "slow", "tokens": "slow.tok"}, {"name": "fast", "tokens": "fast.tok"}],
                "stage": [{**stage, "rate": {"kind": kind, "from": 3e-3, "to": to}}], "output": {"report": False, "model": "none"},
                "checkpoints": {"fork_from": "run/checkpoints/step-00000012"}}
        json.dump(tree, open(f"{scratch}/{name}.json", "w"))
        run("train", f"{name}.json")
        folders.append(name)
run("report", *folders, "--out", "sweep.html")
page = open(f"{scratch}/sweep.html").read()
assert all(name in page for name in folders) and "<svg" in page
inspected = run("inspect", f"{folders[0]}/checkpoints")
assert "step-00000012" in inspected, inspected

# Evaluated on the way, with no length given: stages whose positions reach less far than the longest sequences bound it.
def position(length):
    return {"kind": "rope", "base": 10000, "length": length}


measured = {"folder": "measured", "model": {"from": "model", "fresh": True, "compute": "fp32", "threads": 2}, "evaluate": {"every_steps": 2, "at_start": True},
            "source": [{"name": "slow", "tokens": "slow.tok", "held_out": "fast.tok"}], "output": {"model": "none", "tensorboard": True},
            "stage": [{"name": name, "budget": 256, "mixture": {"kind": "fixed", "share": {"slow": 1}}, "rate": {"kind": "constant", "peak": 1e-3},
                       "batch": {"sequences": 2, "length": length}, "position": position(length)} for name, length in (("short", 32), ("long", 64))]}
json.dump(measured, open(f"{scratch}/measured.json", "w"))
run("train", "measured.json")
lines = [json.loads(line) for line in open(f"{scratch}/measured/evaluations.jsonl")]
assert {"held_out", "positions"} == {line["kind"] for line in lines}, lines
assert lines[0]["step"] == 0 and lines[-1]["step"] == 6, lines
assert max(p["last"] for line in lines if line["kind"] == "positions" for v in line["values"] for p in v["loss"]) == 24, "documents of 25 tokens and an end"
assert os.listdir(f"{scratch}/measured/tensorboard")

# An average is kept, restored and exported.
run("train", "run.toml", "--set", "folder=averaged", "--set", "average.kind=polyak_tail", "--set", "average.fraction=0.25", "--set", "output.average=fp32",
    "--set", "output.model=fp32")
assert tensors(f"{scratch}/averaged/average/model.safetensors") != tensors(f"{scratch}/averaged/model/model.safetensors")
exported = tensors(f"{scratch}/averaged/model/model.safetensors")

# Another optimizer by its name: the plan counts what it works in, and its numbers have keys.
muon = ("--set", "optimizer.kind=muon", "--set", "optimizer.rest.decay=0.05", "--set", "clip_block=0.5")
assert "work of the optimizer" in run("plan", "run.toml", *muon)
run("train", "run.toml", "--set", "folder=muon", "--set", "output.report=false", *muon)
assert tensors(f"{scratch}/muon/model/model.safetensors") != tensors(f"{scratch}/run/model/model.safetensors")
slots = [len(tensors(newest(f"{scratch}/{folder}/checkpoints"))["model.slots"]) for folder in ("muon", "run")]
assert slots[0] < 0.9 * slots[1], slots  # one number a weight of a matrix where AdamW keeps two

# The trained model is where the next run begins.
run("train", "run.toml", "--set", "folder=next", "--set", "model.from=averaged/model", "--set", "model.fresh=false", "--set", "first.budget=128",
    "--set", "first.rate.warmup=0", "--set", "first.rate.decay=0", "--set", "first.rate.peak=1e-9", "--set", "second.budget=512", "--set", "second.rate.0.over=128",
    "--set", "second.rate.0.rate.peak=1e-9", "--set", "second.rate.1.rate.from=1e-9", "--set", "second.rate.1.rate.to=0", "--set", "optimizer.decay=0", "--set", "output.model=fp32")
followed = tensors(f"{scratch}/next/model/model.safetensors")
for name in exported:
    apart = max(abs(a - b) for a, b in zip(struct.iter_unpack("<f", exported[name]), struct.iter_unpack("<f", followed[name])) for a, b in [(a[0], b[0])])
    assert apart < 1e-6, f"{name}: {apart}"

# What is wrong is said in one sentence.
refused("run.toml", "first.rate.peak=-1", says="stage 'first': the rate is negative")
refused("run.toml", "first.rate.pek=1", says="the recipe has no such setting")
refused("run.toml", "first.rate.kind=wds", says="'wds' is no value for it")
refused("run.toml", "optimizer.kind=adamax", says="'adamax' is no value for it")
refused("run.toml", "optimizer.beta1=2", says="a number of the optimizer cannot be")
refused("run.toml", "clip_block=-1", says="clip_block is not negative")
refused("run.toml", "model.compute=fp64", says="model.compute is \"fp64\"; it wants one of automatic, fp32, bf16, fp8_tensor, fp8_block, fp8_block_ue8m0")
refused("run.toml", "model.colour=red", says="model.colour is not known; there is from, fresh")
refused("run.toml", "model.from=nowhere", says="there is no such model")
refused("run.toml", "second.batch.length=65", says="the sequences are longer than the positions reach")
refused("nothing.toml", says="nothing.toml")
for text, says in {
    "folder = 1": "has no [[stage]]",
    "folder = [": "bad.toml, line 1",
    "when = 2026-01-01": "a date has no place",
    '[[stage]]\nname = "a"': "stage[0].mixture is missing",
}.items():
    open(f"{scratch}/bad.toml", "w").write(text)
    refused("bad.toml", says=says)
whole = open(f"{scratch}/run.toml").read()
for old, new, says in (
    ('name = "first"\n', 'name = "first"\ncolour = "red"\n', "stage[0].colour is not known"),
    ('budget = 3072', 'budget = 3072.5', "stage[0].budget is 3072.5; it wants a number of tokens"),
    ('budget = 3072', 'budget = "3k072"', "it wants a number of tokens"),
    ('peak = 3e-3, ', '', "stage[0].rate.peak is missing"),
    ('kind = "wsd"', 'kind = "wds"', "stage[0].rate.kind is 'wds'; it is one of constant, linear"),
    ('slow = 0.9,', 'slwo = 0.9,', "stage[0].mixture.from.slwo is a source that the file does not name"),
    ('slow = 0.9,', 'slow = 0.8,', "the weights of the mixture do not sum to one"),
    ('name = "fast"', 'name = "slow"', "source 'slow' stands twice"),
    ('seed = 7', 'seed = -7', "seed is -7; it wants a whole number"),
):
    assert old in whole, old
    open(f"{scratch}/bad.toml", "w").write(whole.replace(old, new, 1))
    refused("bad.toml", says=says)
open(f"{scratch}/bad.toml", "w").write(whole.replace('tokens = "fast.tok"', 'tokens = "model/config.json"'))
said = run("train", "bad.toml", expect=2)
assert "config.json" in said, said
print("the ready program does what a compiled one does")
