"""SmolLM2 from its GGUF file, by other people's code: gguf reads and dequantises, transformers runs, tokenizers splits text."""
import gguf
import numpy
import tokenizers
import torch
from tokenizers import AddedToken, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM


def scalar(reader, key):
    field = reader.fields[key]
    return field.parts[field.data[0]][0].item()


def texts(reader, key):
    field = reader.fields[key]
    return [bytes(field.parts[i]).decode("utf-8") for i in field.data]


def turned_back(w, heads):
    """GGUF pairs neighbouring rows of q and k for its rotation; transformers pairs the halves of a head."""
    return w.reshape(heads, w.shape[0] // heads // 2, 2, w.shape[1]).swapaxes(1, 2).reshape(w.shape)


def hf_name(name):
    whole = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
    layer = {"attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
             "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj",
             "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}
    stem = name.removesuffix(".weight")
    if stem in whole:
        return whole[stem] + ".weight"
    _, number, part = stem.split(".")
    return f"model.layers.{number}.{layer[part]}.weight"


def load_model(reader):
    heads, kv_heads = scalar(reader, "llama.attention.head_count"), scalar(reader, "llama.attention.head_count_kv")
    weights = {}
    for t in reader.tensors:
        w = gguf.dequantize(t.data, t.tensor_type).astype(numpy.float32)
        if "attn_q" in t.name or "attn_k" in t.name:
            w = turned_back(w, heads if "attn_q" in t.name else kv_heads)
        weights[hf_name(t.name)] = torch.from_numpy(numpy.ascontiguousarray(w))
    tied = "lm_head.weight" not in weights
    model = LlamaForCausalLM(LlamaConfig(
        num_hidden_layers=scalar(reader, "llama.block_count"), hidden_size=scalar(reader, "llama.embedding_length"),
        num_attention_heads=heads, num_key_value_heads=kv_heads, intermediate_size=scalar(reader, "llama.feed_forward_length"),
        vocab_size=weights["model.embed_tokens.weight"].shape[0], max_position_embeddings=scalar(reader, "llama.context_length"),
        rms_norm_eps=1e-5, rope_theta=scalar(reader, "llama.rope.freq_base"), tie_word_embeddings=tied, attn_implementation="eager",
        dtype="float32"))
    assert abs(scalar(reader, "llama.attention.layer_norm_rms_epsilon") - 1e-5) < 1e-10
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected and set(missing) == ({"lm_head.weight"} if tied else set()), (missing, unexpected)
    model.tie_weights()
    return model.eval()


def load_tokenizer(reader):
    """Single digits, then the pattern of GPT-2 (transformers' own conversion of GGUF leaves the digits out)."""
    vocabulary, kinds = texts(reader, "tokenizer.ggml.tokens"), reader.fields["tokenizer.ggml.token_type"]
    merges = [tuple(m.split(" ")) for m in texts(reader, "tokenizer.ggml.merges")]
    made = tokenizers.Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(vocabulary)}, merges=merges))
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                  pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    made.decoder = decoders.ByteLevel()
    control = [vocabulary[n] for n, at in enumerate(kinds.data) if kinds.parts[at][0] == gguf.TokenType.CONTROL]
    made.add_special_tokens([AddedToken(t, normalized=False) for t in control])
    return made
