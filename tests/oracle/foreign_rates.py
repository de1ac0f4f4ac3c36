#!/usr/bin/env python3
"""Golden learning rates of other trainers' own schedulers: each case is a configuration as that trainer has it, and its rate in every step.

tests/oracle/foreign_rates.py OUTPUT.json   (torch, transformers, accelerate; megatron-core and ai2-olmo-core, both --no-deps)

Of megatron-core and ai2-olmo-core one file each is loaded, with its neighbours left out: all of them would want a GPU's libraries.
"""
import abc
import enum
import importlib.metadata
import importlib.util
import json
import shlex
import sys
import tempfile
import types

import torch
from transformers import TrainingArguments, optimization


def load(package, path, **neighbours):
    """One file of an installed package, with stand-ins for the modules that it imports."""
    for name, contents in neighbours.items():
        module = types.ModuleType(name.replace("__", "."))
        module.__path__ = []
        module.__dict__.update(contents)
        sys.modules[module.__name__] = module
    file = next(f for f in importlib.metadata.files(package) if str(f) == path).locate()
    name = path.removesuffix(".py").replace("/", ".")
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Registrable(abc.ABC):
    @classmethod
    def register(cls, _):
        return lambda registered: registered


class Text(str, enum.Enum):
    pass


megatron = load("megatron-core", "megatron/core/optimizer_param_scheduler.py", megatron={}, megatron__core={},
                megatron__core__utils={"log_single_rank": lambda *_: None})
olmo = load("ai2-olmo-core", "olmo_core/optim/scheduler.py", olmo_core={}, olmo_core__optim={},
            olmo_core__config={"Config": type("Config", (), {}), "Registrable": Registrable, "StrEnum": Text},
            olmo_core__distributed={}, olmo_core__distributed__utils={"get_rank": lambda: 0},
            olmo_core__exceptions={"OLMoConfigurationError": ValueError},
            olmo_core__optim__config={"INITIAL_LR_FIELD": "initial_lr", "LR_FIELD": "lr"})


# Hugging Face: what Trainer.create_scheduler asks for; the step that runs next has get_last_lr().
HF = {
    "linear": {"lr_scheduler_type": "linear", "warmup_steps": 10},
    "no warm-up": {"lr_scheduler_type": "linear"},
    "constant": {"lr_scheduler_type": "constant"},
    "constant after warm-up": {"lr_scheduler_type": "constant_with_warmup", "warmup_steps": 7},
    "cosine": {"lr_scheduler_type": "cosine", "warmup_steps": 0.1},
    "half a cosine": {"lr_scheduler_type": "cosine", "warmup_steps": 10, "lr_scheduler_kwargs": {"num_cycles": 0.25}},
    "restarts": {"lr_scheduler_type": "cosine_with_restarts", "warmup_steps": 10, "lr_scheduler_kwargs": {"num_cycles": 5}},
    "polynomial": {"lr_scheduler_type": "polynomial", "warmup_steps": 10, "lr_scheduler_kwargs": {"power": 2.0, "lr_end": 1e-6}},
    "inverse sqrt": {"lr_scheduler_type": "inverse_sqrt", "warmup_steps": 10},
    "inverse sqrt with a scale": {"lr_scheduler_type": "inverse_sqrt", "warmup_steps": 4, "lr_scheduler_kwargs": {"timescale": 23}},
    "cosine to a floor": {"lr_scheduler_type": "cosine_with_min_lr", "warmup_steps": 10, "lr_scheduler_kwargs": {"min_lr": 3e-5}},
    "cosine to a share": {"lr_scheduler_type": "cosine_with_min_lr", "warmup_steps": 10, "lr_scheduler_kwargs": {"min_lr_rate": 0.2}},
    "cosine from one": {"lr_scheduler_type": "cosine_warmup_with_min_lr", "warmup_steps": 10, "lr_scheduler_kwargs": {"min_lr": 3e-5}},
    "cosine from a share": {"lr_scheduler_type": "cosine_warmup_with_min_lr", "warmup_steps": 10,
                            "lr_scheduler_kwargs": {"min_lr_rate": 0.1, "warmup_lr_rate": 0.3}},
    "wsd": {"lr_scheduler_type": "warmup_stable_decay", "warmup_steps": 10, "lr_scheduler_kwargs": {"num_decay_steps": 20}},
    "wsd, 1-sqrt": {"lr_scheduler_type": "warmup_stable_decay", "warmup_steps": 10,
                    "lr_scheduler_kwargs": {"num_decay_steps": 20, "decay_type": "1-sqrt", "min_lr_ratio": 0.1, "warmup_type": "cosine"}},
    "wsd that ends early": {"lr_scheduler_type": "warmup_stable_decay", "warmup_steps": 10,
                            "lr_scheduler_kwargs": {"num_decay_steps": 20, "num_stable_steps": 15, "decay_type": "linear", "min_lr_ratio": 0.1}},
    "wsd, up as 1-sqrt": {"lr_scheduler_type": "warmup_stable_decay", "warmup_steps": 10,
                          "lr_scheduler_kwargs": {"num_decay_steps": 20, "warmup_type": "1-sqrt", "min_lr_ratio": 0.05, "num_cycles": 0.4}},
    "wsd that ends late": {"lr_scheduler_type": "warmup_stable_decay", "warmup_steps": 10,
                           "lr_scheduler_kwargs": {"num_decay_steps": 40, "num_stable_steps": 35, "decay_type": "1-sqrt"}},
}


