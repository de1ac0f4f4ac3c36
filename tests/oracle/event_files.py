"""event_files.py FOLDER: TensorBoard reads the event files of event_files.cpp; every scalar of every step is the one in metrics.jsonl."""
import json
import math
import struct
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

folder = Path(sys.argv[1])
expected = {}


def expect(tag, step, value):
    value = math.nan if value is None else value
    expected.setdefault(tag, []).append((step, struct.unpack("f", struct.pack("f", value))[0]))  # as a 32-bit float


for line in (folder / "metrics.jsonl").read_text().splitlines():
    row = json.loads(line)
    if "event" in row:
        continue
    for tag in ("loss", "rate", "gradient_norm", "tokens_per_second"):
        expect(tag, row["step"], row[tag])
    for source, weight in row["weights"].items():
        expect(f"weights/{source}", row["step"], weight)
        if row["targets"][source]:
            expect(f"loss/{source}", row["step"], row["losses"][source])

board = EventAccumulator(str(folder / "board"), size_guidance={"scalars": 0})
board.Reload()
found = {tag: [(e.step, e.value) for e in board.Scalars(tag)] for tag in board.Tags()["scalars"]}
same = found.keys() == expected.keys() and all(
    len(found[t]) == len(expected[t]) and all(a == c and (b == d or (b != b and d != d)) for (a, b), (c, d) in zip(found[t], expected[t])) for t in found)
if not same:
    for tag in sorted(found.keys() | expected.keys()):
        if found.get(tag) != expected.get(tag):
            print(f"{tag}: TensorBoard has {found.get(tag)}, expected {expected.get(tag)}", file=sys.stderr)
    sys.exit(1)
print(f"{len(found)} tags of {len(found['loss'])} steps as TensorBoard reads them")
