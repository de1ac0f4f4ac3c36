"""What nvcc makes of the hot kernels: no stack, no spills, registers within a budget; and, where cuobjdump is at hand, loads and stores of
16 bytes where they are promised and none of local memory.

    hot_kernels.py NVCC INCLUDE SOURCE FOLDER

cuobjdump and the nvdisasm that it calls are taken from the path, from beside nvcc or from the wheels nvidia-cuda-cuobjdump and
nvidia-cuda-nvdisasm of this Python. Without them the first half is all that is tested, and the last line says so."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig

# Four blocks of 256 threads share a multiprocessor's 65536 registers. A sum over rows keeps a pack of totals and four rows' loads: three.
BUDGET, BUDGET_OF_SUMS = 64, 80

# The pattern of a kernel, and how many loads and stores of 16 bytes it has at least.
PROMISED = [
    (r"add_then<", 5, 2),
    (r"rmsnorm_forward<", 3, 1), (r"rmsnorm_backward<", 3, 1), (r"layernorm_forward<", 3, 1), (r"layernorm_backward<", 3, 1),
    (r"head_norm_forward<", 2, 2), (r"head_norm_backward<", 3, 1), (r"rope<", 2, 2), (r"gated_forward<", 2, 1), (r"gated_backward<", 3, 2),
    (r"cross_entropy<", 2, 1), (r"add_bias<", 2, 1), (r"embedding_forward<", 1, 1), (r"embedding_backward<", 1, 1), (r"embedding_carry<", 2, 1),
    (r"op::add<", 2, 1), (r"activated_forward<", 1, 1), (r"activated_backward<", 2, 1), (r"convert<float, float>", 1, 1), (r"convert<", 1, 0),
    (r"elementwise_step<", 4, 3), (r"squares_of_part<", 1, 0), (r"sum_of_parts<", 1, 0), (r"sum_rows<", 1, 1),
]


def demangled(names):
    return subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True).stdout.splitlines()


def short(name):
    return re.sub(r"midtrain::v\w+?::|detail::|void ", "", name).split("(")[0]


def compile_them(nvcc, include, source, cubin):
    """Of each kernel (stack, spilt stores, spilt loads, registers), as ptxas says."""
    made = subprocess.run([nvcc, "-std=c++20", "-arch=sm_90", "-Werror", "all-warnings", "-I", include, "-Xptxas", "-v", "-cubin", source, "-o", cubin],
                          capture_output=True, text=True)
    if made.returncode:
        sys.exit(made.stdout + made.stderr)
    said = (made.stdout + made.stderr).split("Compiling entry function '")[1:]
    names = demangled([text.split("'")[0] for text in said])
    return {name: tuple(int(re.search(pattern, text).group(1)) for pattern in
                        (r"(\d+) bytes stack", r"(\d+) bytes spill stores", r"(\d+) bytes spill loads", r"Used (\d+) registers"))
            for name, text in zip(names, said)}


def disassemble(nvcc, cubin):
    """The instructions of each kernel, or None where the tools are missing."""
    wheels = pathlib.Path(sysconfig.get_paths()["purelib"]).glob("nvidia/*/bin")
    path = os.pathsep.join([os.environ["PATH"], str(pathlib.Path(nvcc).parent), *map(str, wheels)])
    tools = [shutil.which(tool, path=path) for tool in ("cuobjdump", "nvdisasm")]
    if None in tools:
        return None
    text = subprocess.run([tools[0], "--dump-sass", cubin], capture_output=True, text=True, check=True, env={**os.environ, "PATH": path}).stdout
    parts = re.split(r"Function : (\S+)", text)[1:]
    return dict(zip(demangled(parts[::2]), parts[1::2]))


def main(nvcc, include, source, folder):
    os.makedirs(folder, exist_ok=True)
    cubin = os.path.join(folder, "hot_kernels.cubin")
    kernels = compile_them(nvcc, include, source, cubin)
    wrong = []
    for name, (stack, stores, loads, registers) in kernels.items():
        budget = BUDGET_OF_SUMS if "sum_rows<" in name else BUDGET
        if stack or stores or loads:
            wrong.append(f"{short(name)}: {stack} bytes of stack, {stores} and {loads} spilt")
        if registers > budget:
            wrong.append(f"{short(name)}: {registers} registers, and {budget} are its budget")
    code = disassemble(nvcc, cubin)
    for name, text in (code or {}).items():
        pattern = next((p for p in PROMISED if re.search(p[0], name)), None)
        if pattern is None:
            wrong.append(f"{short(name)}: what it promises is not written in PROMISED")
            continue
        found = tuple(len(re.findall(op, text)) for op in (r"\bLDG\.E\.128\b", r"\bSTG\.E\.128\b"))
        if found[0] < pattern[1] or found[1] < pattern[2]:
            wrong.append(f"{short(name)}: {found[0]} loads and {found[1]} stores of 16 bytes, where {pattern[1]} and {pattern[2]} are promised")
        if re.search(r"\b(LDL|STL)\b", text):
            wrong.append(f"{short(name)}: it reads or writes local memory")
    if code is not None and set(code) != set(kernels):
        wrong.append("cuobjdump and ptxas name different kernels")
    for line in wrong:
        print(line)
    print(f"{len(kernels)} kernels: up to {max(k[3] for k in kernels.values())} registers"
          + ("" if code is not None else "; without cuobjdump and nvdisasm (the wheels nvidia-cuda-cuobjdump and nvidia-cuda-nvdisasm) "
                                         "no instruction was read"))
    return 1 if wrong or not kernels else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
