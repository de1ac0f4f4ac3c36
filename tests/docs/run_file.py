#!/usr/bin/env python3
"""run_file.py KEYS PAGE: the tables of docs/run_file.md name every key of a run file, with its default and the names of its values.

KEYS is the program that lists them. A heading's first `code` is the table's name; its rows are | `key` | default | meaning |.
"""
import re
import subprocess
import sys

wanted = {}
for line in subprocess.run([sys.argv[1]], capture_output=True, text=True, check=True).stdout.splitlines():
    table, key, default, names = line.split("|")
    wanted.setdefault(table, {})[key] = (default, [n for n in names.split(", ") if n])

said, where = {}, ""
for line in open(sys.argv[2]):
    if line.startswith("#"):
        named = re.search(r"`\[*([a-z0-9_.]+)\]*`", line)
        where = named[1] if named else ""
    row = re.match(r"\| `([a-z0-9_]+)` \| (.*?) \| (.*) \|$", line)
    if row and where:
        said.setdefault(where, {})[row[1]] = (row[2].strip("`"), row[3])

wrong = [f"the page has no table `{t}`" for t in wanted if t not in said]
wrong += [f"the page has a table `{t}`, and a run file has none" for t in said if t not in wanted]
for table in wanted.keys() & said.keys():
    for key in sorted(wanted[table].keys() | said[table].keys()):
        if key not in said[table]:
            wrong.append(f"`{table}` lacks {key} (default {wanted[table][key][0]})")
        elif key not in wanted[table]:
            wrong.append(f"`{table}` has {key}, which a run file has not")
        else:
            (default, names), (written, meaning) = wanted[table][key], said[table][key]
            if default != written:
                wrong.append(f"`{table}` {key}: the default is {default}, the page says {written}")
            wrong += [f"`{table}` {key}: the page does not name {n}" for n in names if f"`{n}`" not in meaning]
if wrong:
    sys.exit("docs/run_file.md:\n" + "\n".join(wrong))
print(f"{sum(map(len, wanted.values()))} keys in {len(wanted)} tables are as the page says")
