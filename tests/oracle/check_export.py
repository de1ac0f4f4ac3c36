#!/usr/bin/env python3
"""Opens an exported folder with Hugging Face's small libraries and checks names, shapes, types, configuration and tokenizer.

tests/oracle/check_export.py FOLDER [--dtype float32|bfloat16] [--tokenizer]   (safetensors, numpy; tokenizers where there is a tokenizer)

--dtype and --tokenizer say what must be there. Exit 1: something is wrong, and each thing has a line.
"""
import argparse
import json
import pathlib
import struct
import sys

from safetensors import safe_open

TEXT = "In 2024, the naïve 日本語 user wrote:\n\tint x = 42;  // don't\r\n🙂"


def llama_shapes(c):
    width, kv, ffn = c["hidden_size"], c["head_dim"] * c["num_key_value_heads"], c["intermediate_size"]
    heads = c["head_dim"] * c["num_attention_heads"]
    yield "model.embed_tokens.weight", [c["vocab_size"], width]
    yield "model.norm.weight", [width]
    for n in range(c["num_hidden_layers"]):
        at = f"model.layers.{n}."
        yield at + "input_layernorm.weight", [width]
        yield at + "post_attention_layernorm.weight", [width]
        for part, form in (("q", [heads, width]), ("k", [kv, width]), ("v", [kv, width]), ("o", [width, heads])):
            yield at + f"self_attn.{part}_proj.weight", form
            if (c["model_type"] == "qwen2" and part != "o") or (c["model_type"] == "smollm3" and c["attention_bias"]):
                yield at + f"self_attn.{part}_proj.bias", form[:1]
        for part in "qk" if c["model_type"] == "qwen3" else "":
            yield at + f"self_attn.{part}_norm.weight", [c["head_dim"]]
        for part, form in (("gate", [ffn, width]), ("up", [ffn, width]), ("down", [width, ffn])):
            yield at + f"mlp.{part}_proj.weight", form


def gpt2_shapes(c):
    width, ffn = c["n_embd"], c["n_inner"]
    yield "transformer.wte.weight", [c["vocab_size"], width]
    yield "transformer.wpe.weight", [c["n_positions"], width]
    for norm in ["transformer.ln_f"] + [f"transformer.h.{n}.ln_{i}" for n in range(c["n_layer"]) for i in (1, 2)]:
        yield norm + ".weight", [width]
        yield norm + ".bias", [width]
    for n in range(c["n_layer"]):
        for part, form in (("attn.c_attn", [width, 3 * width]), ("attn.c_proj", [width, width]), ("mlp.c_fc", [width, ffn]),
                           ("mlp.c_proj", [ffn, width])):
            yield f"transformer.h.{n}.{part}.weight", form
            yield f"transformer.h.{n}.{part}.bias", form[1:]


def state_space_shapes(at, width, inner, states, taps, rank, bias, heads=None):
    """A Mamba mixer; with heads as Zamba keeps it, a dimension for them and an underscore before weight and bias."""
    by, dot = ([heads], "_") if heads else ([], ".")
    each, selected = inner // (heads or 1), rank + 2 * states
    yield at + "in_proj.weight", [2 * inner, width]
    yield at + "out_proj.weight", [width, inner]
    for part, size in ((("in_proj", 2 * inner), ("out_proj", width)) if bias else ()):
        yield at + part + ".bias", [size]
    yield at + "conv1d.weight", [inner, 1, taps]
    yield at + "conv1d.bias", [inner]
    yield at + f"x_proj{dot}weight", by + [selected, each]
    yield at + f"dt_proj{dot}weight", by + [each, rank]
    yield at + f"dt_proj{dot}bias", by + [each]
    yield at + "A_log", by + [each, states]
    yield at + "D", by + [each]


def mamba_shapes(c):
    width = c["hidden_size"]
    yield "backbone.embeddings.weight", [c["vocab_size"], width]
    yield "backbone.norm_f.weight", [width]
    for n in range(c["num_hidden_layers"]):
        at = f"backbone.layers.{n}."
        yield at + "norm.weight", [width]
        yield from state_space_shapes(at + "mixer.", width, c["expand"] * width, c["state_size"], c["conv_kernel"], c["time_step_rank"], c["use_bias"])


def zamba_shapes(c):
    width, ffn, size, kinds = c["hidden_size"], c["intermediate_size"], c["attention_head_dim"], c["layers_block_type"]
    q, kv = size * c["num_attention_heads"], size * c["num_key_value_heads"]
    yield "model.embed_tokens.weight", [c["vocab_size"], width]
    yield "model.final_layernorm.weight", [width]
    for n, kind in enumerate(kinds):
        at = f"model.layers.{n}."
        own = at + "mamba_decoder." if kind == "hybrid" else at
        yield own + "input_layernorm.weight", [width]
        yield from state_space_shapes(own + "mamba.", width, c["mamba_expand"] * width, c["mamba_d_state"], c["mamba_d_conv"], c["mamba_dt_rank"],
                                      False, c["n_mamba_heads"])
        if kind == "hybrid":
            yield at + "linear.weight", [width, width]
        if n == kinds.index("hybrid"):  # the others share it
            for part, form in (("input_layernorm", [2 * width]), ("pre_ff_layernorm", [width]), ("self_attn.q_proj", [q, 2 * width]),
                               ("self_attn.k_proj", [kv, 2 * width]), ("self_attn.v_proj", [kv, 2 * width]), ("self_attn.o_proj", [width, q]),
                               ("feed_forward.gate_proj", [ffn, width]), ("feed_forward.up_proj", [ffn, width]),
                               ("feed_forward.down_proj", [width, ffn])):
                yield f"{at}shared_transf.{part}.weight", form


