#!/usr/bin/env python3
"""Eight-bit floats of PyTorch: every value, and what each bfloat16 and some float32 become.

tests/oracle/fp8.py OUTPUT.safetensors   (torch, safetensors)
"""
import sys

import torch
from safetensors.torch import save_file

every = torch.arange(1 << 16, dtype=torch.int32).to(torch.uint16).view(torch.bfloat16)
torch.manual_seed(8)
some = torch.randn(4096) * torch.exp2(torch.randint(-20, 18, (4096,)).float())
out = {"some": some}
for name, kind in (("e4m3", torch.float8_e4m3fn), ("e5m2", torch.float8_e5m2)):
    out[name + ".values"] = torch.arange(256, dtype=torch.int32).to(torch.uint8).view(kind).float()
    out[name + ".of_bf16"] = every.float().to(kind).view(torch.uint8)
    out[name + ".of_some"] = some.to(kind).view(torch.uint8)
save_file(out, sys.argv[1], metadata={"torch": torch.__version__})
