#!/usr/bin/env python3
"""A linear layer's three products in eight bits as PyTorch does them: one scale a tensor (e4m3, gradients in e5m2), and by tiles of 1 x 128
and 128 x 128 in e4m3 as DeepSeek-V3's report says (section 3.3.2), with scales as they are and as powers of two. Quantised bytes, scales and
products; of the form by tensor also what torch._scaled_mm says.

tests/oracle/fp8_products.py OUTPUT.safetensors   (torch, safetensors)
"""
import math
import sys

import torch
from safetensors.torch import save_file

torch.manual_seed(11)
torch.set_num_threads(1)
tokens, inputs, outputs, tile = 136, 140, 132, 128
e4m3, e5m2 = torch.float8_e4m3fn, torch.float8_e5m2


def spread(rows, columns, largest):
    """Rows and columns of very different sizes, and a few values far from the others; the same on every processor."""
    powers = torch.tensor([2.0**n for n in range(-3, 4)])
    x = torch.randint(-127, 128, (rows, columns)) / 127 * powers[torch.randint(7, (rows, 1))] * powers[torch.randint(7, (1, columns))]
    return (torch.where(torch.randint(500, (rows, columns)) == 0, 50 * x, x) * largest).bfloat16()


x, w, dy = spread(tokens, inputs, 1.0), spread(outputs, inputs, 0.02), spread(tokens, outputs, 1e-5)
x[3, :tile] = 0
dy[:tile, 5] = 0
w[tile:, tile:] = 0


def quantised(of, kind, high, wide, power):
    """Bytes and scales by tiles of high x wide values, each as large as its scale says."""
    of = of.float()
    down, across = -(-of.shape[0] // high), -(-of.shape[1] // wide)
    padded = torch.zeros(down * high, across * wide)
    padded[: of.shape[0], : of.shape[1]] = of
    scale = padded.view(down, high, across, wide).abs().amax(dim=(1, 3)) / torch.finfo(kind).max
    if power:
        scale.apply_(lambda s: 2.0 ** (math.frexp(s)[1] - (math.frexp(s)[0] == 0.5)) if s > 0 else s)
    scale = torch.where(scale == 0, 1.0, scale)
    by_value = scale.repeat_interleave(high, 0).repeat_interleave(wide, 1)[: of.shape[0], : of.shape[1]]
    return (of / by_value).to(kind), scale


def added(a, a_scale, b, b_scale, step):
    """a (m, k) times b (n, k) transposed: products of each tile along k in float, times both scales, added in order."""
    def by_row(scale, rows):
        each = {1: rows, rows: 1}.get(scale.shape[0], tile)
        return scale.repeat_interleave(each, 0)[:rows]

    total = torch.zeros(a.shape[0], b.shape[0])
    of_a, of_b = by_row(a_scale, a.shape[0]), by_row(b_scale, b.shape[0])
    for n, k in enumerate(range(0, a.shape[1], step)):
        total += (a[:, k : k + step].float() @ b[:, k : k + step].float().T) * (of_a[:, n, None] * of_b[None, :, n])
    return total


out = {"x": x, "w": w, "dy": dy}
for form, power in (("tensor", False), ("block", False), ("block_ue8m0", True)):
    whole, gradient = form == "tensor", e5m2 if form == "tensor" else e4m3

    def operand(of, kind, tall, wide):
        return quantised(of, kind, of.shape[0] if whole else tall, of.shape[1] if whole else wide, power)

    weight = operand(w, e4m3, tile, tile)
    products = {
        "layer": (operand(x, e4m3, 1, tile), False, weight, False),
        "input_gradient": (operand(dy, gradient, 1, tile), False, weight, True),
        "weight_gradient": (operand(dy, gradient, tile, 1), True, operand(x, e4m3, tile, 1), True),
    }
    for name, (a, turn_a, b, turn_b) in products.items():
        for side, (values, scale) in (("a", a), ("b", b)):
            out[f"{form}.{name}.{side}"], out[f"{form}.{name}.{side}_scale"] = values.view(torch.uint8), scale
        if form == "block_ue8m0":
            continue
        (a, a_scale), (b, b_scale) = ((v.T, s.T) if turn else (v, s) for (v, s), turn in ((a, turn_a), (b, turn_b)))
        out[f"{form}.{name}.c"] = added(a, a_scale, b, b_scale, a.shape[1] if whole else tile)
        if whole and name == "layer":
            # torch's own product wants sizes that 16 divides; zeros add nothing.
            wide = [torch.nn.functional.pad(m.view(torch.uint8), (0, -m.shape[1] % 16, 0, -m.shape[0] % 16)).view(e4m3) for m in (a, b)]
            theirs = torch._scaled_mm(wide[0], wide[1].T, a_scale.squeeze(), b_scale.squeeze(), out_dtype=torch.float32)
            out["tensor.layer.scaled_mm"] = theirs[: a.shape[0], : b.shape[0]].contiguous()
out = {k: v.contiguous().clone() for k, v in out.items()}
save_file(out, sys.argv[1], metadata={"torch": torch.__version__})