def wrong_weights(folder, config):
    family = {"llama": ("LlamaForCausalLM", llama_shapes, "hidden_size"), "mistral": ("MistralForCausalLM", llama_shapes, "hidden_size"),
              "qwen2": ("Qwen2ForCausalLM", llama_shapes, "hidden_size"), "qwen3": ("Qwen3ForCausalLM", llama_shapes, "hidden_size"),
              "smollm3": ("SmolLM3ForCausalLM", llama_shapes, "hidden_size"),
              "mamba": ("MambaForCausalLM", mamba_shapes, "hidden_size"), "zamba": ("ZambaForCausalLM", zamba_shapes, "hidden_size"),
              "gpt2": ("GPT2LMHeadModel", gpt2_shapes, "n_embd")}
    name, shapes, width = family[config["model_type"]]
    if config["architectures"] != [name]:
        yield f"architectures is {config['architectures']}"
    want = dict(shapes(config))
    if not config["tie_word_embeddings"]:
        want["lm_head.weight"] = [config["vocab_size"], config[width]]
    kind = {"float32": "F32", "bfloat16": "BF16"}[config["dtype"]]
    path = folder / "model.safetensors"
    with safe_open(path, framework="np") as file:
        names = set(file.keys())
        if (file.metadata() or {}).get("format") != "pt":
            yield "model.safetensors: its metadata does not say format pt"
        for n in sorted(names ^ set(want)):
            yield f"model.safetensors: {n} is {'missing' if n in want else 'too much'}"
        for n in sorted(names & set(want)):
            part = file.get_slice(n)
            if part.get_shape() != want[n] or part.get_dtype() != kind:
                yield f"model.safetensors: {n} is {part.get_dtype()} {part.get_shape()} where config.json makes it {kind} {want[n]}"
    header = struct.unpack("<Q", path.open("rb").read(8))[0]
    if header % 8:
        yield "model.safetensors: its data does not begin at a multiple of eight"


def wrong_positions(config):
    if config["model_type"] in ("gpt2", "mamba", "zamba"):
        return
    now, before = config["rope_parameters"], config["rope_scaling"]
    if now != {"rope_theta": config["rope_theta"], **(before or {"rope_type": "default"})}:
        yield "config.json: rope_theta, rope_scaling and rope_parameters differ"
    if now["rope_type"] == "yarn":
        stretched = now["factor"] * now["original_max_position_embeddings"]
        if abs(stretched / config["max_position_embeddings"] - 1) > 1e-12:
            yield f"config.json: factor x original is {stretched}, the context {config['max_position_embeddings']}"


def wrong_tokenizer(folder, config):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    notes = json.loads((folder / "tokenizer_config.json").read_text())
    if tokenizer.get_vocab_size() > config["vocab_size"]:
        yield f"tokenizer.json: {tokenizer.get_vocab_size()} tokens where the model has {config['vocab_size']}"
    ids = tokenizer.encode(TEXT).ids
    if tokenizer.decode(ids, skip_special_tokens=False) != TEXT:
        yield "tokenizer.json: a text does not come back"
    for key in ("bos", "eos", "pad"):
        token = notes.get(f"{key}_token")
        if token is not None and tokenizer.token_to_id(token) != config[f"{key}_token_id"]:
            yield f"tokenizer_config.json: {key}_token {token!r} is not config.json's {key}_token_id {config[f'{key}_token_id']}"


def wrong(folder, arguments):
    with_tokenizer = arguments.tokenizer or (folder / "tokenizer.json").exists()
    names = ["config.json", "generation_config.json", "model.safetensors"] + with_tokenizer * ["tokenizer.json", "tokenizer_config.json"]
    missing = [n for n in names if not (folder / n).is_file()]
    if missing:
        yield from (f"{n} is missing" for n in missing)
        return
    config = json.loads((folder / "config.json").read_text())
    generation = json.loads((folder / "generation_config.json").read_text())
    if arguments.dtype and config["dtype"] != arguments.dtype:
        yield f"config.json: dtype is {config['dtype']}"
    for key in ("bos_token_id", "eos_token_id", "pad_token_id"):
        if generation[key] != config[key]:
            yield f"generation_config.json: {key} is {generation[key]}, in config.json {config[key]}"
    yield from wrong_weights(folder, config)
    yield from wrong_positions(config)
    if with_tokenizer:
        yield from wrong_tokenizer(folder, config)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"])
    parser.add_argument("--tokenizer", action="store_true")
    given = parser.parse_args()
    found = list(wrong(given.folder, given))
    for line in found:
        print(f"{given.folder}/{line}")
    print(f"{given.folder}: {'wrong' if found else 'as Hugging Face expects it'}")
    sys.exit(1 if found else 0)
