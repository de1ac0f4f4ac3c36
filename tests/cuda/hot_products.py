"""What nvcc makes of the products without a library, of bytes and of the scan: registers, stack and spills within a budget, and where
cuobjdump is at hand the instructions that they are made for: tensor cores, copies of 16 bytes to shared memory, matrices from there.

    hot_products.py NVCC INCLUDE SOURCE FOLDER"""
import os
import re
import sys

from hot_kernels import compile_them, disassemble, short

TILES = {r"\bHMMA\.16816\.F32\.BF16\b": 32, r"\bLDSM\.16": 12, r"\bLDGSTS\.E\.BYPASS\.128\b": 12}
LANES = {r"\bFFMA\b": 64, r"\bLDGSTS\.E\.BYPASS\.128\b": 4}
LOADS = {r"\bLDG\.E\.128": 2}

# Of a kernel: registers, bytes of stack, bytes spilt, and instructions that it has at least. Two blocks of 256 threads with tiles share a
# multiprocessor's 65536 registers. The scan keeps values by token, which only memory has an index for: sums over blocks of states, and
# scan_gradients 33 times 16 states. In bytes a quotient is a call, around which a register or two may be put aside.
BUDGETS = [
    (r"tile_kernel<tensor_math, ", 128, 0, 0, TILES),
    (r"tile_kernel<lane_math<float>, ", 128, 0, 0, LANES),
    (r"scan_gradients<", 168, 2496, 0, {r"\bSHFL\.BFLY\b": 31, **LOADS}),
    (r"scan_(ends|gradient_ends)<", 128, 0, 0, LOADS),
    (r"scan_outputs<", 128, 128, 0, LOADS),
    (r"fp8_bytes_of_", 64, 16, 16, {r"\bLDG\.E\.128": 2, r"\bSTG\.E\.128": 1}),
]


def main(nvcc, include, source, folder):
    os.makedirs(folder, exist_ok=True)
    cubin = os.path.join(folder, "hot_products.cubin")
    budget_of = lambda name: next((b for b in BUDGETS if re.search(b[0], short(name))), None)
    kernels = {n: k for n, k in compile_them(nvcc, include, source, cubin).items() if budget_of(n)}  # and not what the device itself brings
    wrong = [f"no kernel is like {b[0]}" for b in BUDGETS if not any(budget_of(n) is b for n in kernels)]
    for name, (stack, stores, loads, registers) in kernels.items():
        _, most, room, spilt, _ = budget_of(name)
        if registers > most or stack > room or max(stores, loads) > spilt:
            wrong.append(f"{short(name)}: {registers} registers of {most}, {stack} bytes of stack of {room}, "
                         f"{stores} and {loads} spilt of {spilt}")
    code = disassemble(nvcc, cubin)
    for name, text in (code or {}).items():
        for op, least in budget_of(name)[4].items() if budget_of(name) else ():
            found = len(re.findall(op, text))
            if found < least:
                wrong.append(f"{short(name)}: {found} of {op}, and {least} are promised")
    for line in wrong:
        print(line)
    print(f"{len(kernels)} kernels: up to {max((k[3] for k in kernels.values()), default=0)} registers"
          + ("" if code is not None else "; without cuobjdump and nvdisasm no instruction was read"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
