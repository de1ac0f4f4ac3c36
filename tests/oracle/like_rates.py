#!/usr/bin/env python3
"""Learning rates of other trainers' own schedulers beside ours of the same numbers: annealing/like of the library.

tests/oracle/like_rates.py FOLDER                golden values: of each case about 200 steps, all joints among them, in FOLDER/like_*.json
tests/oracle/like_rates.py FOLDER --all PROGRAM  every step of every case and of many drawn at random, against what PROGRAM (like_rates.cpp) says
(torch, transformers; megatron-core, ai2-olmo-core, torchtitan and nanotron, all --no-deps)

A case is a trainer as a run file has it, in rate = { kind = "like", trainer = ... }. What it asks for is run by the trainer's own code, but for llm.c and llmq, which are no Python
(their formulas stand here, in float32 with the C library's cosf and sqrtf), and for the 1-sqrt of nanotron, which its release on PyPI lacks.
"""
import ast
import ctypes
import dataclasses
import importlib.metadata
import json
import logging
import math
import pathlib
import random
import subprocess
import sys
import types
import typing
import warnings

import numpy
import torch
from transformers import optimization

from foreign_rates import load, megatron, olmo

STEPS = 2500
WITHIN = 1e-12  # of a step's own rate; zero must be zero
# llm.c computes in float. Its rates are ours to the bit, but where the C library's cosf is not the nearest float: a last place of the cosine, and what follows.
FLOAT_COSINE, SELDOM = 2.0 ** -23, 0.03
WRITTEN = {"one_minus_sqrt": "1-sqrt", "inverse_square_root": "inverse-square-root", "wsd": "WSD"}  # what is no name in C++
libm = ctypes.CDLL("libm.so.6")
libm.cosf.restype = libm.sqrtf.restype = ctypes.c_float
libm.cosf.argtypes = libm.sqrtf.argtypes = [ctypes.c_float]
f32 = numpy.float32

titan = load("torchtitan", "torchtitan/components/optimizer/lr_scheduler.py", torchtitan={}, torchtitan__tools={},
             torchtitan__tools__logging={"logger": logging.getLogger("torchtitan")},
             torchtitan__config={"Configurable": type("Configurable", (), {"Config": dataclasses.make_dataclass("Config", [])})},
             torchtitan__components={}, torchtitan__components__optimizer={},
             torchtitan__components__optimizer__optimizer={"OptimizersContainer": list})
logging.getLogger("torchtitan").disabled = True
warnings.simplefilter("ignore")


def nanotron_builder():
    """lr_scheduler_builder alone: the file around it would want all of nanotron."""
    file = next(f for f in importlib.metadata.files("nanotron") if str(f) == "nanotron/helpers.py").locate()
    function = next(n for n in ast.parse(file.read_text()).body if getattr(n, "name", "") == "lr_scheduler_builder")
    known = {"math": math, "LambdaLR": torch.optim.lr_scheduler.LambdaLR, "Optimizer": typing.Any, "LRSchedulerArgs": typing.Any}
    exec(compile(ast.Module([function], []), str(file), "exec"), known)
    return known["lr_scheduler_builder"]


nanotron_schedule = nanotron_builder()


def adamw(lr):
    return torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=lr)


def stepped(optimizer, schedule, steps):
    rates = []
    optimizer.step()
    for _ in range(steps):
        rates.append(schedule.get_last_lr()[0])
        schedule.step()
    return rates


def hf(rate, steps, batch):
    kwargs = {k: WRITTEN.get(v, v) for k, v in rate["scheduler"].items() if k != "kind"}
    warmup = rate.get("warmup_steps", 0)
    warmup = int(warmup) if warmup >= 1 else math.ceil(rate["max_steps"] * warmup)  # TrainingArguments.get_warmup_steps
    optimizer = adamw(rate["learning_rate"])
    schedule = optimization.get_scheduler(rate["scheduler"]["kind"], optimizer, warmup, rate["max_steps"], kwargs or None)
    return stepped(optimizer, schedule, steps)