def hf_case(given, steps):
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(output_dir=folder, max_steps=steps, learning_rate=3e-4, report_to=[], use_cpu=True, **given)
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=args.learning_rate)
    schedule = optimization.get_scheduler(args.lr_scheduler_type, optimizer, args.get_warmup_steps(steps), steps, args.lr_scheduler_kwargs or None)
    rates = []
    for _ in range(steps):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    known = args.to_dict()
    wanted = ["learning_rate", "max_steps", "lr_scheduler_type", "lr_scheduler_kwargs", "warmup_steps", "per_device_train_batch_size",
              "gradient_accumulation_steps", "weight_decay", "adam_beta1", "adam_beta2", "adam_epsilon", "max_grad_norm", "seed"]
    return {key: known[key] for key in wanted}, rates


# Megatron-LM: what get_optimizer_param_scheduler of megatron/training/training.py makes of the arguments; time is counted in samples.
MEGATRON = {
    "cosine": "--lr-decay-style cosine --lr-warmup-iters 10 --min-lr 3e-5",
    "linear by default": "--min-lr 1e-6",
    "constant": "--lr-decay-style constant --lr-warmup-iters 5 --lr-warmup-init 1e-5",
    "inverse square root": "--lr-decay-style inverse-square-root --lr-warmup-iters 6 --min-lr 1.2e-4",
    "short horizon": "--lr-decay-style cosine --lr-warmup-iters 10 --lr-decay-iters 40 --min-lr 3e-5",
    "long horizon": "--lr-decay-style cosine --lr-warmup-iters 10 --lr-decay-iters 100 --min-lr 3e-5",
    "fraction": "--lr-decay-style linear --lr-warmup-fraction 0.25",
    "WSD": "--lr-decay-style WSD --lr-wsd-decay-iters 20 --lr-warmup-iters 5 --min-lr 3e-6",
    "WSD linear": "--lr-decay-style WSD --lr-wsd-decay-style linear --lr-wsd-decay-iters 20",
    "WSD cosine": "--lr-decay-style WSD --lr-wsd-decay-style cosine --lr-wsd-decay-iters 20 --min-lr 3e-6",
    "WSD minus_sqrt": "--lr-decay-style WSD --lr-wsd-decay-style minus_sqrt --lr-wsd-decay-iters 20 --lr-decay-iters 70",
    "samples": "--lr-decay-style cosine --lr-warmup-samples 85 --lr-decay-samples 470",
}


