#!/usr/bin/env python3
"""Loads exported folders in transformers and compares its fp32 logits with those that midtrain wrote beside them (exported.cpp).

tests/oracle/compare_exported.py FOLDER_OF_FOLDERS   (torch, transformers, tokenizers, safetensors); exit 1: something differs
"""
import pathlib
import sys

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.utils import logging

RELATIVE = 1e-4  # of the largest logit: rounding in 30 layers gives 2e-5, other positions 7e-2
TEXT = "In 2024, the naïve 日本語 user wrote:\n\tint x = 42;  // don't\r\n<|im_start|>end 🙂"


def compare(folder):
    ours = load_file(folder.with_suffix(".logits"))
    model, said = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    odd = [key for key in ("missing_keys", "unexpected_keys", "mismatched_keys") if said[key]]
    with torch.no_grad():
        logits = model(ours["ids"][None]).logits[0]
    apart = (logits - ours["logits"]).abs().max().item()
    largest = logits.abs().max().item()
    generation = GenerationConfig.from_pretrained(folder)
    good = not odd and apart < RELATIVE * largest and generation.eos_token_id == model.config.eos_token_id
    print(f"{folder.name}: {apart:.1e} apart, logits up to {largest:.1f} {'' if good else 'DIFFERS ' + str(odd)}")
    if (folder / "tokenizer.json").exists():
        tokenizer = AutoTokenizer.from_pretrained(folder)
        again = tokenizer.decode(tokenizer(TEXT)["input_ids"])
        print(f"{folder.name}: {len(tokenizer)} tokens, text comes back: {again == TEXT}")
        good = good and again == TEXT and len(tokenizer) <= model.config.vocab_size
    return good


if __name__ == "__main__":
    logging.disable_progress_bar()
    folders = sorted(f for f in pathlib.Path(sys.argv[1]).iterdir() if f.is_dir())
    results = [compare(f) for f in folders]
    print(f"{sum(results)} of {len(results)} exported models equal transformers")
    sys.exit(0 if results and all(results) else 1)
