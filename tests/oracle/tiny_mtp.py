#!/usr/bin/env python3
"""Golden values of multi-token prediction behind tiny random models of transformers: of its own module behind a DeepSeek-V3, which transformers
has for drafting with one of them; and, for several and for MiMo's, of a plain PyTorch module from the equations of DeepSeek-V3
(arXiv 2412.19437, eq. 21 to 25), the halves of the concatenation in the order of the released weights, or in that of MiMo.

tests/oracle/tiny_mtp.py OUTPUT_FOLDER [NAME...]   (torch, transformers, safetensors)
"""
import sys

import torch
import transformers
from safetensors.torch import save_file
from torch import nn
from transformers import DeepseekV3Config, DeepseekV3ForCausalLM, LlamaForCausalLM, LlamaConfig, Qwen2Config, Qwen2ForCausalLM
from transformers.modeling_layers import MtpModel
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, LlamaRMSNorm
from transformers.models.qwen2.modeling_qwen2 import Qwen2DecoderLayer, Qwen2RMSNorm

import tiny_experts
import tiny_latent
import tiny_models

WEIGHT, VOCABULARY, LENGTH = 0.3, 96, 24
DEEPSEEK = ("model.layers.{}.", "enorm", "hnorm", "eh_proj", "shared_head.norm", "shared_head.head")
MIMO = ("model.mtp_layers.{}.", "token_layernorm", "hidden_layernorm", "input_proj", "final_layernorm", "lm_head")


class Module(nn.Module):
    """h'(t) = block(w [norm(embedding of t + k), norm(h(t))]), eq. 21 and 22; what stands before the head is normed."""

    def __init__(self, config, layer, norm, own_head):
        super().__init__()
        d = config.hidden_size
        self.of_embedding, self.of_hidden, self.last = (norm(d, eps=config.rms_norm_eps) for _ in range(3))
        self.project, self.block = nn.Linear(2 * d, d, bias=False), layer(config, 0)
        self.head = nn.Linear(d, config.vocab_size, bias=False) if own_head else None

    def forward(self, hidden, embedding, turning, embedding_first):
        halves = self.of_embedding(embedding), self.of_hidden(hidden)
        x = self.project(torch.cat(halves if embedding_first else halves[::-1], -1))
        n = x.shape[1]
        mask = torch.full((1, 1, n, n), float("-inf")).triu(1)
        return self.block(x, attention_mask=mask, position_embeddings=turning(x, torch.arange(n)[None]))


def named(model, modules, words, first):
    names = {name: p for name, p in model.named_parameters()}
    at, embedding, hidden, project, last, head = words
    for k, m in enumerate(modules):
        front = at.format(first + k)
        parts = {"of_embedding": embedding, "of_hidden": hidden, "last": last, "project": project, "head": head}
        for name, p in m.named_parameters():
            part, _, rest = name.partition(".")
            names[front + (rest if part == "block" else f"{parts[part]}.{rest}")] = p
    return names


def cross_entropy(logits, wanted):
    return nn.functional.cross_entropy(logits.reshape(-1, VOCABULARY), wanted.reshape(-1), ignore_index=-100, reduction="sum")


def tokens():
    inputs, targets = torch.randint(0, VOCABULARY, (2, LENGTH)), torch.randint(0, VOCABULARY, (2, LENGTH))
    targets[0, 3] = targets[1, 17] = -100
    return inputs, targets


