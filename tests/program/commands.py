#!/usr/bin/env python3
"""The commands of the ready program, from text to a report, and what each says of bad input.

commands.py MIDTRAIN SCRATCH
"""
import json
import os
import shutil
import struct
import subprocess
import sys

midtrain, scratch = (os.path.abspath(p) for p in sys.argv[1:3])
golden = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")


def run(*command, expect=0):
    done = subprocess.run([midtrain, *command], capture_output=True, text=True, cwd=scratch, stdin=subprocess.DEVNULL)
    assert done.returncode == expect, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def refused(*command, says):
    """Exit 2, and on stderr one line that says so."""
    done = subprocess.run([midtrain, *command], capture_output=True, text=True, cwd=scratch, stdin=subprocess.DEVNULL)
    said = done.stderr
    assert done.returncode == 2 and says in said and said.count("\n") == 1, f"{command}: exit {done.returncode}, expected {says!r}\n{said}"


def refused_tokens(file, says):
    """The run with that file instead of a source's own."""
    write("bad.toml", run_file.replace("tokens/prose.train.tok", file))
    refused("train", "bad.toml", "--set", "folder=x", says=says)


def path(name):
    return os.path.join(scratch, name)


def write(name, text, mode="w"):
    with open(path(name), mode) as file:
        file.write(text)


