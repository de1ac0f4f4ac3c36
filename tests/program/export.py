#!/usr/bin/env python3
"""midtrain export, plan --foreign and runs that begin with another trainer's optimizer.

export.py MIDTRAIN COMPILED SCRATCH: a checkpoint exported afterwards equals what the run itself wrote; folder and GGUF hold the same weights;
a foreign run becomes a run file that can be trained; AdamW goes on from an optimizer.pt of PyTorch.
"""
import json
import os
import random
import shutil
import struct
import subprocess
import sys

midtrain, compiled, scratch = (os.path.abspath(p) for p in sys.argv[1:4])
here = os.path.dirname(os.path.abspath(__file__))
golden = os.path.join(here, "..", "golden")


def run(*command, expect=0):
    done = subprocess.run([midtrain, *command], capture_output=True, text=True, cwd=scratch)
    assert done.returncode == expect, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def refused(*command, says):
    said = run(*command, expect=2)
    assert says in said and said.count("\n") == 1, f"{command}: expected {says!r}, got {said!r}"


def content(name):
    with open(f"{scratch}/{name}", "rb") as file:
        return file.read()


def same(a, b, files=("model.safetensors", "config.json", "generation_config.json")):
    for file in files:
        assert content(f"{a}/{file}") == content(f"{b}/{file}"), f"{a} and {b}: {file} differs"


def tensors(name):
    data = content(name)
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    return {n: data[8 + length:][slice(*t["data_offsets"])] for n, t in header.items() if n != "__metadata__"}


shutil.rmtree(scratch, ignore_errors=True)
os.makedirs(scratch)
subprocess.run([compiled, scratch], check=True)
shutil.copy(f"{here}/run.toml", scratch)
run("train", "run.toml", "--set", "average.kind=polyak_tail", "--set", "average.fraction=0.25", "--set", "output.average=fp32", "--set", "output.report=false")

# A checkpoint afterwards is what the run wrote at its end: by the run's folder, by the checkpoint, and where the model has moved.
run("export", "run", "--out", "hf")
same("hf", "run/model")
run("export", "run/checkpoints/step-00000040", "--out", "average", "--average", "--type", "f32")
same("average", "run/average")
shutil.copytree(f"{scratch}/model", f"{scratch}/moved")
run("export", "run/checkpoints", "--out", "whole", "--type", "f32", "--model", "moved")
assert tensors("whole/model.safetensors") != tensors("average/model.safetensors")

# The same weights by way of a GGUF.
run("export", "run", "--out", "checkpoint.gguf", "--type", "f32")
run("export", "whole", "--out", "folder.gguf", "--type", "f32")
assert content("checkpoint.gguf") == content("folder.gguf")
run("export", "folder.gguf", "--out", "again", "--form", "hf", "--type", "f32")
same("again", "whole", ["model.safetensors"])
sizes = []
for kind in ("f32", "bf16", "f16", "q8_0"):
    run("export", "whole", "--out", "small", "--form", "gguf", "--type", kind)
    assert content("small")[:4] == b"GGUF"
    sizes.append(len(content("small")))
assert sizes[0] > sizes[1] == sizes[2] > sizes[3], sizes

# Positions are those of the checkpoint's own stage, or those that are asked for.
run("export", "run/checkpoints/step-00000012", "--out", "early")
assert json.load(open(f"{scratch}/early/config.json"))["rope_parameters"]["rope_type"] == "default"
run("export", "run", "--out", "asked", "--position", "interpolated,base=10000,trained=32,extended=128")
asked = json.load(open(f"{scratch}/asked/config.json"))
assert asked["rope_parameters"]["rope_type"] == "linear" and asked["max_position_embeddings"] == 128, asked
# A compiled program's checkpoint says neither its model nor its positions by name. Its weights, one by one, are those of its buffer.
refused("export", "compiled", "--out", "of_compiled", says="give --model")
refused("export", "compiled", "--out", "of_compiled", "--model", "model", says="give --position")
run("export", "compiled", "--out", "of_compiled", "--model", "model", "--position", "yarn,base=10000,trained=32,extended=64", "--type", "f32")
same("of_compiled", "whole", ["config.json"])
state = "compiled/step-00000040/state.safetensors"
(length,) = struct.unpack("<Q", content(state)[:8])
master, exported = tensors(state)["model.master"], tensors("of_compiled/model.safetensors")
for line in json.loads(content(state)[8:8 + length])["__metadata__"]["layout"].splitlines():
    name, offset, rows, columns, form = line.split()
    assert form != "transposed" and exported.pop(name) == master[4 * int(offset):][:4 * int(rows) * int(columns)], name
