#!/usr/bin/env python3
"""Golden values of what transformers' models do to attention's scores.

tests/oracle/scores.py OUTPUT.json   (torch, transformers)

`alibi`: by the number of heads, the slopes of Bloom. `temperature`: by position, by how much a Llama 4 layer without rotation multiplies its
queries. `soft_cap`: queries, keys, values and a gradient of Gemma 2's attention, its output and the three gradients, all as
(head, token, size) in double.
"""
import json
import sys

import torch
import transformers
from transformers import Gemma2Config, Llama4TextConfig
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.bloom.modeling_bloom import build_alibi_tensor
from transformers.models.gemma2.modeling_gemma2 import Gemma2Attention, eager_attention_forward
from transformers.models.llama4.modeling_llama4 import Llama4TextAttention


def alibi(heads):
    two = build_alibi_tensor(torch.ones(1, 2), heads, torch.float32)  # slope * position, of positions 0 and 1
    return two[:, 0, 1].tolist()


def temperature(scale, floor, places):
    config = Llama4TextConfig(hidden_size=8, num_attention_heads=1, num_key_value_heads=1, head_dim=8, num_hidden_layers=4, no_rope_layers=[1, 1, 1, 0],
                              attn_scale=scale, floor_scale=floor, attn_temperature_tuning=True)
    seen = {}

    def keep(module, query, key, value, mask, **_):
        seen["query"] = query
        return query.transpose(1, 2), None

    ALL_ATTENTION_FUNCTIONS.register("kept", keep)
    config._attn_implementation = "kept"
    torch.manual_seed(1)
    layer = Llama4TextAttention(config, 3).double()
    x = torch.randn(1, len(places), 8, dtype=torch.float64)
    # The layer takes its positions from the mask's or the cache's length, so each place is asked for alone, behind so many tokens.
    values = []
    for n, place in enumerate(places):
        class Behind:
            def get_seq_length(self, *_):
                return place

            def update(self, key, value, *_, **__):
                return key, value

        with torch.no_grad():
            one = x[:, n:n + 1]
            layer(one, None, None, Behind())
            values.append((seen["query"][0, 0, 0] / layer.q_proj(one)[0, 0]).mean().item())
    return values


def soft_cap(cap):
    torch.manual_seed(2)
    heads, tokens, size = 2, 9, 4
    module = Gemma2Attention(Gemma2Config(hidden_size=8, num_attention_heads=heads, num_key_value_heads=heads, head_dim=size, num_hidden_layers=1), 0)
    module.eval()
    q, k, v, d = (3 * torch.randn(1, heads, tokens, size, dtype=torch.float64) for _ in range(4))
    for x in (q, k, v):
        x.requires_grad_()
    mask = torch.full((tokens, tokens), -torch.inf, dtype=torch.float64).triu(1)[None, None]
    # Its softmax is in fp32; here in double, as all else.
    plain = torch.nn.functional.softmax
    torch.nn.functional.softmax = lambda x, dim, dtype=None: plain(x, dim=dim)
    out, _ = eager_attention_forward(module, q, k, v, mask, dropout=0.0, scaling=size**-0.5, softcap=cap)
    torch.nn.functional.softmax = plain
    out = out.transpose(1, 2)
    out.backward(d)
    flat = {"query": q, "key": k, "value": v, "gradient": d, "output": out, "dquery": q.grad, "dkey": k.grad, "dvalue": v.grad}
    return {"cap": cap, "heads": heads, "tokens": tokens, "size": size, **{name: x.flatten().tolist() for name, x in flat.items()}}


if __name__ == "__main__":
    places = [0, 1, 62, 63, 64, 126, 127, 500, 1000, 4095, 8190, 8191, 16383, 100_000]
    out = {"transformers": transformers.__version__,
           "alibi": [{"heads": h, "slopes": alibi(h)} for h in (1, 2, 3, 5, 6, 7, 8, 12, 16, 20, 32, 40)],
           "temperature": [{"scale": s, "floor": f, "places": places, "factors": temperature(s, f, places)} for s, f in ((0.1, 8192), (0.5, 64))],
           "soft_cap": [soft_cap(c) for c in (50.0, 2.0)]}
    with open(sys.argv[1], "w") as f:
        json.dump(out, f, indent=None)
        f.write("\n")