def tensors(name):
    with open(path(name), "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    return {n: struct.unpack(f"<{(e - b) // 4}f", data[b:e]) for n, t in header.items() if n != "__metadata__" for b, e in [t["data_offsets"]]}


shutil.rmtree(scratch, ignore_errors=True)
os.makedirs(path("base"))
shutil.copy(f"{golden}/tiny_tokenizer.json", path("base/tokenizer.json"))
write("base/tokenizer_config.json", json.dumps({"eos_token": "<|endoftext|>"}))
write("base/config.json", json.dumps({
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 512, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 1024, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
    "hidden_act": "silu", "tie_word_embeddings": True, "eos_token_id": 0, "initializer_range": 0.05}))
words = "the quick brown fox jumps over a lazy dog while seven small birds sing in old trees".split()
write("prose.jsonl", "".join(json.dumps({"text": " ".join(words[(d * d + 3 * i) % len(words)] for i in range(30 + d % 20)) + f" {d}."}) + "\n" for d in range(300)))
write("code.txt", "int main() { return 0; }\nfor (int i = 0; i < 10; ++i) total += i;\n" * 20)
os.makedirs(path("code"))
for d in range(30):
    write(f"code/{d}.txt", f"int value_{d} = {d};\n" + "for (int i = 0; i < 10; ++i) total += i;\n" * (5 + d % 7))
write("talks.jsonl", "".join(json.dumps({"messages": [{"role": "user", "content": f"what is {d} and {d}?"}, {"role": "assistant", "content": f"{2 * d}."}]}) + "\n"
                             for d in range(40)))

# prepare: texts become tokens; what is held out stands by itself, and a manifest says of what.
said = run("prepare", "--tokenizer", "base", "--out", "tokens", "--source", "prose=prose.jsonl,licence=CC0", "--source", "code=code", "--held-out", "0.1")
assert "prose" in said and "code" in said, said
manifest = json.load(open(path("tokens/manifest.json")))
assert "CC0" in json.dumps(manifest), manifest
run("prepare", "--tokenizer", "base", "--out", "talks", "--source", "talks=talks.jsonl", "--chat", "chatml", "--held-out", "0.2")

# convert: the same tokens for others, and back.
run("convert", "tokens/prose.train.tok", "prose.bin", "--form", "megatron", "--end-token", "0")
run("convert", "prose.idx", "again.tok", "--end-token", "0", "--vocabulary", "500")
one, two = (open(path(f), "rb").read() for f in ("tokens/prose.train.tok", "again.tok"))
assert one[64:] == two[64:], "through Megatron's form the tokens are others"
refused("convert", "talks/talks.train.tok", "talks.bin", "--form", "llmc", "--end-token", "0", says="no place for a loss mask")

# train, from the tokens that were prepared.
run_file = """
folder = "one"
seed = 5
[model]
from = "base"
fresh = true
compute = "fp32"
threads = 1
[[source]]
name = "prose"
tokens = "tokens/prose.train.tok"
held_out = "tokens/prose.held_out.tok"
[[source]]
name = "code"
tokens = "tokens/code.train.tok"
[[stage]]
name = "anneal"
budget = 20480
mixture = { kind = "annealed", from = { prose = 0.8, code = 0.2 }, to = { prose = 0.4, code = 0.6 } }
rate = { kind = "linear", from = 1e-2, to = 0 }
batch = { sequences = 4, length = 128 }
[checkpoints]
every_steps = 16
[evaluate]
every_steps = 20
share = 1e6
documents = 8
[output]
model = "fp32"
"""
write("run.toml", run_file)
run("train", "run.toml")
run("train", "run.toml", "--set", "folder=two", "--set", "seed=6")
rows = [json.loads(line) for line in open(path("one/metrics.jsonl"))]
steps = [r for r in rows if "loss" in r]
assert len(steps) == 40 and steps[-1]["loss"] < 0.8 * steps[0]["loss"], (steps[0]["loss"], steps[-1]["loss"])
assert [r["step"] for r in rows if r.get("event") == "saved"] == [16, 32, 40], [r for r in rows if "event" in r]
assert steps[20]["phases"]["evaluation"] > 0 and steps[10]["phases"]["evaluation"] < steps[20]["phases"]["evaluation"], steps[20]["phases"]

# evaluate: everything of one model in one file; then what another one changes.
asked = ("--held-out", "prose=tokens/prose.held_out.tok", "--length", "256", "--choice", f"piqa={golden}/choices/piqa.jsonl", "--needle", "tokens/prose.train.tok",
         "--tasks", "needle", "--lengths", "512", "--depths", "0.5", "--trials", "2", "--generate", "the quick", "--max-tokens", "8", "--precision", "fp32", "--threads", "1")
said = run("evaluate", "one/model", *asked, "--out", "one.json")
for word in ("prose", "piqa", "needle", "the quick"):
    assert word in said, f"{word!r} is not in {said}"
assert set(json.load(open(path("one.json")))) >= {"held_out", "choices", "needles", "generated"}, json.load(open(path("one.json"))).keys()
assert run("evaluate", "one/model", *asked, "--out", "again.json") == said and open(path("again.json")).read() == open(path("one.json")).read()
changed = run("evaluate", "two/model", *asked, "--out", "two.json", "--compare", "one.json")
assert "prose" in changed and os.path.getsize(path("two.json")) > 1000
os.remove(path("two.json"))
refused("evaluate", "two/model", *asked, "--out", "two.json", "--compare", "run.toml", says="run.toml")
assert os.path.getsize(path("two.json")) > 1000, "what was measured is lost when it cannot be compared"
masked = run("evaluate", "one/model", "--held-out", "talks=talks/talks.held_out.tok", "--length", "256", "--precision", "fp32", "--threads", "1", "--out", "talks.json")
whole = json.load(open(path("talks.json")))["held_out"][0]["documents"]
assert all(0 < targets < 30 for _, targets, _ in whole), whole  # the answers alone, not the questions

# prepare --score: each document's mean loss beside the tokens, the same as evaluate says; then a run whose documents come by it, packed
# where they fit best, some of them with their middle at the end. Lost in its middle it ends with the same bits.
prepare = ("prepare", "--tokenizer", "base", "--out", "tokens", "--source", "prose=prose.jsonl,licence=CC0", "--source", "code=code", "--held-out", "0.1")
said = run(*prepare, "--score", "one/model", "--score-length", "128")
assert "prose.train.scores" in said and "as it was" in said, said
score_file = open(path("tokens/prose.train.scores"), "rb").read()
scores = struct.unpack(f"<{len(score_file) // 4 - 10}f", score_file[40:])
run("evaluate", "one/model", "--held-out", "prose=tokens/prose.train.tok", "--length", "128", "--precision", "fp32", "--threads", "1", "--out", "scored.json")
losses = json.load(open(path("scored.json")))["held_out"][0]["documents"]
assert len(scores) == len(losses) and max(scores) > min(scores), (len(scores), len(losses))
for score, (loss, targets, _) in zip(scores, losses):
    assert abs(score - loss / targets) < 0.03 * score, (score, loss, targets)  # the program may have chosen bfloat16
ordered = run_file.replace('held_out.tok"\n', 'held_out.tok"\nscores = "tokens/prose.train.scores"\n', 1).replace('"one"', '"ordered"').replace(
    "length = 128 }", """length = 128, packing = "best_fit", window = 32 }
order = { kind = "by_score", from = { high = 0.25 }, to = { high = 1 }, pace = 0.5, grades = 8, only = ["prose"] }
fim = { rate = 0.5, spm = 0.5, prefix = 497, suffix = 498, middle = 499, only = ["code"] }""")
write("ordered.toml", ordered)
assert "scores =" in ordered and "by_score" in ordered
run("train", "ordered.toml")
records = lambda folder: [(r["step"], r["loss"]) for r in map(json.loads, open(path(f"{folder}/metrics.jsonl"))) if "loss" in r]
shutil.copytree(path("ordered"), path("resumed"), symlinks=True)
for late in ("metrics.jsonl", "evaluations.jsonl", "report.html"):
    os.remove(path(f"resumed/{late}"))
shutil.rmtree(path("resumed/model"))
shutil.rmtree(path("resumed/checkpoints/step-00000040"))
run("train", "ordered.toml", "--set", "folder=resumed")
assert records("resumed") == records("ordered")[32:], (records("resumed"), records("ordered")[32:])
assert tensors("resumed/model/model.safetensors") == tensors("ordered/model/model.safetensors")
write("bad.toml", ordered.replace('scores = "tokens/prose.train.scores"\n', ""))
refused("train", "bad.toml", "--set", "folder=x", says="has no scores, and a stage draws by them")
write("bad.toml", ordered.replace("prose.train.scores", "code.train.scores"))
refused("train", "bad.toml", "--set", "folder=x", says="code.train.scores: scores 27 documents of")
write("bad.toml", ordered.replace("prefix = 497, suffix = 498, middle = 499, ", ""))
refused("train", "bad.toml", "--set", "folder=x", says="fill-in-the-middle needs the ids of its three sentinel tokens")

# average, inspect, report, export.
run("average", "one/model=1", "two/model=3", "--out", "mean", "--float32")
a, b, mean = (tensors(f"{m}/model.safetensors") for m in ("one/model", "two/model", "mean"))
for name, values in mean.items():
    apart = max(abs(0.25 * x + 0.75 * y - z) for x, y, z in zip(a[name], b[name], values))
    assert apart < 1e-6, f"{name}: {apart}"
said = run("inspect", "one/checkpoints", "mean")
assert "step-00000040" in said and "model.safetensors" in said, said
run("report", "one", "two", "--out", "both.html", "--title", "Two seeds")
page = open(path("both.html")).read()
assert "Two seeds" in page and "<svg" in page and "saved" in page, len(page)
assert os.path.getsize(path("one/report.html")) > 1000

# What is wrong ends with 2 and one sentence.
refused("train", "none.toml", says="none.toml")
refused("evaluate", "none", "--held-out", "tokens/prose.held_out.tok", says="none: there is no such model")
refused("inspect", "none", says="none")
refused("report", "none", says="none")
refused("average", "one/model", "none", "--out", "x", says="none")
refused("prepare", "--tokenizer", "none", "--out", "x", "--source", "a=prose.jsonl", says="none")
refused("prepare", "--tokenizer", "base", "--out", "x", "--source", "a=none.jsonl", says="none.jsonl")
refused("prepare", "--tokenizer", "base", "--out", "x", "--source", "prose.jsonl", says="wanted is name=PATH")
refused("prepare", "--tokenizer", "base", "--out", "x", "--source", "a=prose.jsonl", "--chat", "morse", says="--chat morse")
whole = open(path("tokens/prose.train.tok"), "rb").read()
write("cut.tok", whole[:len(whole) // 2], "wb")
refused_tokens("cut.tok", says="cut.tok")
flipped = bytearray(whole)
flipped[200] ^= 1
write("flipped.tok", bytes(flipped), "wb")
refused_tokens("flipped.tok", says="flipped.tok: is damaged")
write("large.npy", struct.pack("<4H", 1, 2, 700, 3), "wb")
refused_tokens("large.npy", says="large.npy: token 2 is 700, outside the vocabulary of 512")
refused("evaluate", "one/model", "--held-out", "large.npy", says="large.npy: token 2 is 700, outside the vocabulary of 512")
refused("convert", "large.npy", "x.tok", "--vocabulary", "512", says="large.npy: token 2 is 700")
refused("convert", "large.npy", "x.tok", "--form", "morse", says="--form morse")
write("empty.npy", b"", "wb")
refused_tokens("empty.npy", says="empty.npy: is empty")
write("short.jsonl", json.dumps({"text": ""}) + "\n")
refused("prepare", "--tokenizer", "base", "--out", "x", "--source", "a=short.jsonl", says="source 'a' has no documents to train on")
write("broken.jsonl", json.dumps({"text": "whole"}) + '\n{"text": "half\n')
refused("prepare", "--tokenizer", "base", "--out", "x", "--source", "a=broken.jsonl", says="broken.jsonl")
write("latin.jsonl", b'{"text": "caf\xe9"}\n', "wb")
refused("prepare", "--tokenizer", "base", "--out", "x", "--source", "a=latin.jsonl", says="latin.jsonl")
write("broken.json", "{")
refused("train", "broken.json", says="broken.json")
refused("evaluate", "one/model", "--choice", "broken.json", says="broken.json")
os.makedirs(path("bad"))
for name in ("model.safetensors", "tokenizer.json"):
    shutil.copy(path(f"one/model/{name}"), path("bad"))
write("bad/config.json", '{"model_type": "llama"')
refused("evaluate", "bad", "--held-out", "tokens/prose.held_out.tok", says="bad/config.json")
shutil.copy(path("one/model/config.json"), path("bad"))
write("bad/model.safetensors", open(path("one/model/model.safetensors"), "rb").read()[:-8], "wb")
refused("evaluate", "bad", "--held-out", "tokens/prose.held_out.tok", says="bad/model.safetensors")
refused("inspect", "bad/model.safetensors", says="1 thing is broken")  # which one, and how, stands in the table
refused("evaluate", "one/model", says="there is nothing to evaluate")
refused("evaluate", "one/model", "--held-out", "tokens/prose.held_out.tok", "--length", "4096", says="the model's reach 1024")
for command in ((), ("fly",), ("train",), ("train", "run.toml", "--fast"), ("evaluate", "one/model", "--top-p", "2"), ("evaluate", "one/model", "--trials", "none")):
    refused(*command, says="--help")
assert "train" in run("--help") and run("--version").count(".") == 2
print("the commands do what they say, and say what is wrong")
