#!/usr/bin/env python3
"""metadata.py ROOT: what cmake/wheel/pyproject.toml says is true of the repository. tests/package/wheel builds the wheel itself, which takes minutes."""
import os
import re
import sys
import tomllib

root = sys.argv[1]
with open(f"{root}/cmake/wheel/pyproject.toml", "rb") as file:
    tool = tomllib.load(file)["tool"]["scikit-build"]
source = os.path.normpath(f"{root}/cmake/wheel/{tool['cmake']['source-dir']}")
assert os.path.samefile(source, root), source
cmake = "".join(open(f"{root}/{path}").read() for path in ("CMakeLists.txt", "examples/midtrain/CMakeLists.txt"))
for target in tool["build"]["targets"]:
    assert f"add_executable({target} " in cmake, target
for component in tool["install"]["components"]:
    assert f"COMPONENT {component})" in cmake, component
for option in tool["cmake"]["define"]:
    assert not option.startswith("MIDTRAIN_") or re.search(rf"(set|option)\({option}\b", cmake), option
version = tool["metadata"]["version"]
found = re.search(version["regex"], open(f"{root}/cmake/wheel/{version['input']}").read())
said = version["result"].format(**found.groupdict())
assert re.fullmatch(r"\d+\.\d+\.\d+", said), said
citation = re.search(r"^version: (.*)$", open(f"{root}/docs/CITATION.cff").read(), re.M)[1]
assert citation == said, f"docs/CITATION.cff says version {citation}, version.hpp {said}"
print(f"the wheel would be of version {said}")