def megatron_lm(rate, steps, batch):
    """get_optimizer_param_scheduler of megatron/training/training.py, then the scheduler itself."""
    samples = "lr_decay_samples" in rate
    unit = 1 if samples else rate["global_batch_size"]
    length = lambda name: rate.get(f"{name}_{'samples' if samples else 'iters'}", 0) * unit
    decay = length("lr_decay")
    warmup = rate["lr_warmup_fraction"] * decay if "lr_warmup_fraction" in rate else length("lr_warmup")
    optimizer = types.SimpleNamespace(param_groups=[{}])
    style = rate.get("lr_decay_style", "linear")
    schedule = megatron.OptimizerParamScheduler(
        optimizer, rate.get("lr_warmup_init", 0), rate["lr"], rate.get("min_lr", 0), warmup, decay, WRITTEN.get(style, style), 0.1, 0.1, steps,
        "constant", wsd_decay_steps=length("lr_wsd_decay"), lr_wsd_decay_style=rate.get("lr_wsd_decay_style", "exponential"))
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        schedule.step(batch // rate["seq_length"])
    return rates


def torchtitan(rate, steps, batch):
    fields = {k: v for k, v in rate.items() if k not in ("kind", "lr", "steps")}
    optimizer = adamw(rate["lr"])
    container = titan.LRSchedulersContainer.Config(**fields).build(optimizers=[optimizer], training_steps=rate["steps"])
    return stepped(optimizer, container.schedulers[0], steps)


def nanotron(rate, steps, batch):
    args = types.SimpleNamespace(lr_warmup_steps=0, lr_warmup_style="linear", lr_decay_style="linear", lr_decay_steps=None,
                                 lr_decay_starting_step=None, min_decay_lr=rate["learning_rate"])
    for key, value in rate.items():
        setattr(args, key, value)
    optimizer = adamw(args.learning_rate)
    schedule = nanotron_schedule(types.SimpleNamespace(get_base_optimizer=lambda: optimizer), args, args.train_steps)
    if args.lr_decay_style != "one_minus_sqrt":
        return stepped(optimizer, schedule, steps)
    # The same with its newer versions' 1-sqrt where the decay is.
    start = args.lr_warmup_steps if args.lr_decay_starting_step is None else args.lr_decay_starting_step
    args.lr_decay_style, high, low = "linear", args.learning_rate, args.min_decay_lr
    length = args.train_steps - args.lr_warmup_steps if args.lr_decay_steps is None else args.lr_decay_steps
    return [low + (high - low) * (1 - math.sqrt((s - start) / length)) if max(start, args.lr_warmup_steps + 1) <= s < start + length else r
            for s, r in enumerate(stepped(optimizer, schedule, steps))]


def olmo_core(rate, steps, batch):
    def made(fields, shaped=False):
        given = {k: v for k, v in fields.items() if k != "kind"}
        if shaped:
            given["shape"] = olmo.ComposableSchedulerStageType(given.get("shape", "linear"))
        if "decay" in given and fields["kind"] != "wsds":
            given["decay_fraction"] = None
        if "stages" in given:
            given["stages"] = [olmo.ComposableSchedulerStage(**made(s, True)) for s in given["stages"]]
        if "override_decay" in given:
            given["override_decay"] = olmo.OverrideDecay(**made(given["override_decay"], True))
        if "schedulers" in given:
            given["schedulers"] = [scheduler(s) for s in given["schedulers"]]
        return given

    def scheduler(fields):
        given = made(fields)
        if not given.keys() & {"warmup", "warmup_fraction"} and "warmup" in OLMO[fields["kind"]].__dataclass_fields__:
            given["warmup"] = 0
        return OLMO[fields["kind"]](**given)

    one, tokens = scheduler(rate["scheduler"]), rate.get("units") == "tokens"
    # train/train_module sets the rate after the step was counted.
    return [float(one.get_lr(rate["lr"], (s + 1) * (batch if tokens else 1), rate["max_duration"])) for s in range(steps)]


OLMO = {"constant": olmo.ConstantScheduler, "constant_with_warmup": olmo.ConstantWithWarmup, "wsd": olmo.WSD, "power_lr": olmo.PowerLR,
        "linear_with_warmup": olmo.LinearWithWarmup, "inv_sqrt_with_warmup": olmo.InvSqrtWithWarmup, "cos_with_warmup": olmo.CosWithWarmup,
        "half_cos_with_warmup": olmo.HalfCosWithWarmup, "cos_with_warmup_and_linear_decay": olmo.CosWithWarmupAndLinearDecay,
        "composable": olmo.ComposableScheduler, "sequential": olmo.SequentialScheduler, "wsds": olmo.WSDS,
        "exponential": olmo.ExponentialScheduler}


def llmc(rate, steps, batch):
    """llmc/schedulers.h (2025): all of it in float, but for M_PI."""
    peak, frac = f32(rate["learning_rate"]), f32(rate.get("final_learning_rate_frac", 1))
    n, w, kind = rate["train_num_batches"], rate.get("warmup_iterations", 0), rate.get("type", "cosine")
    low = peak * frac

    def at(s):
        if kind == "constant":
            return peak
        if s < w:
            return peak * (f32(s + 1) / f32(w)) if kind == "wsd" else peak * f32(s + 1) / f32(w)
        start = int(f32(0.8) * f32(n)) if kind == "wsd" else w
        if s < start:
            return peak
        r = f32(s - start) / f32(n - start)
        if kind == "linear":
            return peak - r * (peak - low)
        left = f32(1) - f32(libm.sqrtf(r)) if kind == "wsd" else f32(0.5) * (f32(1) + f32(libm.cosf(f32(math.pi * float(r)))))
        return low + left * (peak - low)

    return [float(at(s)) for s in range(steps)]


def llmq(rate, steps, batch):
    """src/training/schedule.h and the loop of train.cpp (2026)."""
    peak, n, w = f32(rate["lr"]), rate["steps"], rate.get("warmup", 0)
    cooldown, kind = rate.get("cooldown", 0), rate.get("schedule", "cosine")
    low = peak if kind == "wsd" else peak * f32(rate.get("final_lr_fraction", 1))
    end = n - cooldown

    def main(s):
        if s < w:
            return peak * f32(s) / f32(w)
        r = float(s - w) / end
        if kind == "cosine":
            return f32((0.5 * math.cos(r * math.pi) + 0.5) * float(peak - low) + float(low))
        return f32(float(peak) + float(low - peak) * min(max(r, 0.0), 1.0))

    return [float(main(end) * (f32(1) - f32(libm.sqrtf(f32(s - end) / f32(cooldown)))) if s > end else main(s)) for s in range(steps)]


TRAINERS = {"hf": hf, "megatron": megatron_lm, "torchtitan": torchtitan, "nanotron": nanotron,
            "nanotron_short_decay": nanotron, "olmo_core": olmo_core, "llmc": llmc, "llmq_unfinished_decay": llmq}


def case(kind, batch=1, **fields):
    return {"trainer": {"kind": kind, **fields}, "batch": batch, "steps": STEPS}


def hf_cases():
    for i, (scheduler, kwargs) in enumerate([
            ("constant", {}), ("constant_with_warmup", {}), ("linear", {}), ("linear", {}), ("cosine", {}), ("cosine", {"num_cycles": 1.75}),
            ("cosine", {"num_cycles": 0.3}), ("cosine_with_restarts", {"num_cycles": 3}), ("cosine_with_restarts", {}),
            ("cosine_with_min_lr", {"min_lr": 3e-5}), ("cosine_with_min_lr", {"min_lr_rate": 0.0, "num_cycles": 0.8}),
            ("cosine_warmup_with_min_lr", {"min_lr": 3e-5}), ("cosine_warmup_with_min_lr", {"min_lr_rate": 0.1, "warmup_lr_rate": 0.3}),
            ("polynomial", {}), ("polynomial", {"lr_end": 0.0, "power": 2.5}), ("inverse_sqrt", {}), ("inverse_sqrt", {"timescale": 77}),
            ("warmup_stable_decay", {"num_decay_steps": 500}),
            ("warmup_stable_decay", {"num_decay_steps": 700, "decay_type": "one_minus_sqrt", "warmup_type": "cosine", "min_lr_ratio": 0.1}),
            ("warmup_stable_decay", {"num_decay_steps": 2400, "decay_type": "linear", "warmup_type": "one_minus_sqrt", "min_lr_ratio": 0.05}),
            ("warmup_stable_decay", {"num_decay_steps": 300, "num_stable_steps": 900, "num_cycles": 1.5})]):
        warmup = [100, 0.0333, 0, 371][i % 4]
        yield case("hf", learning_rate=[3e-4, 1e-3, 2.7e-5][i % 3], max_steps=[STEPS, STEPS - 300][i % 2], warmup_steps=warmup,
                   scheduler={"kind": scheduler, **kwargs})


def megatron_cases():
    of = dict(lr=3e-4, seq_length=64, global_batch_size=8)
    for more in [dict(lr_decay_iters=STEPS, lr_decay_style="cosine", lr_warmup_iters=100, min_lr=3e-5), dict(lr_decay_iters=STEPS),
                 dict(lr_decay_iters=STEPS, lr_decay_style="constant", lr_warmup_iters=55, lr_warmup_init=1e-5),
                 dict(lr_decay_iters=STEPS, lr_decay_style="inverse_square_root", lr_warmup_iters=60, min_lr=1.2e-4),
                 dict(lr_decay_iters=2000, lr_decay_style="inverse_square_root"),
                 dict(lr_decay_iters=1900, lr_decay_style="cosine", lr_warmup_fraction=0.0137, min_lr=1e-6),
                 dict(lr_decay_samples=19001, lr_warmup_samples=1003, lr_decay_style="linear", min_lr=2e-5),
                 dict(lr_decay_iters=STEPS, lr_decay_style="wsd", lr_wsd_decay_iters=500, lr_warmup_iters=50, min_lr=3e-6),
                 dict(lr_decay_iters=STEPS, lr_decay_style="wsd", lr_wsd_decay_iters=400, lr_warmup_iters=50),
                 dict(lr_decay_iters=2300, lr_decay_style="wsd", lr_wsd_decay_iters=700, lr_wsd_decay_style="linear"),
                 dict(lr_decay_iters=STEPS, lr_decay_style="wsd", lr_wsd_decay_iters=500, lr_wsd_decay_style="cosine", min_lr=1e-5),
                 dict(lr_decay_samples=20000, lr_decay_style="wsd", lr_wsd_decay_samples=5555, lr_wsd_decay_style="minus_sqrt")]:
        yield case("megatron", 512, **of, **more)


def torchtitan_cases():
    for more in [dict(), dict(warmup_steps=0), dict(warmup_steps=2), dict(decay_ratio=0.1), dict(decay_ratio=0.2, decay_type="sqrt"),
                 dict(decay_type="cosine", min_lr_factor=0.1), dict(decay_ratio=0.3331, decay_type="cosine"),
                 dict(decay_ratio=0.99, decay_type="sqrt", min_lr_factor=0.05), dict(total_steps=4000, decay_ratio=0.5)]:
        yield case("torchtitan", lr=3e-4, steps=STEPS, **more)


def nanotron_cases():
    of = dict(learning_rate=3e-4, train_steps=STEPS)
    for more in [dict(lr_warmup_steps=100), dict(lr_warmup_steps=100, lr_decay_style="cosine", min_decay_lr=3e-5), dict(min_decay_lr=0.0),
                 dict(lr_warmup_steps=2, lr_warmup_style="constant", min_decay_lr=1e-5),
                 dict(lr_warmup_steps=100, lr_decay_starting_step=2000, lr_decay_steps=500, min_decay_lr=0.0),
                 dict(lr_warmup_steps=50, lr_decay_starting_step=1500, lr_decay_steps=600, lr_decay_style="cosine", min_decay_lr=1e-6),
                 dict(lr_warmup_steps=50, lr_decay_starting_step=1900, lr_decay_steps=600, lr_decay_style="one_minus_sqrt", min_decay_lr=0.0),
                 dict(lr_warmup_steps=33, lr_decay_style="one_minus_sqrt", min_decay_lr=3e-5)]:
        yield case("nanotron", **of, **more)
    yield case("nanotron_short_decay", **of, lr_decay_starting_step=2000, lr_warmup_steps=100, min_decay_lr=3e-5)
    yield case("nanotron_short_decay", **of, lr_decay_starting_step=1700, lr_warmup_steps=77, lr_decay_style="cosine", min_decay_lr=0.0)


def compiled_cases():
    for kind in ["cosine", "linear", "constant", "wsd"]:
        for warmup, frac in [(700, 0.0), (0, 0.1), (33, 1.0)]:
            yield case("llmc", learning_rate=6e-4, train_num_batches=STEPS, warmup_iterations=warmup, final_learning_rate_frac=frac, type=kind)
    for kind in ["cosine", "linear", "wsd"]:
        yield case("llmq_unfinished_decay", lr=3e-4, steps=STEPS, warmup=100, final_lr_fraction=0.1, schedule=kind)
        yield case("llmq_unfinished_decay", lr=1e-4, steps=STEPS, warmup=41, cooldown=300, final_lr_fraction=0.0, schedule=kind)


def olmo_cases():
    stages = [{"duration": 100, "start_lr": 0.0, "end_lr_fraction": 1.0}, {"duration": 1100, "shape": "cosine", "end_lr_fraction": 0.5},
              {"duration": 777, "end_lr": 1e-5}]
    for kind, fields in [
            ("constant", {}), ("constant_with_warmup", {"warmup": 60}), ("constant_with_warmup", {"warmup_fraction": 0.0333, "warmup_min_lr": 1e-6}),
            ("wsd", {"warmup": 60, "decay": 500}), ("wsd", {"warmup_fraction": 0.1, "decay_fraction": 0.25, "warmup_min_lr": 1e-5, "decay_min_lr": 2e-5}),
            ("power_lr", {"warmup": 60}), ("power_lr", {"warmup": 300, "decay": 222, "b": -0.3, "decay_min_lr": 1e-6}),
            ("linear_with_warmup", {"warmup": 60, "alpha_f": 0.0}), ("linear_with_warmup", {"warmup": 0, "t_max": 2100}),
            ("inv_sqrt_with_warmup", {"warmup": 60}), ("inv_sqrt_with_warmup", {"warmup_fraction": 0.05, "alpha_f": 0.0}),
            ("cos_with_warmup", {"warmup": 60}), ("cos_with_warmup", {"warmup": 60, "t_max": 4000, "alpha_f": 0.0}),
            ("cos_with_warmup", {"warmup_fraction": 0.01, "t_max": 1800, "warmup_min_lr": 1e-6}),
            ("half_cos_with_warmup", {"warmup": 60}), ("half_cos_with_warmup", {"warmup": 123, "alpha_f": 0.0, "t_max": 2222}),
            ("cos_with_warmup_and_linear_decay", {"warmup": 60}),
            ("cos_with_warmup_and_linear_decay", {"warmup": 60, "decay": 700, "t_max": 3000, "decay_min_lr": 1e-6}),
            ("exponential", {}), ("exponential", {"lr_min": 1e-6}), ("composable", {"stages": stages}),
            ("composable", {"stages": stages, "override_decay": {"start": 900, "duration": 600, "shape": "cosine", "end_lr": 0.0}}),
            ("sequential", {"schedulers": [{"kind": "constant_with_warmup", "warmup": 60}, {"kind": "cos_with_warmup", "warmup": 0},
                                           {"kind": "linear_with_warmup", "warmup": 0, "alpha_f": 0.0}], "schedulers_max": [500, 1500]}),
            ("sequential", {"schedulers": [{"kind": "cos_with_warmup", "warmup": 60, "t_max": 3000}, {"kind": "constant"}], "schedulers_max": [1200],
                            "override_decay": {"start": 2000, "duration": 400, "end_lr_fraction": 0.01}}),
            ("wsds", {"period_lengths": [600, 700, 1000], "warmup": 60, "decay_fraction": 0.1}),
            ("wsds", {"period_lengths": [900, 1600], "period_lr_multipliers": [1.0, 0.8], "warmup_fraction": 0.1, "decay": 200, "decay_min_lr": 1e-5})]:
        yield case("olmo_core", lr=3e-4, max_duration=STEPS, scheduler={"kind": kind, **fields})
        if kind in ("wsd", "cos_with_warmup", "sequential"):
            yield case("olmo_core", 512, lr=3e-4, max_duration=STEPS * 512, units="tokens", scheduler=in_tokens({"kind": kind, **fields}, 512))


def in_tokens(fields, batch):
    lengths = {"warmup", "decay", "t_max", "duration", "start", "schedulers_max"}
    scaled = lambda k, v: [scaled(k, x) for x in v] if isinstance(v, list) else in_tokens(v, batch) if isinstance(v, dict) else v * batch if k in lengths else v
    return {k: scaled(k, v) for k, v in fields.items()}


FILES = {"hf": hf_cases, "megatron": megatron_cases, "olmo_core": olmo_cases, "torchtitan": torchtitan_cases, "nanotron": nanotron_cases,
         "compiled": compiled_cases}


def drawn(seed):
    """Cases whose numbers nobody chose: each kind of each trainer again, its lengths and rates by chance."""
    draw = random.Random(seed)
    lengths = {"warmup_steps", "num_decay_steps", "lr_warmup_iters", "lr_wsd_decay_iters", "warmup", "decay", "warmup_iterations", "lr_warmup_steps"}

    def other(fields):
        for key, value in fields.items():
            if isinstance(value, dict):
                other(value)
            elif key in lengths and value >= 1 and fields.get("units") != "tokens":
                fields[key] = draw.randrange(1, min(value * 2, 1100))
            elif key in ("learning_rate", "lr"):
                fields[key] = math.exp(draw.uniform(math.log(2e-4), math.log(1e-2)))
            elif key in ("min_lr_rate", "min_lr_ratio", "min_lr_factor", "alpha_f", "decay_ratio"):
                fields[key] = draw.uniform(0, 0.5)
        return fields

    for cases in FILES.values():
        for one in cases():
            if one["trainer"].get("units") != "tokens":
                other(one["trainer"])
            yield one


def numbers(value):
    if isinstance(value, (dict, list)):
        return [n for v in (value.values() if isinstance(value, dict) else value) for n in numbers(v)]
    return [value] if isinstance(value, (int, float)) else []


def chosen(one):
    """Ends, each joint with three steps to its sides (whatever sum or difference of two lengths it is), and steps between."""
    n = one["steps"]
    whole = {round(x / u) for x in numbers(one["trainer"]) for u in {1, 8, one["batch"]} if 1 <= x / u <= n}
    whole |= {round(n * x) for x in numbers(one["trainer"]) if 0 < x < 1}
    joints = {0, n} | whole | {n - x for x in whole}
    at = {s + d for s in joints for d in range(-3, 4)}
    at |= set(range(0, n, max(1, n // max(20, 200 - len(at)))))
    return sorted(s for s in at if 0 <= s < n)


def golden(folder):
    made = {p: importlib.metadata.version(p) for p in ("torch", "transformers", "megatron-core", "ai2-olmo-core", "torchtitan", "nanotron")}
    for name, cases in FILES.items():
        rows = []
        for one in cases():
            rates, at = TRAINERS[one["trainer"]["kind"]](one["trainer"], one["steps"], one["batch"]), chosen(one)
            rows.append(json.dumps({**one, "at": at, "rates": [rates[s] for s in at]}, separators=(",", ":")))
        rows = ",\n".join(rows)
        (folder / f"like_{name}.json").write_text(f'{{"made_with": {json.dumps(made)}, "cases": [\n{rows}\n]}}\n')


def every_step(folder, program):
    cases = [one for make in FILES.values() for one in make()] + [one for seed in range(3) for one in drawn(seed)]
    (folder / "like_cases.json").write_text(json.dumps({"cases": cases}))
    lines = subprocess.run([program, folder / "like_cases.json"], capture_output=True, text=True, check=True).stdout.splitlines()
    worst, count, bad = {}, 0, 0
    for one, line in zip(cases, lines, strict=True):
        kind = one["trainer"]["kind"]
        wanted = TRAINERS[kind](one["trainer"], one["steps"], one["batch"])
        ours = [float(x) for x in line.split()]
        if kind == "llmc" and one["trainer"]["type"] == "cosine":
            near = [a if abs(a - b) <= FLOAT_COSINE * one["trainer"]["learning_rate"] else b for a, b in zip(wanted, ours, strict=True)]
            ours = near if sum(a != b for a, b in zip(near, ours)) <= SELDOM * len(ours) else ours
        apart = max(abs(a - b) / max(abs(b), 1e-300) for a, b in zip(ours, wanted, strict=True))
        worst[kind], count = max(worst.get(kind, 0.0), apart), count + len(ours)
        if not apart <= WITHIN:
            bad += 1
            at = max(range(len(ours)), key=lambda s: abs(ours[s] - wanted[s]) / max(abs(wanted[s]), 1e-300))
            print(f"{json.dumps(one['trainer'])}: step {at} has {ours[at]:.17g}, the trainer's {wanted[at]:.17g}")
    print(f"{len(cases)} cases, {count} steps; at most " + ", ".join(f"{k} {v:.1e}" for k, v in worst.items()) + " of the rate apart")
    return 1 if bad else 0


if __name__ == "__main__":
    made = pathlib.Path(sys.argv[1])
    sys.exit(every_step(made, sys.argv[3]) if sys.argv[2:3] == ["--all"] else golden(made))