assert not exported, exported.keys()

# A folder whose matrices are in eight bits, scales in a file of their own: weights are bytes times the scale of their tile.
def e4m3(byte):
    exponent, mantissa = byte >> 3 & 15, byte & 7
    size = mantissa * 2.0**-9 if exponent == 0 else (8 + mantissa) * 2.0 ** (exponent - 10)
    return -size if byte & 128 else size


def write_tensors(name, of):
    header, data = {}, b""
    for key, (dtype, shape, content_) in of.items():
        header[key] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content_)]}
        data += content_
    text = json.dumps(header).encode()
    open(f"{scratch}/{name}", "wb").write(struct.pack("<Q", len(text)) + text + data)


os.makedirs(f"{scratch}/eight")
data, draw = content("whole/model.safetensors"), random.Random(8)
(length,) = struct.unpack("<Q", data[:8])
weights, scales, wanted = {}, {}, {}
for name, t in json.loads(data[8:8 + length]).items():
    if name == "__metadata__":
        continue
    was, shape = tensors("whole/model.safetensors")[name], t["shape"]
    if len(shape) < 2 or "embed" in name:
        weights[name], wanted[name] = ("F32", shape, was), was
        continue
    assert max(shape) <= 128, shape  # one tile
    values = [draw.choice((0, 128)) + draw.randrange(127) for _ in range(shape[0] * shape[1])]
    scale = struct.unpack("<f", struct.pack("<f", 10 ** draw.uniform(-5, -3)))[0]
    weights[name], scales[name + "_scale_inv"] = ("F8_E4M3", shape, bytes(values)), ("F32", [1, 1], struct.pack("<f", scale))
    wanted[name] = struct.pack(f"<{len(values)}f", *(e4m3(v) * scale for v in values))
