#!/usr/bin/env python3
"""Makes PyPI's torch for Linux on x86-64 run without the 2.5 GB of CUDA libraries that it is linked with and that a CPU never calls.

tests/oracle/cpu_torch.py      (run by the Python of a virtual environment into which torch went with --no-deps; binutils, a C compiler)

Each library that is missing becomes an empty one of that name in torch/lib; what is called late is then never called, and functions are
bound late by a .pth file. torch's own NVSHMEM library holds what is bound early; it becomes one whose functions return zero.
"""
import pathlib
import re
import subprocess
import sysconfig

SITE = pathlib.Path(sysconfig.get_path("purelib"))
LIB = SITE / "torch" / "lib"
NVSHMEM = "libtorch_nvshmem.so"


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def make(name, symbols=()):
    labels = "".join(f".globl {s}\n{s}:\n" for s in symbols)
    text = f'.text\n{labels}xor %eax, %eax\nret\n.section .note.GNU-stack,"",@progbits\n'
    subprocess.run(["cc", "-shared", "-x", "assembler", "-", f"-Wl,-soname,{name}", "-o", LIB / name], input=text, text=True, check=True)


def main():
    libraries = sorted(LIB.glob("*.so*"))
    needed = {n for f in libraries for n in re.findall(r"NEEDED.*\[(lib(?:cu|nv|nccl)[^]]*)\]", output("readelf", "-d", f))}
    there = {f.name for f in libraries} | {f.name for f in (SITE / "nvidia").glob("*/lib/*")}
    for name in sorted(needed - there):
        make(name)
    if (LIB / NVSHMEM).exists():
        lines = [line for f in libraries if f.name != NVSHMEM for line in output("nm", "-D", "-u", f).splitlines()]
        make(NVSHMEM, sorted({line.split()[-1].split("@")[0] for line in lines if "nvshmem" in line}))
    (SITE / "bind_late.pth").write_text("import os, sys; sys.setdlopenflags(os.RTLD_LAZY)\n")


if __name__ == "__main__":
    main()
