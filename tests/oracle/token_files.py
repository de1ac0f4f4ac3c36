#!/usr/bin/env python3
"""Small files of tokens in other programs' forms, written with NumPy as those programs describe them.

    llmc_gpt2.bin llmc_llama3.bin    llm.c, dev/data/data_common.py: 256 int32 (magic, version, tokens), then uint16 or uint32;
                                     each document is opened by the end token, as its dev/data/fineweb.py does
    nanogpt.bin                      nanoGPT, data/openwebtext/prepare.py: uint16 alone, each document closed by the end token
    olmo.npy                         OLMo, a memmap of uint16 without a header, whatever its name says
    v1.npy v2.npy v3.npy             numpy.lib.format of int64, uint32 and int32
    megatron_u16 megatron_i32        Megatron-LM, megatron/core/datasets/indexed_dataset.py: .bin and .idx; the second without end tokens,
                                     its second document made of two sequences

tests/oracle/token_files.py OUTPUT_FOLDER   (numpy)
"""
import os
import struct
import sys

import numpy as np

END = 7
DOCUMENTS = [[1, 2, 3], [50000, 0], [9] * 40 + [65535]]
WIDE = [[1, 2, 3], [100000, 0], [9] * 40 + [128255]]


def megatron(prefix, sequences, bounds, dtype, code):
    with open(prefix + ".bin", "wb") as f:
        for s in sequences:
            f.write(np.array(s, dtype).tobytes())
    lengths = np.array([len(s) for s in sequences], np.int32)
    pointers = np.concatenate([[0], np.cumsum(lengths[:-1], dtype=np.int64)]).astype(np.int64) * np.dtype(dtype).itemsize
    with open(prefix + ".idx", "wb") as f:
        f.write(b"MMIDIDX\x00\x00" + struct.pack("<QBQQ", 1, code, len(sequences), len(bounds)))
        f.write(lengths.tobytes() + pointers.tobytes() + np.array(bounds, np.int64).tobytes())


def llmc(path, documents, magic, version, dtype):
    tokens = [t for d in documents for t in [END] + d]
    head = np.zeros(256, np.int32)
    head[:3] = magic, version, len(tokens)
    with open(path, "wb") as f:
        f.write(head.tobytes() + np.array(tokens, dtype).tobytes())


def main(folder):
    folder += "/tokens"
    os.makedirs(folder, exist_ok=True)
    llmc(folder + "/llmc_gpt2.bin", DOCUMENTS, 20240520, 1, np.uint16)
    llmc(folder + "/llmc_llama3.bin", WIDE, 20240801, 7, np.uint32)
    closed = [t for d in DOCUMENTS for t in d + [END]]
    np.array(closed, np.uint16).tofile(folder + "/nanogpt.bin")
    memory = np.memmap(folder + "/olmo.npy", np.uint16, "w+", shape=(len(closed),))
    memory[:] = closed
    memory.flush()
    for version, dtype in ((1, np.int64), (2, np.uint32), (3, np.int32)):
        with open(f"{folder}/v{version}.npy", "wb") as f:
            np.lib.format.write_array(f, np.array([t for d in WIDE for t in d + [END]], dtype), (version, 0))
    megatron(folder + "/megatron_u16", [d + [END] for d in DOCUMENTS], [0, 1, 2, 3], np.uint16, 8)
    megatron(folder + "/megatron_i32", [WIDE[0], WIDE[1][:1], WIDE[1][1:], WIDE[2]], [0, 1, 3, 4], np.int32, 4)


if __name__ == "__main__":
    main(sys.argv[1])
