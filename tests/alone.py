"""Each header compiles with nothing read before it but what it reads itself.

    alone.py INCLUDE BUILD SCRATCH

Headers of which each reads the one before make a chain, and a chain is one unit: what the first ones have brought, the next would bring
itself, so nothing that a header forgot is lent to it. What many chains would begin with is a precompiled header. Flags are those of
two_units/first.cpp in BUILD/compile_commands.json.
"""
import json
import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BASES = 8           # precompiled headers
STANDARD = 30_000   # letters that reading one of the standard library's headers is taken for


def read_headers(include):
    """For each header the headers it reads, directly or not, and a guess of how long a compiler reads them all."""
    own, reads, weight = {}, {}, {}
    for path in sorted(include.glob("midtrain/**/*.hpp")):
        name, text = str(path.relative_to(include)), path.read_text()
        own[name] = set(re.findall(r"^#include <([^>]+)>", text, re.M))
        weight[name] = len(text)

    def closure(name):
        if name not in reads:
            reads[name] = set()
            for other in own.get(name, ()):
                reads[name] |= {other} | closure(other)
        return reads[name]

    cost = {h: weight[h] + sum(weight.get(r, STANDARD) for r in closure(h)) for h in own}
    return {h: {r for r in reads[h] if r in own} for h in own}, cost


def choose_bases(reads, cost):
    """Headers to precompile: each time the one that saves most."""
    saved, bases = dict.fromkeys(reads, 0), []
    for _ in range(BASES):
        def gain(b):
            return sum(max(0, cost[b] - saved[h]) for h in reads if b in reads[h]) - 2 * cost[b]
        best = max(reads, key=gain)
        if gain(best) <= 0:
            break
        bases.append(best)
        for h in reads:
            if best in reads[h]:
                saved[h] = max(saved[h], cost[best])
    return bases


def base_of(header, bases, reads, cost):
    return max((b for b in bases if b in reads[header]), key=cost.get, default=None)


def chains_of(headers, reads):
    """As few chains as there can be: a largest matching of each header with one that is read by it."""
    below = {}

    def match(h, seen):
        for r in sorted(reads[h] & headers):
            if r not in seen:
                seen.add(r)
                if r not in above or match(above[r], seen):
                    above[r], below[h] = h, r
                    return True
        return False

    above = {}
    for h in sorted(headers):
        match(h, set())
    for top in sorted(headers - set(above)):
        chain = [top]
        while chain[-1] in below:
            chain.append(below[chain[-1]])
        yield chain[::-1]


def main():
    include, build, scratch = map(Path, sys.argv[1:])
    commands = json.loads((build / "compile_commands.json").read_text())
    first = shlex.split(next(c["command"] for c in commands if c["file"].endswith("two_units/first.cpp")))
    flags = [f for f in first[:first.index("-o")] if not f.startswith("-W")]
    scratch.mkdir(parents=True, exist_ok=True)
    sys.setrecursionlimit(10_000)

    reads, cost = read_headers(include)
    bases = choose_bases(reads, cost)
    precompiled = {b: scratch / f"base_{i}.hpp" for i, b in enumerate(bases)}

    def precompile(base):
        precompiled[base].write_text(f"#include <{base}>\n")
        to = f"{precompiled[base]}.gch"
        return subprocess.run([*flags, "-x", "c++-header", precompiled[base], "-o", to], capture_output=True, text=True)

    def compile_unit(unit):
        number, base, chain = unit
        source = scratch / f"unit_{number}.cpp"
        source.write_text("".join(f"#include <{h}>\n" for h in chain))
        before = ["-Winvalid-pch", "-include", precompiled[base]] if base else []
        return subprocess.run([*flags, *before, "-fsyntax-only", source], capture_output=True, text=True)

    groups = {}
    for h in reads:
        groups.setdefault(base_of(h, bases, reads, cost), set()).add(h)
    units = [(base, chain) for base, headers in groups.items() for chain in chains_of(headers, reads)]
    units = [(i, base, chain) for i, (base, chain) in enumerate(units)]
    checked = sum(len(chain) for _, _, chain in units)
    assert checked == len(reads), "a header is in no chain"

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = [*pool.map(precompile, bases)]
        if not any(r.returncode for r in results):
            results += pool.map(compile_unit, units)
    failed = [r.stderr for r in results if r.returncode]
    print("\n".join(failed))
    print(f"{checked} headers in {len(units)} units after {len(bases)} precompiled ones; {len(failed)} failed")
    return bool(failed)


sys.exit(main())