write_tensors("eight/a.safetensors", weights)
write_tensors("eight/b.safetensors", scales)
where = {**dict.fromkeys(weights, "a.safetensors"), **dict.fromkeys(scales, "b.safetensors")}
config = json.load(open(f"{scratch}/whole/config.json"))
json.dump({"weight_map": where}, open(f"{scratch}/eight/model.safetensors.index.json", "w"))
json.dump({**config, "quantization_config": {"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [128, 128]}}, open(f"{scratch}/eight/config.json", "w"))
run("export", "eight", "--out", "widened", "--type", "f32")
assert len(scales) > 6 and tensors("widened/model.safetensors") == wanted
assert "quantization_config" not in json.load(open(f"{scratch}/widened/config.json"))
del where[next(iter(scales))]
json.dump({"weight_map": where}, open(f"{scratch}/eight/model.safetensors.index.json", "w"))
refused("export", "eight", "--out", "x", says="which the index does not place there")

refused("export", "nowhere", "--out", "x", says="there is no such model")
refused("export", "whole", "--out", "x", "--average", says="is no checkpoint")
refused("export", "whole", "--out", "x", "--type", "q8_0", says="a folder holds bf16 or f32")
refused("export", "run", "--out", "x", "--position", "yarn,base", says="it should read kind,field=value")
refused("export", "run", "--out", "x", "--position", "yarns", says="kind is 'yarns'")
refused("export", "compiled", "--out", "x", "--average", "--model", "model", "--position", "rope,base=1,length=9", says="holds no average")
state = f"{scratch}/run/checkpoints/step-00000040/state.safetensors"
with open(state, "r+b") as file:
    file.seek(-3, os.SEEK_END)
    file.write(b"\xff")
refused("export", os.path.dirname(state), "--out", "x", says="is no checkpoint, or a broken one")

# A foreign run is judged, written as a run file, planned and trained.
arguments = "--lr 3e-3 --min-lr 3e-4 --lr-decay-style cosine --lr-warmup-iters 4 --train-iters 12 --lr-decay-iters 20 --global-batch-size 4 --seq-length 32"
open(f"{scratch}/foreign.sh", "w").write(f"python pretrain_gpt.py \\\n  {arguments} \\\n  --data-path 1 /data/slow 3 /data/fast --clip-grad 1\n")
said = run("plan", "--foreign", "foreign.sh", "--as-run-file", "foreign.toml", expect=2)
assert "refused: the weights of the mixture do not sum to one" in said and "made for 20 steps and the run ends after 12" in said, said
open(f"{scratch}/foreign.sh", "w").write(f"python pretrain_gpt.py {arguments} --data-path 0.25 /data/slow 0.75 /data/fast")
said = run("plan", "--foreign", "foreign.sh", "--as-run-file", "foreign.toml")
assert "refused" not in said and "12 steps of 4 x 32" in said, said
fresh = ["--set", "model.fresh=true", "--set", "model.compute=fp32", "--set", "folder=foreign", "--set", "output.report=false"]
assert "rate 0.00e+00 at first, 3.00e-03 at most, 1.91e-03 at last" in said, said
planned = run("plan", "foreign.toml", *fresh)
assert "12 steps of 4 x 32; rate 0.00e+00 at first, 3.00e-03 at most, 1.91e-03 at last" in planned and "75.0 %" in planned, planned
run("train", "foreign.toml", *fresh)
refused("plan", says="plan wants a run file, or --foreign")
refused("plan", "run.toml", "--foreign", "foreign.sh", says="plan wants a run file, or --foreign")

# AdamW goes on from what PyTorch left of it (tests/oracle/torch_files.py: seven steps of a tiny Llama).
os.makedirs(f"{scratch}/tiny")
config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "num_hidden_layers": 2, "hidden_size": 8, "num_attention_heads": 2,
          "num_key_value_heads": 1, "intermediate_size": 12, "vocab_size": 16, "tie_word_embeddings": True, "max_position_embeddings": 16, "eos_token_id": 0}
json.dump(config, open(f"{scratch}/tiny/config.json", "w"))
random.seed(1)
with open(f"{scratch}/tiny.bin", "wb") as file:
    file.write(b"".join(struct.pack("<H", random.randrange(16)) for _ in range(600)))
tree = {"folder": "first", "model": {"from": "tiny", "fresh": True, "compute": "fp32"}, "source": [{"name": "data", "tokens": "tiny.bin"}],
        "stage": [{"name": "only", "budget": 96, "batch": {"sequences": 2, "length": 8}, "rate": {"kind": "constant", "peak": 1e-3},
                   "mixture": {"kind": "fixed", "share": {"data": 1}}}], "output": {"model": "fp32", "report": False}}
json.dump(tree, open(f"{scratch}/tiny.json", "w"))
run("train", "tiny.json")
go_on = ["--set", "model.from=first/model", "--set", "model.fresh=false"]
state = ["--set", f"model.optimizer_state={golden}/tiny_optimizer.pt"]
run("train", "tiny.json", *go_on, "--set", "folder=without")
said = run("train", "tiny.json", *go_on, *state, "--set", "folder=with")
assert "the optimizer goes on from update 7" in said, said
counts = struct.unpack("<6q", tensors("with/checkpoints/step-00000006/state.safetensors")["run.counts"])
assert counts[2] == 6 and counts[4] == 13, counts
assert tensors("with/model/model.safetensors") != tensors("without/model/model.safetensors")
# Run again it is done, and does not take the file's state a second time.
assert "goes on from update" not in run("train", "tiny.json", *go_on, *state, "--set", "folder=with")
said = run("train", "tiny.json", *state, "--set", "folder=x", expect=2)
assert "fresh = true makes new ones" in said, said
said = run("train", "run.toml", "--set", "folder=x", "--set", "model.from=whole", "--set", "model.fresh=false", *state, expect=2)
assert "tiny_optimizer.pt: has state for" in said, said
print("exports, foreign runs and foreign optimizers are as they should be")
