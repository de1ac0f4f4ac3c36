#!/usr/bin/env python3
"""Loads the config.json of each position policy in transformers and compares angles and temperatures with ours.

tests/oracle/positions_exported.py FOLDER   (torch, transformers)

FOLDER is what positions_exported.cpp wrote. Each file is loaded as it is and in each of the two spellings alone: `rope_parameters` of
transformers 5, and `rope_theta` with `rope_scaling` of before. transformers computes in fp32.
"""
import json
import logging
import pathlib
import sys
import tempfile

import torch
import transformers
from transformers import AutoConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding


class heard(logging.Handler):
    """What transformers warns of: a key that it does not know would be a mistake of ours."""

    def __init__(self):
        super().__init__()
        self.said = []

    def emit(self, record):
        self.said.append(record.getMessage())


# A factor that is not extended / trained is meant; and proportional's own function reads a factor that the check of keys does not know.
MEANT = ("does not match", "'rope_type'='proportional': {'factor'}")


def spellings(config):
    new = {k: v for k, v in config.items() if k not in ("rope_theta", "rope_scaling")}
    old = {k: v for k, v in config.items() if k != "rope_parameters"}
    return {"both": config, "new": new, "old": old}


def compare(folder, warnings):
    ours = json.loads((folder / "ours.json").read_text())
    bad = []
    for spelling, config in spellings(json.loads((folder / "config.json").read_text())).items():
        with tempfile.TemporaryDirectory() as alone:
            (pathlib.Path(alone) / "config.json").write_text(json.dumps(config))
            warnings.said.clear()
            rotary = LlamaRotaryEmbedding(AutoConfig.from_pretrained(alone))
        bad += [f"{folder.name}, {spelling}: {w}" for w in warnings.said if not any(m in w for m in MEANT)]
        length = int(ours["length"])
        # As in a forward pass, where dynamic and longrope look at how long the sequence is.
        cosine, sine = rotary(torch.zeros(1), torch.arange(length)[None])
        wanted = torch.tensor(ours["frequencies"], dtype=torch.float64)
        apart = ((rotary.inv_freq.double() - wanted).abs() / wanted.clamp(min=1e-300)).max().item()
        if not apart < 3e-6:  # a few times ln(1e7) 2^-24
            bad.append(f"{folder.name}, {spelling}: frequencies are {apart:.1e} apart")
        if abs(rotary.attention_scaling - ours["alpha"]) > 1e-9:
            bad.append(f"{folder.name}, {spelling}: temperature {rotary.attention_scaling} where ours is {ours['alpha']}")
        # The slowest pair at the last position; its angle is a few turns at most.
        last = len(wanted) - 1
        if abs(cosine[0, -1, last].item() - ours["cosine"]) > 1e-4 or abs(sine[0, -1, last].item() - ours["sine"]) > 1e-4:
            bad.append(f"{folder.name}, {spelling}: another angle at the end")
    return bad


if __name__ == "__main__":
    folders = sorted(p.parent for p in pathlib.Path(sys.argv[1]).glob("*/config.json"))
    warnings = heard()
    transformers.logging.get_logger("transformers").addHandler(warnings)
    bad = [line for folder in folders for line in compare(folder, warnings)]
    print("\n".join(bad[:20] + [f"{len(folders)} configurations in three spellings, {len(bad)} differences"]))
    sys.exit(1 if bad or len(folders) < 60 else 0)
