#!/usr/bin/env python3
"""Weights in eight bits with a scale for each 128 x 128 of them: as transformers writes and reads them (FineGrainedFP8Config), scales in
float32 and as powers of two in eight bits, and one that 128 does not divide, as DeepSeek-V3's own code has it.

tests/oracle/fp8_weights.py OUTPUT.safetensors   (torch, transformers, safetensors)
"""
import sys
from types import SimpleNamespace

import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import save_file
from transformers.integrations.finegrained_fp8 import Fp8Dequantize, Fp8Quantize

torch.manual_seed(3)
out = {}


def keep(name, tensors, expected):
    """One tensor's bytes, scales and values."""
    out[name + ".weight"], out[name + ".weight_scale_inv"], out[name + ".expected"] = *tensors, expected


for name, form in (("floats", "float"), ("powers", "ue8m0")):
    config = SimpleNamespace(quantization_config=SimpleNamespace(weight_block_size=(128, 128), scale_fmt=form))
    w = torch.randint(-1000, 1001, (128, 256)) / torch.randint(100, 30_000, (128, 1))
    made = Fp8Quantize(config)._quantize_one("w.weight", w)
    bytes_, scales = made["w.weight"], made["w.weight_scale_inv"]
    keep(name, (bytes_, scales), Fp8Dequantize(config)._dequantize_one(bytes_, scales, torch.float32))

# The last tiles are smaller: DeepSeek's kernels mask what lies beyond the edge, zeros here.
w = torch.randint(-1000, 1001, (130, 140)) / 300
scales = F.pad(w, (0, 116, 0, 126)).view(2, 128, 2, 128).abs().amax(dim=(1, 3)) / 448
by_value = scales.repeat_interleave(128, 0).repeat_interleave(128, 1)[:130, :140]
bytes_ = (w / by_value).to(torch.float8_e4m3fn)
keep("edges", (bytes_, scales), bytes_.float() * by_value)
save_file(out, sys.argv[1], metadata={"torch": torch.__version__, "transformers": transformers.__version__})