def megatron_case(text, steps):
    batch = 8
    words = shlex.split(text)
    given = {words[i].removeprefix("--").replace("-", "_"): words[i + 1] for i in range(0, len(words), 2)}
    samples = "lr_decay_samples" in given
    number = lambda key, otherwise: float(given.get(key, otherwise))
    unit = 1 if samples else batch
    kind = "samples" if samples else "iters"
    decay = number(f"lr_decay_{kind}", steps * batch // unit) * unit
    warmup = number("lr_warmup_fraction", 0) * decay if "lr_warmup_fraction" in given else number(f"lr_warmup_{kind}", 0) * unit
    wsd = number(f"lr_wsd_decay_{kind}", 0) * unit if f"lr_wsd_decay_{kind}" in given else None
    optimizer = types.SimpleNamespace(param_groups=[{}])
    schedule = megatron.OptimizerParamScheduler(
        optimizer, number("lr_warmup_init", 0), 3e-4, number("min_lr", 0), warmup, decay, given.get("lr_decay_style", "linear"), 0.1, 0.1,
        steps * batch, "constant", wsd_decay_steps=wsd, lr_wsd_decay_style=given.get("lr_wsd_decay_style", "exponential"))
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        schedule.step(batch)
    length = f"--train-samples {steps * batch}" if samples else f"--train-iters {steps}"
    return f"--lr 3e-4 {length} --global-batch-size {batch} --micro-batch-size 2 --seq-length 64 --weight-decay 0.1 {text}", rates


# OLMo-core: the rate of a step is asked for after the step was counted, so the first one is that of 1, not of 0.
OLMO = {
    "constant": ("ConstantScheduler", {}),
    "constant after warm-up": ("ConstantWithWarmup", {"warmup": 6}),
    "WSD": ("WSD", {"warmup": 6, "decay": 20, "decay_fraction": None}),
    "WSD by shares": ("WSD", {"warmup_fraction": 0.1, "decay_fraction": 0.25, "warmup_min_lr": 1e-5, "decay_min_lr": 2e-5}),
    "linear": ("LinearWithWarmup", {"warmup": 6, "alpha_f": 0.0}),
    "linear without warm-up": ("LinearWithWarmup", {"warmup": 0, "alpha_f": 0.0}),
    "inverse square root": ("InvSqrtWithWarmup", {"warmup": 6, "alpha_f": 0.1}),
    "cosine": ("CosWithWarmup", {"warmup": 6}),
    "cosine over more": ("CosWithWarmup", {"warmup": 6, "t_max": 90}),
    "cosine over less": ("CosWithWarmup", {"warmup": 6, "t_max": 45}),
    "half a cosine": ("HalfCosWithWarmup", {"warmup": 6, "alpha_f": 0.2}),
    "cosine and a tail": ("CosWithWarmupAndLinearDecay", {"warmup": 6, "decay": 12, "decay_fraction": None}),
    "power": ("PowerLR", {"warmup": 6, "decay": 12, "decay_fraction": None}),
    "periods": ("WSDS", {"period_lengths": [25, 35], "period_lr_multipliers": [1.0, 0.8], "warmup": 6, "decay": 8, "decay_min_lr": 1e-5}),
    "up": ("ExponentialScheduler", {"lr_min": 1e-6}),
    "in sequence": ("SequentialScheduler", {"schedulers": [{"_CLASS_": "ConstantWithWarmup", "warmup": 5},
                                                           {"_CLASS_": "CosWithWarmup", "warmup": 0, "alpha_f": 0.1}], "schedulers_max": [20],
                                            "override_decay": {"start": 40, "duration": 15, "end_lr": 0.0}}),
    "composed": ("ComposableScheduler", {"stages": [{"duration": 5, "start_lr": 0.0, "end_lr_fraction": 1.0},
                                                    {"duration": 30, "shape": "cosine", "end_lr_fraction": 0.5},
                                                    {"duration": 10, "end_lr": 1e-5}]}),
    "composed and cut short": ("ComposableScheduler", {"stages": [{"duration": 5, "start_lr": 0.0, "end_lr_fraction": 1.0},
                                                                  {"duration": 100, "end_lr_fraction": 0.5}],
                                                       "override_decay": {"start": 40, "duration": 15, "shape": "cosine", "end_lr": 0.0}}),
}


def olmo_case(name, fields, steps, units):
    batch = 512
    scale = batch if units == "tokens" else 1
    lengths = {"warmup", "decay", "t_max", "duration", "start", "schedulers_max", "period_lengths"}
    def times(k, v):
        return {x: times(x, y) for x, y in v.items()} if isinstance(v, dict) else [times(k, x) for x in v] if isinstance(v, list) \
            else v * scale if k in lengths and v is not None else v
    scaled = lambda given: times("", given)
    fields = scaled(fields)
    made = dict(fields)
    if "schedulers" in made:
        made["schedulers"] = [getattr(olmo, s["_CLASS_"])(**{k: v for k, v in s.items() if k != "_CLASS_"}) for s in made["schedulers"]]
        made["override_decay"] = olmo.OverrideDecay(**made["override_decay"])
        made["schedulers_max"] = list(made["schedulers_max"])
    if "stages" in made:
        shaped = lambda given: {**given, "shape": olmo.ComposableSchedulerStageType(given.get("shape", "linear"))}
        made["stages"] = [olmo.ComposableSchedulerStage(**shaped(s)) for s in made["stages"]]
        if "override_decay" in made:
            made["override_decay"] = olmo.OverrideDecay(**shaped(made["override_decay"]))
    schedule = getattr(olmo, name)(**made)
    rates = [float(schedule.get_lr(3e-4, (s + 1) * scale, steps * scale)) for s in range(steps)]
    config = {"train_module": {"optim": {"_CLASS_": "olmo_core.optim.adamw.AdamWConfig", "lr": 3e-4, "weight_decay": 0.1, "betas": [0.9, 0.95]},
                               "scheduler": {"_CLASS_": f"olmo_core.optim.scheduler.{name}", "units": units, **fields},
                               "max_sequence_length": 64, "rank_microbatch_size": 256},
              "data_loader": {"global_batch_size": batch},
              "trainer": {"max_duration": {"value": steps * scale, "unit": units}}}
    return config, rates


if __name__ == "__main__":
    cases = []

    def add(trainer, name, config, rates):
        cases.append({"trainer": trainer, "name": name, "config": config, "rates": rates})

    for name, given in HF.items():
        add("hf", name, *hf_case(given, 60))
    for name, text in MEGATRON.items():
        add("megatron", name, *megatron_case(text, 60))
    for name, (scheduler, fields) in OLMO.items():
        for units in ("steps", "tokens"):
            add("olmo", f"{name}, {units}", *olmo_case(scheduler, fields, 60, units))
    made = {p: importlib.metadata.version(p) for p in ("torch", "transformers", "megatron-core", "ai2-olmo-core")}
    with open(sys.argv[1], "w") as file:
        rows = ",\n".join(json.dumps(c) for c in cases)
        file.write(f'{{"made_with": {json.dumps(made)}, "cases": [\n{rows}\n]}}\n')
