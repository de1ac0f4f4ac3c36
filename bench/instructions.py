#!/usr/bin/env python3
"""Counts what bench/instructions.cpp executes under valgrind: a step of the trainer with composed policies against a loop written by hand, on a
device that computes nothing. One JSON line; the exit is 1 above the ratio that is allowed.

bench/instructions.py [--most 1.01]   (CXX chooses the compiler; needs valgrind)

Built for x86-64-v3, since valgrind knows no AVX-512. Start and end are left out: the difference of two runs counts. `code_bytes` are those of a
program that has only the one or only the other, libraries left out.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parent.parent
arguments = argparse.ArgumentParser()
arguments.add_argument("--most", type=float, default=1.01)
most = arguments.parse_args().most
few, many = 200, 1000

with tempfile.TemporaryDirectory() as folder:
    def built(name, *flags):
        program = pathlib.Path(folder) / name
        subprocess.run([os.environ.get("CXX", "c++"), "-std=c++20", "-O3", "-march=x86-64-v3", *flags, "-I", str(root / "include"),
                        str(root / "bench/instructions.cpp"), "-o", str(program), "-lpthread"], check=True)
        return program

    def code_bytes(program):
        return int(subprocess.run(["size", str(program)], check=True, capture_output=True, text=True).stdout.split()[6])

    program = built("both")
    answers = set()

    def counted(which, steps):
        run = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", str(program), which, str(steps)], check=True,
                             capture_output=True, text=True)
        answers.add((steps, run.stdout))
        return int(re.search(r"Collected : (\d+)", run.stderr)[1])

    line = {"case": "instructions"}
    for which, left_out in (("composed", "BY_HAND"), ("by_hand", "COMPOSED")):
        line[which] = round((counted(which, many) - counted(which, few)) / (many - few))
        line[f"{which}_code_bytes"] = code_bytes(built(which, f"-DWITHOUT_{left_out}"))
    if len(answers) != 2:
        sys.exit(f"the two loops do not agree: {answers}")
    line["ratio"] = round(line["composed"] / line["by_hand"], 4)
    print(json.dumps(line))
    if line["ratio"] > most:
        sys.exit(f"a step of the trainer executes {line['ratio']} times the instructions of the loop by hand; {most} are allowed")