def golden(model, layer, norm, words, depth, own_head):
    torch.manual_seed(3)
    config = model.config
    modules = nn.ModuleList(Module(config, layer, norm, own_head) for _ in range(depth))
    names = named(model, modules, words, config.num_hidden_layers if words is DEEPSEEK else 0)
    for p in modules.parameters():
        p.data.copy_(1 + 0.2 * torch.randn_like(p) if p.dim() == 1 else 0.2 * torch.randn_like(p))
    inputs, targets = tokens()
    out = {"input": inputs.int(), "target": targets.int()} | {"weight." + name: p.detach().clone() for name, p in names.items()}
    count = (targets >= 0).sum()
    hidden = model.model(inputs).last_hidden_state  # behind the final norm
    embedding = model.get_input_embeddings()(inputs)
    main, further = cross_entropy(model.lm_head(hidden), targets), []
    for k, m in enumerate(modules, 1):
        hidden = m(hidden[:, : LENGTH - k], embedding[:, k:], model.model.rotary_emb, words is DEEPSEEK)
        further.append(cross_entropy((m.head or model.lm_head)(m.last(hidden)), targets[:, k:]))
    (main / count + WEIGHT / depth * sum(further) / count).backward()  # eq. 24 and 25
    out["loss"], out["further"] = main.detach().reshape(1), torch.stack(further).detach()
    return out | {"gradient." + name: p.grad.clone() for name, p in names.items()}


def deepseek():  # two modules, each with a head of its own
    torch.manual_seed(51)
    model = LlamaForCausalLM(LlamaConfig(**(tiny_models.RELATIVE | dict(tie_word_embeddings=False)), rope_theta=10000.0))
    return golden(model, LlamaDecoderLayer, LlamaRMSNorm, DEEPSEEK, 2, True)


def mimo():  # one module, and the head is the embedding's table
    torch.manual_seed(52)
    return golden(Qwen2ForCausalLM(Qwen2Config(**tiny_models.RELATIVE)), Qwen2DecoderLayer, Qwen2RMSNorm, MIMO, 1, False)


def transformers_own():  # the released form: latent attention, experts, halves in the order of the weights
    torch.manual_seed(53)
    sizes = tiny_latent.SMALL | dict(num_mtp_layers=1)
    model = DeepseekV3ForCausalLM(DeepseekV3Config(**sizes, num_hidden_layers=2, first_k_dense_replace=1, q_lora_rank=8,
                                                   rope_parameters=tiny_latent.PLAIN))
    module = MtpModel(model, 1)
    block = module.layers[0]
    for p in block.parameters():
        p.data.copy_(1 + 0.2 * torch.randn_like(p) if p.dim() == 1 else 0.2 * torch.randn_like(p))
    rename = lambda name: "model.layers.2." + name.removeprefix("mtp_block.").replace("post_norm", "shared_head.norm")
    names = {name: p for name, p in model.named_parameters()} | {rename(name): p for name, p in block.named_parameters()}
    biases = {name: b for name, b in model.named_buffers() if name.endswith("e_score_correction_bias")}
    biases |= {rename(name): b for name, b in block.named_buffers() if name.endswith("e_score_correction_bias")}
    for b in biases.values():
        b.copy_(0.1 * torch.randn_like(b))
    inputs, targets = tokens()
    count = (targets >= 0).sum()
    hidden = model.model(inputs).last_hidden_state
    main = cross_entropy(model.lm_head(hidden), targets)
    places = torch.arange(1, LENGTH)[None]
    seen = module.forward_layer(0, hidden[:, :-1], places, None, input_ids=inputs[:, 1:])
    further = cross_entropy(module._project_to_logits(seen), targets[:, 1:])
    (main / count + WEIGHT * further / count).backward()
    out = {"weight." + name: p.detach().clone() for name, p in (names | biases).items()}
    out |= {"gradient." + name: p.grad.clone() for name, p in names.items()} | {"gradient." + n: torch.zeros_like(b) for n, b in biases.items()}
    out = tiny_experts.split(out)
    return out | {"input": inputs.int(), "target": targets.int(), "loss": main.detach().reshape(1), "further": further.detach().reshape(1)}


if __name__ == "__main__":
    made = {"torch": torch.__version__, "transformers": transformers.__version__}
    only = sys.argv[2:]
    for name, make in (("tiny_mtp_deepseek", deepseek), ("tiny_mtp_mimo", mimo), ("tiny_mtp_transformers", transformers_own)):
        if not only or name in only:
            save_file(make(), f"{sys.argv[1]}/{name}.safetensors", metadata=made)
