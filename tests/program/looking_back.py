#!/usr/bin/env python3
"""What looks back at a run or over several: rates on a plateau, batches that follow the noise, ranks, searches of mixtures, the law of annealing.

looking_back.py MIDTRAIN SCRATCH
"""
import json
import os
import random
import shutil
import struct
import subprocess
import sys

midtrain, scratch = (os.path.abspath(p) for p in sys.argv[1:3])


def run(*command):
    done = subprocess.run([midtrain, *command], capture_output=True, text=True, cwd=scratch, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def refused(*command, says):
    done = subprocess.run([midtrain, *command], capture_output=True, text=True, cwd=scratch, stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and says in done.stderr.splitlines()[-1], f"{command}: exit {done.returncode}, expected {says!r}\n{done.stderr}"


def path(name):
    return os.path.join(scratch, name)


def lines(name):
    return [json.loads(line) for line in open(path(name))]


shutil.rmtree(scratch, ignore_errors=True)
os.makedirs(path("base"))
json.dump({"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 64, "hidden_size": 32, "intermediate_size": 64,
           "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64, "rms_norm_eps": 1e-5,
           "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": True, "eos_token_id": 0, "initializer_range": 0.05},
          open(path("base/config.json"), "w"))
draw = random.Random(3)
for name, stride in (("slow", 1), ("fast", 5)):
    for part, documents in (("train", 300), ("held_out", 12)):
        tokens = []
        for _ in range(documents):
            start = draw.randrange(60)
            tokens += [1 + (start + stride * i) % 60 for i in range(20 + draw.randrange(20))] + [0]
        open(path(f"{name}.{part}.npy"), "wb").write(struct.pack(f"<{len(tokens)}H", *tokens))
run_file = """
folder = "one"
[model]
from = "base"
fresh = true
compute = "fp32"
threads = 1
[[source]]
name = "slow"
tokens = "slow.train.npy"
held_out = "slow.held_out.npy"
[[source]]
name = "fast"
tokens = "fast.train.npy"
held_out = "fast.held_out.npy"
[[stage]]
name = "anneal"
budget = 7680
mixture = { kind = "fixed", share = { slow = 0.5, fast = 0.5 } }
rate = { kind = "constant", peak = 3e-3 }
batch = { sequences = 4, length = 32 }
[evaluate]
share = 1e6
[output]
model = "none"
report = false
"""
open(path("run.toml"), "w").write(run_file)

# Noise and ranks: beside the same losses, and in the report.
run("train", "run.toml", "--set", "folder=plain")
run("train", "run.toml", "--set", "noise.every=4", "--set", "evaluate.every_steps=20", "--set", "evaluate.rank_tokens=64", "--set", "output.report=true")
plain, seen = ([r for r in lines(f"{f}/metrics.jsonl") if "loss" in r] for f in ("plain", "one"))
assert [r["loss"] for r in plain] == [r["loss"] for r in seen] and len(seen) == 60
assert [r["step"] for r in seen if "noise" in r] == list(range(4, 61, 4))
assert set(seen[-1]["noise"]) == {"scale", "error", "by_source"} and set(seen[-1]["noise"]["by_source"]) == {"slow", "fast"}
ranks = [r for r in lines("one/evaluations.jsonl") if r["kind"] == "rank"]
assert [r["step"] for r in ranks] == [20, 40, 60] and all([v["layer"] for v in r["values"]] == [0, 1, 2] for r in ranks)
page = open(path("one/report.html")).read()
assert "Gradient noise scale" in page and "Effective rank by layer" in page

# Passes over each source: all that was drawn of it, over the tokens that it has.
run("train", "run.toml", "--set", "folder=passes", "--set", "anneal.budget=76800", "--set", "output.report=true")
last = [r for r in lines("passes/metrics.jsonl") if "loss" in r][-1]
size = {name: os.path.getsize(path(f"{name}.train.npy")) // 2 for name in ("slow", "fast")}
assert last["source_epochs"] == {name: last["source_tokens"][name] // size[name] for name in size}, (last, size)
assert min(last["source_epochs"].values()) >= 3 and "Whole passes" in open(path("passes/report.html")).read()

# A rate that waits for held-out losses: with a threshold that nothing meets, each evaluation after the first lowers it.
open(path("plateau.toml"), "w").write(run_file.replace(
    '{ kind = "constant", peak = 3e-3 }',
    '{ kind = "reduce_on_plateau", factor = 0.5, patience = 0, threshold = 0.9, policy = { kind = "constant", peak = 3e-3 } }'))
refused("train", "plateau.toml", "--set", "folder=refused", says="reduce_on_plateau waits for held-out losses")
run("train", "plateau.toml", "--set", "folder=plateau", "--set", "evaluate.every_steps=20")
rates = [r["rate"] for r in lines("plateau/metrics.jsonl") if "rate" in r]
assert rates == [3e-3] * 40 + [1.5e-3] * 20, rates
# As a part it counts from its own beginning: of evaluations each ten steps, that after 40 is the first which is no better than one of the part's.
open(path("parts.toml"), "w").write(run_file.replace(
    '{ kind = "constant", peak = 3e-3 }',
    '{ kind = "joined", parts = [{ over = 2560, rate = { kind = "constant", peak = 3e-3 } }, '
    '{ rate = { kind = "reduce_on_plateau", factor = 0.5, patience = 0, threshold = 0.9, policy = { kind = "constant", peak = 3e-3 } } }] }'))
refused("train", "parts.toml", "--set", "folder=refused", says="reduce_on_plateau waits for held-out losses")
run("train", "parts.toml", "--set", "folder=parts", "--set", "evaluate.every_steps=10")
rates = [r["rate"] for r in lines("parts/metrics.jsonl") if "rate" in r]
assert rates == [3e-3] * 40 + [1.5e-3] * 10 + [0.75e-3] * 10, rates

# A batch that follows the noise: with a share that allows all, it doubles at every decision.
open(path("ramp.toml"), "w").write(run_file.replace("length = 32 }", 'length = 32, ramp = { kind = "noise", to = 16, every = 12, share = 1e12 } }'))
refused("train", "ramp.toml", "--set", "folder=refused_too", says="its batch follows the gradient noise scale, which nobody measures")
run("train", "ramp.toml", "--set", "folder=ramp", "--set", "noise.every=1")
tokens = [0] + [r["tokens"] for r in lines("ramp/metrics.jsonl") if "loss" in r]
sizes = [(b - a) // 32 for a, b in zip(tokens, tokens[1:])]
assert sizes[:24] == [4] * 12 + [8] * 12 and set(sizes[24:]) == {16} and tokens[-1] <= 7680 < tokens[-1] + 16 * 32, sizes

# A search, broken off in the middle of a line, goes on and says the same.
search = ("search", "run.toml", "--set", "anneal.budget=1280", "--runs", "6", "--resamples", "50", "--out", "search")
said = run(*search)
assert "rank correlation" in said and said.count("trial ") == 6
whole = open(path("search/trials.jsonl")).read()
trials = lines("search/trials.jsonl")
assert len(trials) == 6 and trials[0]["shares"] == {"slow": 0.5, "fast": 0.5} and set(trials[0]["losses"]) == {"slow", "fast"}
assert trials[2]["losses"]["slow"] != trials[4]["losses"]["slow"]
open(path("search/trials.jsonl"), "w").write("".join(whole.splitlines(keepends=True)[:4]) + '{"shares":{"sl')
again = run(*search)
assert open(path("search/trials.jsonl")).read() == whole and again.split("source ")[-1] == said.split("source ")[-1]
assert os.path.getsize(path("search/search.svg")) > 1000
bounded = run(*search, "--most", "fast=0.45", "--importance", "fast=3")
fast = [line.split() for line in bounded.splitlines() if line.startswith("fast ")][0]
assert float(fast[2]) <= 0.45, bounded
refused(*search, "--most", "fast=0.25", says="lie within what the trials tried")
refused(*search, "--most", "fast=0.25", "--most", "slow=0.25", says="no shares that sum to one")
refused("search", "run.toml", "--runs", "3", says="--runs 3: a search over 2 sources needs 4 at least")
refused(*search, "--seed", "2", says="search/trials.jsonl, line 2: is of a search with another start, seed or spread")
refused(*search, "--most", "maths=0.5", says="--most maths=0.5: it should read SOURCE=NUMBER")
refused(*search, "--stage", "late", says="run.toml: has no stage 'late'")

# The law of annealing wants runs that differ in it.
refused("fit", "plain", says="no curve lowers its rate")
refused("fit", "ramp", says="ramp: its batch changes")
refused("fit", "plain", "--source", "maths", says="plain: has no source 'maths'")
print("what looks back sees what was, and the same again")
