#!/usr/bin/env python3
"""Blocks of five and six bits and of 256 values, with random bytes in them, beside what the gguf package makes of them; and values
beside the blocks of Q8_0 that it packs them into.

tests/oracle/gguf_blocks.py OUTPUT_FOLDER   (gguf, numpy)
"""
import sys

import gguf
import numpy as np

Type = gguf.GGMLQuantizationType
# Where the halves that scale a block stand: random bits there would be infinite.
SCALES = {Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208]}


def q8_k(blocks):
    """ggml, dequantize_row_q8_K; the gguf package has none."""
    scale = blocks[:, :4].copy().view(np.float32)
    return scale * blocks[:, 4:260].copy().view(np.int8).astype(np.float32)


def write(out):
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def packed(path, random):
    values = random.normal(size=(4, 64)).astype(np.float32)
    values[0, :32] = 0
    values[1, :32] = np.arange(32) * 0.5 - 7.75  # halves between two steps
    values[1, 0] = 127
    values[2] *= 1e-6  # scales below the smallest normal half
    out = gguf.GGUFWriter(path, "none")
    out.add_tensor("values", values)
    out.add_tensor("q8_0", gguf.quants.quantize(values, Type.Q8_0), raw_dtype=Type.Q8_0)
    write(out)


def main(folder):
    random = np.random.default_rng(2)
    out = gguf.GGUFWriter(folder + "/blocks.gguf", "none")
    for kind in (*SCALES, Type.Q8_K):
        values, size = gguf.GGML_QUANT_SIZES[kind]
        blocks = random.integers(0, 256, size=(2 * 512 // values, size), dtype=np.uint8)
        for at in SCALES.get(kind, []):
            blocks[:, at:at + 2] = random.normal(size=(len(blocks), 1)).astype(np.float16).view(np.uint8)
        if kind == Type.Q8_K:
            blocks[:, :4] = random.normal(size=(len(blocks), 1)).astype(np.float32).view(np.uint8)
            want = q8_k(blocks)
        else:
            want = gguf.quants.dequantize(blocks.reshape(2, -1), kind)
        out.add_tensor(kind.name.lower(), blocks.reshape(2, -1), raw_dtype=kind)
        out.add_tensor(kind.name.lower() + ".expected", want.reshape(2, 512))
    write(out)
    packed(folder + "/packed.gguf", random)


if __name__ == "__main__":
    main(sys.argv[1])
