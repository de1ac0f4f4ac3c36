#!/usr/bin/env python3
"""What including us costs the compiler: CPU seconds of reading the umbrella, each header alone, and a whole trainer. One JSON line each.

bench/compile.py [--families] [--headers] [--budget SECONDS]   (CXX chooses the compiler)

The least of three runs counts, of a family or a header the only one. With --families also what each model costs who uses it: its header and one
trainable of it, whose numbers are known at run time. With --headers each header is read alone, too, slowest first. With --budget the exit is 1
when the umbrella takes longer.
"""
import argparse
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parent.parent
compiler = os.environ.get("CXX", "c++")


def seconds(text, *flags, runs=3):
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "unit.cpp"
        source.write_text(text)
        best = None
        for _ in range(runs):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([compiler, "-std=c++20", "-march=x86-64-v3", "-I", str(root / "include"), *flags, str(source)], check=True, cwd=folder)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            best = took if best is None else min(best, took)
        return best


def say(case, took):
    print(json.dumps({"case": case, "cpu_seconds": round(took, 2)}), flush=True)
    return took


arguments = argparse.ArgumentParser()
arguments.add_argument("--families", action="store_true")
arguments.add_argument("--headers", action="store_true")
arguments.add_argument("--budget", type=float)
asked = arguments.parse_args()
say("nothing", seconds("", "-fsyntax-only"))
umbrella = say("midtrain.hpp", seconds("#include <midtrain/midtrain.hpp>\n", "-fsyntax-only"))
with tempfile.TemporaryDirectory() as folder:
    pathlib.Path(folder, "once.hpp").write_text("#include <midtrain/midtrain.hpp>\n")
    subprocess.run([compiler, "-std=c++20", "-march=x86-64-v3", "-I", str(root / "include"), "-x", "c++-header", "once.hpp"], check=True, cwd=folder)
    say("midtrain.hpp, precompiled", seconds("", "-include", f"{folder}/once.hpp", "-fsyntax-only"))
for example in ("01_annealing_is_a_function", "08_mid_train"):
    text = (root / "examples" / f"{example}.cpp").read_text()
    for level in ("-O0", "-O3"):
        say(f"{example} {level}", seconds(text, level, "-c", "-o", "unit.o"))
if asked.families:
    # The models that hf_models.hpp names; some stand in a header that has another name.
    names = re.findall(r"^struct (\w+);$", (root / "include/midtrain/train/hf_models.hpp").read_text(), re.MULTILINE)
    headers = {name: header for header in sorted((root / "include/midtrain/model").glob("*.hpp"))
               for name in names if re.search(rf"^struct {name}\b(?!;)", header.read_text(), re.MULTILINE)}
    missing = set(names) - set(headers)
    if missing:
        sys.exit(f"no header has {', '.join(sorted(missing))}")
    for name in names:
        text = f"""#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/hf_shape.hpp>
#include <midtrain/model/{headers[name].name}>
#include <midtrain/model/trainable.hpp>
#include <midtrain/precision/precision.hpp>
template class midtrain::trainable<midtrain::host, midtrain::model::{name}, midtrain::io::hf_config, midtrain::fp32>;
"""
        for level in ("-O0", "-O3"):
            say(f"{name} {level}", seconds(text, level, "-c", "-o", "unit.o", runs=1))
if asked.headers:
    each = []
    for header in sorted((root / "include").rglob("*.hpp")):
        name = header.relative_to(root / "include")
        each.append((seconds(f"#include <{name}>\n", "-fsyntax-only", runs=1), str(name)))
    for took, name in sorted(each, reverse=True):
        say(name, took)
if asked.budget and umbrella > asked.budget:
    sys.exit(f"midtrain.hpp takes {umbrella:.1f} CPU seconds to read; {asked.budget:.1f} are allowed")
