#!/usr/bin/env python3
"""Golden values from PyTorch and transformers for tiny random models of the dense families, as tiny_models.py makes them, under the names that
checkpoints have.

tests/oracle/tiny_dense.py OUTPUT_FOLDER [NAME...]   (torch, transformers, safetensors)
"""
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import (Gemma2Config, Gemma2ForCausalLM, GraniteConfig, GraniteForCausalLM, HunYuanDenseV1Config, HunYuanDenseV1ForCausalLM,
                          LlamaConfig, LlamaForCausalLM, NemotronConfig, NemotronForCausalLM, Olmo2Config, Olmo2ForCausalLM, Olmo3Config,
                          Olmo3ForCausalLM, OlmoConfig, OlmoForCausalLM, Phi3Config, Phi3ForCausalLM)
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.gpt_oss import modeling_gpt_oss

import tiny_models

# Five heads of four or six values, so that a stride of the wrong width shows.
SMALL = dict(num_hidden_layers=2, hidden_size=20, num_attention_heads=5, num_key_value_heads=1, intermediate_size=28, vocab_size=96,
             tie_word_embeddings=True, max_position_embeddings=64, initializer_range=0.2, attn_implementation="eager", bos_token_id=None,
             pad_token_id=None, eos_token_id=3)
RMS = SMALL | dict(rms_norm_eps=1e-5)
PLAIN = {"rope_type": "default", "rope_theta": 10000.0}


def make_llama3():  # its positions, and biases everywhere
    return LlamaForCausalLM(LlamaConfig(**RMS, head_dim=6, attention_bias=True, mlp_bias=True, rope_parameters={
        "rope_type": "llama3", "rope_theta": 10000.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 16}))


def make_olmo():
    return OlmoForCausalLM(OlmoConfig(**SMALL, rope_parameters=PLAIN))


def make_olmo2():
    return Olmo2ForCausalLM(Olmo2Config(**(RMS | dict(tie_word_embeddings=False)), rope_parameters=PLAIN))


def make_olmo3():  # windows turn by plain rope, the others by YaRN
    return Olmo3ForCausalLM(Olmo3Config(**RMS, sliding_window=7, layer_types=["sliding_attention", "full_attention"], rope_parameters={
        "sliding_attention": {"rope_type": "default", "rope_theta": 100.0},
        "full_attention": {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 16}}))


def make_phi3():  # fused projections, a window, and half of each head turns
    return Phi3ForCausalLM(Phi3Config(**RMS, sliding_window=7, rope_parameters=PLAIN | {"partial_rotary_factor": 0.5}))


def make_nemotron():
    return NemotronForCausalLM(NemotronConfig(**SMALL, head_dim=8, norm_eps=1e-5, mlp_bias=True,
                                              rope_parameters=PLAIN | {"partial_rotary_factor": 0.5}))


def make_granite():
    return GraniteForCausalLM(GraniteConfig(**RMS, embedding_multiplier=3.0, residual_multiplier=0.4, attention_multiplier=0.3,
                                            logits_scaling=1.7, attention_bias=True, mlp_bias=True, rope_parameters=PLAIN))


def make_gemma2():
    return Gemma2ForCausalLM(Gemma2Config(**RMS, head_dim=6, sliding_window=7, layer_types=["sliding_attention", "full_attention"],
                                          query_pre_attn_scalar=10, attn_logit_softcapping=2.0, final_logit_softcapping=1.5,
                                          rope_parameters=PLAIN))


def make_hunyuan():  # norms of heads behind the turning
    return HunYuanDenseV1ForCausalLM(HunYuanDenseV1Config(**RMS, head_dim=6, attention_bias=True, rope_parameters=PLAIN))


def make_sinks():  # Llama with the attention of gpt-oss, whose heads have a learned logit beside the scores
    ALL_ATTENTION_FUNCTIONS.register("sinks", modeling_gpt_oss.eager_attention_forward)
    model = LlamaForCausalLM(LlamaConfig(**RMS, head_dim=6, rope_parameters=PLAIN))
    model.config._attn_implementation = "sinks"
    for layer in model.model.layers:
        layer.self_attn.sinks = torch.nn.Parameter(torch.randn(5))
    model.config._attn_implementation_internal = "sinks"
    return model


MODELS = dict(tiny_llama3=make_llama3, tiny_olmo=make_olmo, tiny_olmo2=make_olmo2, tiny_olmo3=make_olmo3, tiny_phi3=make_phi3,
              tiny_nemotron=make_nemotron, tiny_granite=make_granite, tiny_gemma2=make_gemma2, tiny_hunyuan=make_hunyuan,
              tiny_sinks=make_sinks)


def golden(name, seed):
    torch.manual_seed(seed)
    model = MODELS[name]()
    if name == "tiny_sinks":  # llama's own mask stands, which is eager's
        from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, eager_mask
        ALL_MASK_ATTENTION_FUNCTIONS.register("sinks", eager_mask)
    return {key: values.contiguous() for key, values in tiny_models.golden(model).items()}


if __name__ == "__main__":
    made = {"torch": torch.__version__, "transformers": transformers.__version__}
    for seed, name in enumerate(MODELS):
        if len(sys.argv) < 3 or name in sys.argv[2:]:
            # With 50 gradients of keys' biases are a twentieth of what they are summed from, and float has no digits left for a bound of 1e-5.
            seed = 60 if name == "tiny_llama3" else 50 + seed
            save_file(golden(name, seed), f"{sys.argv[1]}/{name}.safetensors", metadata=made)
