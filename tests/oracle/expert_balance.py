#!/usr/bin/env python3
"""Balance losses of routers, and their gradients, from Megatron-core: two sequences of 24 tokens, 7 experts, 3 chosen.

tests/oracle/expert_balance.py OUTPUT_FILE   (torch, megatron-core, safetensors)
"""
import sys

import torch
from megatron.core.transformer.moe.moe_utils import (compute_routing_scores_for_aux_loss, switch_load_balancing_loss_func,
                                                     z_loss_func)
from safetensors.torch import save_file

SEQUENCES, LENGTH, EXPERTS, CHOSEN = 2, 24, 7, 3


def loss(scores, counts, tokens):
    return switch_load_balancing_loss_func(scores, counts, tokens, CHOSEN, EXPERTS, 1.0)


def losses(logits, kind):
    """By name, of logits (sequences, length, experts); global_batch as of micro-batches of a sequence each."""
    chosen, scores = compute_routing_scores_for_aux_loss(logits.reshape(-1, EXPERTS), CHOSEN, kind)
    of_sequence = chosen.reshape(SEQUENCES, LENGTH, EXPERTS).sum(dim=1)
    by_sequence = scores.reshape(SEQUENCES, LENGTH, EXPERTS)
    # As the router does: sequences beside experts, and the mean.
    flat = by_sequence.transpose(0, 1).reshape(LENGTH, -1)
    found = {"sequence": loss(flat, of_sequence.reshape(-1), LENGTH) / SEQUENCES,
             "micro_batch": loss(scores, chosen.sum(dim=0), SEQUENCES * LENGTH),
             "z": z_loss_func(logits.reshape(-1, EXPERTS), 1.0)}
    so_far, total = torch.zeros(EXPERTS), 0.0
    for s in range(SEQUENCES):  # counts add up over micro-batches, and their mean is taken
        so_far = so_far + of_sequence[s]
        total = total + loss(by_sequence[s], so_far / (s + 1), LENGTH) / SEQUENCES
    return found | {"global_batch": total}


def main():
    torch.manual_seed(41)
    logits = 1.5 * torch.randn(SEQUENCES, LENGTH, EXPERTS, dtype=torch.float64) + torch.linspace(0, 1, EXPERTS, dtype=torch.float64)
    out = {"logits": logits.reshape(-1, EXPERTS)}
    for kind in ("softmax", "sigmoid"):
        for name in losses(logits, kind):
            x = logits.clone().requires_grad_()
            value = losses(x, kind)[name]
            value.backward()
            out[f"{kind}.{name}"] = value.detach().double().reshape(1)
            out[f"{kind}.{name}.gradient"] = x.grad.reshape(-1, EXPERTS)
    save_file({name: v.float().contiguous() for name, v in out.items()}, sys.argv[1])


if __name__ == "__main__":
    main()
