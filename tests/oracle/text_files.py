#!/usr/bin/env python3
"""The same three documents as JSONL packed by other programs' gzip (two members) and zstd (two frames), and as Parquet in three forms.

tests/oracle/text_files.py OUTPUT_FOLDER [GOLDEN_FOLDER]   (pyarrow, zstandard); with the second, what is in both is compared: packers of
other versions may write other bytes
"""
import gzip
import json
import os
import sys

import pyarrow
import pyarrow.parquet
import zstandard

TEXTS = ["one\ntwo \u00e9", "", "\u4e2d\u6587 \U0001f600 " + "end " * 50]


def unpacked(path):
    if path.endswith(".gz"):
        return gzip.open(path).read()
    if path.endswith(".zst"):
        with open(path, "rb") as f:
            return zstandard.ZstdDecompressor().stream_reader(f, read_across_frames=True).read()
    return pyarrow.parquet.read_table(path).to_pydict()


def main(folder, golden=None):
    folder += "/text"
    os.makedirs(folder, exist_ok=True)
    lines = [(json.dumps({"text": t, "id": n}) + "\n").encode() for n, t in enumerate(TEXTS)]
    with open(folder + "/three.jsonl.gz", "wb") as f:
        f.write(gzip.compress(lines[0] + lines[1][:9], mtime=0) + gzip.compress(lines[1][9:] + lines[2], mtime=0))
    with open(folder + "/three.jsonl.zst", "wb") as f:
        pack = zstandard.ZstdCompressor(write_checksum=True)
        f.write(pack.compress(lines[0] + lines[1][:9]) + pack.compress(lines[1][9:] + lines[2]))
    for name, kind, packed in (("plain", pyarrow.string(), "none"), ("large", pyarrow.large_string(), "snappy"), ("zstd", pyarrow.string(), "zstd")):
        table = pyarrow.table({"nested": [[{"a": 1}]] * 3, "n": [1, 2, 3], "text": pyarrow.array(TEXTS, kind)})
        pyarrow.parquet.write_table(table, f"{folder}/{name}.parquet", compression=packed, row_group_size=2)
    if golden:
        names = sorted(os.listdir(golden))
        assert names == sorted(os.listdir(folder)), names
        for name in names:
            assert unpacked(f"{folder}/{name}") == unpacked(f"{golden}/{name}"), name


if __name__ == "__main__":
    main(*sys.argv[1:])
