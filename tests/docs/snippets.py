#!/usr/bin/env python3
"""Runs the shell of the documentation: snippets.py MIDTRAIN ROOT SCRATCH

Every block ```sh of the pages below is run in the order of the pages, in one folder, by a shell that stops at the first failure. A block
```text right after the words "It prints" holds lines of what the block before printed, in order; "..." in them stands for anything. Blocks ```console are
for what other tests run (installing, building); no page may have another kind of shell.
"""
import os
import re
import shutil
import subprocess
import sys
import time

program, root, scratch = (os.path.abspath(p) for p in sys.argv[1:4])
pages = ["tutorial"] + ["tasks/" + name for name in (
    "prepare", "mixture", "anneal", "extend", "fork", "average", "evaluate", "watch", "resume", "export", "foreign_tokens", "foreign_runs")]
block = re.compile(r"(?P<before>[^\n]*)\n\n?```(?P<kind>[a-z]*)\n(?P<text>.*?)^```$", re.M | re.S)


def pattern(text):
    pieces = (piece.strip() for line in text.splitlines() for piece in line.split("..."))
    return re.compile(r".*?".join(re.escape(piece) for piece in pieces), re.S)


def check_kinds():
    """No shell hides from this test."""
    for folder, _, files in os.walk(f"{root}/docs"):
        for name in files:
            if not name.endswith(".md"):
                continue
            where = os.path.relpath(f"{folder}/{name}", f"{root}/docs")[:-3]
            for found in block.finditer(open(f"{folder}/{name}").read()):
                kind = found["kind"]
                assert kind in ("sh", "text", "console", "cpp", "cmake", "toml", "mermaid", "json"), f"{where}.md: a block of kind '{kind}'"
                assert kind != "sh" or where in pages, f"{where}.md: a block of shell in a page that is not run"


def main():
    check_kinds()
    shutil.rmtree(scratch, ignore_errors=True)
    os.makedirs(f"{scratch}/bin")
    os.symlink(program, f"{scratch}/bin/midtrain")
    work = f"{scratch}/work"
    os.mkdir(work)
    surroundings = {**os.environ, "PATH": f"{scratch}/bin:{os.environ['PATH']}", "OMP_WAIT_POLICY": "passive"}
    count = 0
    for page in pages:
        said = None
        for found in block.finditer(open(f"{root}/docs/{page}.md").read()):
            line = f"docs/{page}.md: "
            if found["kind"] == "sh":
                start = time.monotonic()
                done = subprocess.run(["bash", "-euo", "pipefail"], input=found["text"], text=True, cwd=work, env=surroundings,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                assert done.returncode == 0, f"{line}exit {done.returncode} of\n{found['text']}\n{done.stdout[-3000:]}"
                said = done.stdout
                count += 1
                print(f"{page}: {time.monotonic() - start:.1f} s")
            elif found["kind"] == "text" and "It prints" in found["before"]:
                assert said is not None and pattern(found["text"]).search(said), f"{line}it does not print\n{found['text']}\nbut\n{said}"
                said = None
    assert count > 10, count
    print(f"{count} blocks of shell do what the pages say")


main()
