#!/usr/bin/env python3
"""Four byte-level tokenizers of 400 tokens that cut words as GPT-2, SmolLM2, Llama 3 and Qwen2 do, and the tokens that Hugging Face's
tokenizers give for hard texts. Llama 3's has `ignore_merges`, Qwen2's normal form C; the last
token of each is one that no merge makes.

Writes words/NAME.json and words/tokens.json: {NAME: [[text, tokens], ...]}.

tests/oracle/word_patterns.py OUTPUT_FOLDER   (tokenizers)
"""
import json
import os
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from tokenizer import LINES, TEXTS

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")
MORE = ["12345 1234567 x12y1234", "DON'T We'VE i'LL 'S'T'RE", "a\r\nb\r\n\r\n  c \r\n", "!!!\n\n??\n x", "\u180ea \u180e\u180e b", " \t\u00a0\u2003x",
        "(word) [word] -word _word \u4e2d\u6587word", "a'\u017f b'\u212a it'\u017f", "\u0661\u0662\u0663\u0664 \u00bd\u00bc", "e\u0301te\u0301 n\u0303",
        "x   \n\n   y\n   \n", "foo.bar(baz);//qux\n\t\treturn;\n", "a\u0323\u0307 \u212b \u1112\u1161\u11ab\uac00\u11a8 \u0958 e\u0301<|end|>\u0301", "\u0928\u092e\u0938\u094d\u0924\u0947 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467\n\n\U0001f600", "the quickest"]


def cut(name):
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=name in ("gpt2", "smollm2"))
    if name == "gpt2":
        return level
    first = pre_tokenizers.Digits(individual_digits=True) if name == "smollm2" else pre_tokenizers.Split(
        Regex(LLAMA3 if name == "llama3" else QWEN2), "isolated", False)
    return pre_tokenizers.Sequence([first, level])


def main(folder):
    folder += "/words"
    os.makedirs(folder, exist_ok=True)
    made = {}
    for name in ("gpt2", "smollm2", "llama3", "qwen2"):
        t = Tokenizer(models.BPE())
        t.pre_tokenizer = cut(name)
        if name == "qwen2":
            t.normalizer = normalizers.NFC()
        t.decoder = decoders.ByteLevel()
        t.train_from_iterator(LINES.splitlines(keepends=True), trainers.BpeTrainer(
            vocab_size=399, special_tokens=[AddedToken("<|end|>", normalized=False, special=True)],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
        text = json.loads(t.to_str())
        text["model"]["vocab"]["\u0120quickest"] = t.get_vocab_size()
        text["model"]["ignore_merges"] = name == "llama3"
        t = Tokenizer.from_str(json.dumps(text))
        if name == "llama3":
            t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
                single="<|end|> $A", special_tokens=[("<|end|>", 0)])])
        t.save(f"{folder}/{name}.json", pretty=False)
        made[name] = [[s, t.encode(s, add_special_tokens=False).ids] for s in TEXTS + MORE + [LINES]]
    with open(folder + "/tokens.json", "w") as out:
        out.write("{\n" + ",\n".join(json.dumps(k) + ":[\n" + ",\n".join(json.dumps(r) for r in v) + "]" for k, v in made.items()) + "}\n")


if __name__ == "__main__":
    main(sys.argv[1])
