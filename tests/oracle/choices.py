#!/usr/bin/env python3
"""Multiple choice by lm-evaluation-harness's own tasks, on our items and on models that we exported.

tests/oracle/choices.py FOLDER...   Each FOLDER holds a model in Hugging Face form, and FOLDER.choices.json what midtrain says of the same
                                    items. Both must agree: acc and acc_norm the same, each log-likelihood within 2e-3.
With GOLDEN set, the harness's numbers for the first FOLDER are written to that file.      (lm_eval, torch, transformers)
"""
import json
import os
import pathlib
import sys
import tempfile

import lm_eval
import lm_eval.tasks

HERE = pathlib.Path(__file__).resolve().parent
ITEMS = HERE.parent / "golden" / "choices"
TASKS = {"hellaswag": "hellaswag/hellaswag.yaml", "arc": "arc/arc_easy.yaml", "winogrande": "winogrande/default.yaml",
         "piqa": "piqa/piqa.yaml", "last_word": "lambada/lambada_openai.yaml"}


def write_tasks(folder):
    """The harness's own tasks, with our items in the place of its data sets."""
    of_harness = pathlib.Path(lm_eval.tasks.__file__).parent
    for form, path in TASKS.items():
        (folder / f"{form}.yaml").write_text(f"""include: {of_harness / path}
task: midtrain_{form}
tag: null
dataset_path: json
dataset_name: null
dataset_kwargs: {{data_files: {{validation: {ITEMS / (form + ".jsonl")}}}}}
training_split: null
validation_split: validation
test_split: null
""")


def by_harness(model, manager, cache):
    """{form: {"acc", "acc_norm", "items": [[log-likelihood of each choice], ...]}}"""
    os.environ["HF_DATASETS_CACHE"] = cache
    result = lm_eval.simple_evaluate(model="hf", model_args={"pretrained": model, "dtype": "float32", "device": "cpu"}, batch_size=4,
                                     tasks=[f"midtrain_{form}" for form in TASKS], task_manager=manager, bootstrap_iters=0)
    made = {}
    for form in TASKS:
        numbers = result["results"][f"midtrain_{form}"]
        samples = sorted(result["samples"][f"midtrain_{form}"], key=lambda s: s["doc_id"])
        made[form] = {key: numbers[f"{key},none"] for key in ("acc", "acc_norm") if f"{key},none" in numbers}
        made[form]["items"] = [[float(response[0]) for response, in s["resps"]] for s in samples]
    return made


def compare(folder, ours, theirs):
    right = True
    for form, want in theirs.items():
        got = ours[form]
        apart = max(abs(a - b) for mine, yours in zip(got["items"], want["items"], strict=True)
                    for a, b in zip(mine["log_likelihood"], yours, strict=True))
        same = all(abs(got[key] - want[key]) < 1e-12 for key in ("acc", "acc_norm") if key in want)
        print(f"{folder}: {form}: acc {got['acc']:.4f}, the harness's {want['acc']:.4f}; log-likelihoods at most {apart:.1e} apart")
        right = right and same and apart < 2e-3
    return right


def main(folders):
    right = True
    with tempfile.TemporaryDirectory() as tasks:
        write_tasks(pathlib.Path(tasks))
        manager = lm_eval.tasks.TaskManager(include_path=tasks, include_defaults=False)
        for n, folder in enumerate(folders):
            theirs = by_harness(folder, manager, tasks + "/cache")
            with open(folder + ".choices.json") as ours:
                right = compare(folder, json.load(ours), theirs) and right
            if n == 0 and "GOLDEN" in os.environ:
                rows = (f"{json.dumps(form)}: {json.dumps(made)}" for form, made in theirs.items())
                pathlib.Path(os.environ["GOLDEN"]).write_text("{\n" + ",\n".join(rows) + "\n}\n")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main([folder.rstrip("/") for folder in sys.argv[1:]]))
