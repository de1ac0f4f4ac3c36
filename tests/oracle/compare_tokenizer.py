#!/usr/bin/env python3
"""Compares what tests/smollm2/tokenizer.cpp wrote with Hugging Face's tokenizers, token for token.

The oracle is built by hand from the .gguf file's own vocabulary and merges: digits alone, then GPT-2's pattern. It is also compared
with the tokenizer.json that we wrote. Texts must be UTF-8.

tests/oracle/compare_tokenizer.py MODEL.gguf FOLDER TEXT...   (tokenizers)
"""
import array
import struct
import sys
import time

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers


def metadata(path):
    """The metadata of a GGUF file (gguf.md in the ggml project)."""
    data, at = open(path, "rb").read(), 8

    def number(code):
        nonlocal at
        (x,), at = struct.unpack_from("<" + code, data, at), at + struct.calcsize(code)
        return x

    def text():
        nonlocal at
        n = number("Q")
        at += n
        return data[at - n:at].decode()

    def value(kind):
        if kind == 8:
            return text()
        if kind == 9:
            kind, n = number("I"), number("Q")
            return [value(kind) for _ in range(n)]
        return number({0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}[kind])

    number("Q")
    return {text(): value(number("I")) for _ in range(number("Q"))}


def oracle(path):
    m = metadata(path)
    tokens = m["tokenizer.ggml.tokens"]
    made = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, [tuple(x.split(" ")) for x in m["tokenizer.ggml.merges"]]))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(t, normalized=False, special=True)
                             for t, kind in zip(tokens, m["tokenizer.ggml.token_type"]) if kind == 3])
    return made


def main(model, folder, texts):
    ours, different = Tokenizer.from_file(folder + "/tokenizer.json"), 0
    for n, path in enumerate(texts):
        text = open(path, encoding="utf-8", newline="").read()
        start = time.time()
        expected = oracle(model).encode(text, add_special_tokens=False).ids
        seconds = time.time() - start
        ids = array.array("i")
        ids.frombytes(open(f"{folder}/{n}.ids", "rb").read())
        equal = ids.tolist() == expected and ours.encode(text, add_special_tokens=False).ids == expected
        different += not equal
        print(f"{path}: {len(expected)} tokens, {'equal' if equal else 'DIFFERENT'} ({len(text.encode()) / 1e6 / seconds:.1f} MB/s there)")
        for i, (a, b) in enumerate(zip(ids, expected)):
            if a != b:
                print(f"  first at {i}: ours {ids[i - 3:i + 5].tolist()}, theirs {expected[i - 3:i + 5]}")
                break
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
