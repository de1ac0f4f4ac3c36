#!/usr/bin/env python3
"""A byte-level tokenizer of 500 tokens, learnt from a few lines, and the tokens that Hugging Face's tokenizers give for hard texts.

Writes tiny_tokenizer.json (digits alone, then GPT-2's pattern) and tiny_tokens.json: [text, tokens, tokens without the digits' step].

tests/oracle/tokenizer.py OUTPUT_FOLDER   (tokenizers)
"""
import json
import sys

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

LINES = """The quick brown fox doesn't jump over the lazy dog; it's 12 o'clock and they've all gone, haven't they? We'll see.
    for (int i = 0; i < 100; ++i) { total += values[i] * weight; }  // the sum of all the values
\tif the weights are in the model, then the model is there: 1,234.56 and 2024-05-17 and 3.14159265
Der schnelle braune Fuchs springt \u00fcber den faulen Hund. \u00c7a va tr\u00e8s bien, merci! \u00bfQu\u00e9 tal, ma\u00f1ana?
\u4e2d\u6587\u5b57\u7b26\u548c\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8
\u0440\u0443\u0441\u0441\u043a\u0438\u0439 \u0442\u0435\u043a\u0441\u0442 \U0001f600\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467
the there then than that this those these with within without and an in on of or is as at to it for from by be
"""

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|im_end|>\n"]  # the last: the longest of two must win
ADDED = ["<word>"]

TEXTS = [
    "", " ", "  ", "a", "\n", "The quick brown fox", " the  there   then    than", "the \n\n  the\t\tthe \t the\r\nthe\r\n\r\n",
    "trailing spaces   ", "   leading", "tabs\t\t\tand\tmore", "\n \n  \n   x",
    "    for (int i = 0; i < 100; ++i) {\n\t\tx[i] += 1;\n\t}\n",
    "don't we've they'll I'm he'd it's you're 's 't !'s ''s 'S DON'T x'y' '", " 's  't",
    "1234567890123456789012345678901234567890", "3.14159, 1,000,000 and 2024-05-17", "a1b22c333 4 55  666   7",
    "   5   x   \n  7\n", "\u00bd \u00b2\u00b3 \u216b \u0663\u0664\u0665 \U0001d7d9x",
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \u2764\ufe0f!!",
    "\u4e2d\u6587\u5b57\u7b26 \u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8 \ud55c\uad6d\uc5b4",
    "\u00fcber \u00c7a \u00bfQu\u00e9? e\u0301 a\u0308 \u1e9e\ufb01",
    "\u03b1\u03b2\u03b3 \u05e2\u05d1\u05e8\u05d9\u05ea \u0627\u0644\u0639\u0631\u0628\u064a\u0629 "
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u0e44\u0e17\u0e22",
    "a\u00a0b\u2003c\u3000d\u2028e\u0085f\u1680g", " \u00a0 \u2003 x", "\u200b\ufeffx\u00ad", "\x00\x01\x1f\x7f",
    "!!! ... --- ((())) ->=<= !==", "<|endoftext|>", "the<|endoftext|>the", "<|im_start|>user\nthe<|im_end|>\n<|im_end|>x",
    " <|im_end|> ", "<|im_end", "<|<|im_end|>|>", "<|im_end|><|im_end|>\n\n", "a <word>s", "<<word>>", "\U0010ffff\U000e0001",
    "\u0378\u1c89\U000323af",
]


def main(folder):
    digits = pre_tokenizers.Digits(individual_digits=True)
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence([digits, level])
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(LINES.splitlines(keepends=True), trainers.BpeTrainer(
        vocab_size=499, special_tokens=[AddedToken(t, normalized=False, special=True) for t in SPECIAL],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    made.add_tokens([AddedToken(t, normalized=False) for t in ADDED])
    made.save(folder + "/tiny_tokenizer.json", pretty=False)
    all_texts = TEXTS + [LINES]
    with_digits = [made.encode(t).ids for t in all_texts]
    made.pre_tokenizer = level
    rows = [[t, a, made.encode(t).ids] for t, a in zip(all_texts, with_digits)]
    with open(folder + "/tiny_tokens.json", "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")


if __name__ == "__main__":
    main(sys.argv[1])
