#!/usr/bin/env python3
"""A tiny Llama-like GGUF with every type we read, beside what the gguf package makes of it; q and k stand turned and as they were.

tests/oracle/tiny_gguf.py OUTPUT_FILE   (gguf, numpy)
"""
import sys

import gguf
import numpy as np

Type = gguf.GGMLQuantizationType


def permute(w, heads):
    """llama.cpp, convert_hf_to_gguf.py, LlamaModel.permute"""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def main(path):
    random = np.random.default_rng(1)
    out = gguf.GGUFWriter(path, "llama")
    out.add_block_count(1)
    out.add_embedding_length(32)
    out.add_feed_forward_length(48)
    out.add_head_count(4)
    out.add_head_count_kv(2)
    out.add_context_length(64)
    out.add_rope_freq_base(500000.0)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_eos_token_id(7)
    out.add_int8("test.int8", -5)
    out.add_uint16("test.uint16", 65535)
    out.add_int64("test.int64", -2**40)
    out.add_uint64("test.uint64", 2**63)
    out.add_float64("test.float64", 0.1)
    out.add_bool("test.bool", True)
    out.add_string("test.string", "caf\u00e9")
    out.add_array("test.strings", ["a", "", "bc"])
    out.add_array("test.nested", [[1, 2], [3]])
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("smollm")
    out.add_token_list(["<end>", "<word>", "1", "a", "b", "ab", "\u0120", "\u0120ab", "!", "\u00e9"])
    out.add_token_types([3, 4] + [1] * 8)
    out.add_token_merges(["a b", "\u0120 ab"])
    out.add_bos_token_id(0)
    out.add_pad_token_id(1)
    out.add_chat_template("{{ messages }}")
    for kind in (Type.F16, Type.BF16, Type.Q8_0, Type.Q4_0, Type.Q4_1):
        w = random.normal(size=(3, 64)).astype(np.float32)
        w[0, :32] = 0
        w[2] *= 1e-6  # scales below the smallest normal half
        packed = gguf.quants.quantize(w, kind)
        out.add_tensor(kind.name.lower(), packed, raw_dtype=kind)
        out.add_tensor(kind.name.lower() + ".expected", gguf.quants.dequantize(packed, kind))
    out.add_tensor("token_embd.weight", random.normal(size=(10, 32)).astype(np.float32))
    for name, heads in (("q", 4), ("k", 2)):
        w = random.normal(size=(heads * 8, 32)).astype(np.float32)
        packed = gguf.quants.quantize(permute(w, heads), Type.Q8_0)
        out.add_tensor(f"blk.0.attn_{name}.weight", packed, raw_dtype=Type.Q8_0)
        out.add_tensor(f"{name}.expected", gguf.quants.dequantize(gguf.quants.quantize(w, Type.Q8_0), Type.Q8_0))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


if __name__ == "__main__":
    main(sys.argv[1])
