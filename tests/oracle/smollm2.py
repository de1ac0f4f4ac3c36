#!/usr/bin/env python3
"""Golden values of SmolLM2-135M (dequantised from its GGUF file) from transformers, fp32, eager attention.

tests/oracle/smollm2.py MODEL.gguf OUTPUT.safetensors   (torch, transformers, tokenizers, safetensors, gguf)

For each of five texts n: `n.ids`; by position `n.loss` (of the token that follows), `n.top` and `n.top_logit` (the five largest),
`n.log_sum_exp`; for the last 24 positions `n.logits` at the vocabulary entries `entries`.
"""
import sys

import gguf
import torch
import transformers
from gguf_model import load_model, load_tokenizer
from safetensors.torch import save_file

TEXTS = [
    "The capital of France is Paris, and the capital of Italy is",
    "<|im_start|>user\nWhat is 12 + 30?<|im_end|>\n<|im_start|>assistant\n12 + 30 = 42.<|im_end|>",
    "for (int i = 0; i < n; ++i) {\n\tsum += x[i] * y[i];  // naïve, 日本語\n}",
    "Theorem. There are infinitely many primes. Proof. Suppose p_1, ..., p_k were all of them; then "
    "p_1 p_2 ... p_k + 1 has a new one.",
    "It was a dark and stormy night; the rain fell in torrents, except at occasional intervals, when it was checked by a violent gust of "
    "wind which swept up the streets, rattling along the house-tops, and fiercely agitating the scanty flame of the lamps that struggled "
    "against the darkness. Through one of the obscurest quarters of London, and among haunts little loved by the gentlemen of the police, a "
    "man, evidently of the lowest orders, was wending his solitary way. He stopped twice or thrice at different shops and houses of a "
    "description correspondent with the appearance of the quartier in which they were situated, and tended inquiry for some article or "
    "another which did not seem easily to be met with.",
]


def golden(model, tokenizer):
    count = model.config.vocab_size
    entries = torch.arange(256) * (count // 256) + 7
    out = {"entries": entries.int()}
    for n, text in enumerate(TEXTS):
        ids = torch.tensor(tokenizer.encode(text).ids)
        with torch.no_grad():
            logits = model(ids[None]).logits[0]
        top = logits.topk(5)
        out[f"{n}.ids"] = ids.int()
        out[f"{n}.loss"] = torch.nn.functional.cross_entropy(logits[:-1], ids[1:], reduction="none")
        out[f"{n}.top"], out[f"{n}.top_logit"] = top.indices.int(), top.values
        out[f"{n}.log_sum_exp"] = logits.logsumexp(-1)
        out[f"{n}.logits"] = logits[-24:, entries].contiguous()
        print(f"{len(ids)} tokens, loss {out[f'{n}.loss'].mean():.4f}, next: {tokenizer.decode([top.indices[-1, 0].item()])!r}")
    return out


if __name__ == "__main__":
    reader = gguf.GGUFReader(sys.argv[1])
    values = golden(load_model(reader), load_tokenizer(reader))
    save_file(values, sys.argv[2], metadata={"torch": torch.__version__, "transformers": transformers.__version__})
