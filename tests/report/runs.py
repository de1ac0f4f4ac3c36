"""runs.py FOLDER: folders of runs as a trainer leaves them, for reports: `single`, and six cooldowns forked from one checkpoint."""
import json
import math
import random
import sys
from pathlib import Path

SOURCES = ["web", "code", "maths", "reasoning", "books"]
FLOOR = {"web": 2.9, "code": 1.3, "maths": 1.9, "reasoning": 1.1, "books": 3.1}


def write(path, lines):
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))


def interval(x, half):
    return [round(x, 4), round(x - half, 4), round(x + half, 4)]


def steps(draw, stages, start_loss, name, settings, parent, faults):
    """Rows of stages (name, steps, batch, rate(progress), mixture(progress)); losses fall faster where a source has weight."""
    lines = [{"event": "began", "step": 0, "tokens": 0, "text": "", "settings": settings, "parent": parent}]
    step = tokens = 0
    extra = {s: start_loss for s in SOURCES}
    for number, (stage, count, batch, rate, mixture) in enumerate(stages, 1):
        seen, drawn = 0, dict.fromkeys(SOURCES, 0)
        for i in range(count):
            at = (i + 1) / count
            weights, lr = mixture(at), rate(at)
            targets = {s: 0 for s in SOURCES}
            for _ in range(8):
                targets[draw.choices(SOURCES, [weights[s] for s in SOURCES])[0]] += batch // 8
            step, seen, tokens = step + 1, seen + batch, tokens + batch
            losses = {}
            for s in SOURCES:
                drawn[s] += targets[s]
                extra[s] *= 1 - 0.02 * weights[s] - 0.003
                noise = draw.gauss(0, 0.05)
                losses[s] = round(FLOOR[s] + extra[s] + 60 * lr + noise, 4) if targets[s] else None
            norm = 0.6 * math.exp(draw.gauss(0, 0.12))
            if step in faults:
                norm *= 9
                lines.append({"event": "skipped", "step": step - 1, "tokens": tokens - batch, "text": faults[step]})
            seconds = round(0.9 * batch / 4096 * (1 + abs(draw.gauss(0, 0.04))), 4)
            saved = 0.21 if step % 50 == 0 else 0.0
            lines.append({"step": step, "stage": stage, "stage_number": number, "tokens": tokens, "stage_tokens": seen,
                          "loss": round(sum((losses[s] or 0) * targets[s] for s in SOURCES) / batch, 4), "rate": float(f"{lr:.6g}"),
                          "gradient_norm": round(norm, 4), "seconds": seconds, "tokens_per_second": round(batch / seconds, 1),
                          "weights": {s: round(weights[s], 4) for s in SOURCES}, "losses": losses, "targets": targets,
                          "source_tokens": dict(drawn),
                          "phases": {"data": 0.004, "compute": round(seconds * 0.87, 4), "update": round(seconds * 0.09, 4),
                                     "checkpoint": saved, "evaluation": 0.4 if step % 60 == 0 else 0.0}})
            if step % 60 == 0:
                lines.append({"event": "saved", "step": step, "tokens": tokens, "text": f"step-{step:08d}"})
    return lines, extra, step, tokens


def evaluations(draw, rows, extra_at):
    lines = []
    for row in rows:
        if "event" in row or row["step"] % 60:
            continue
        at = {"step": row["step"], "tokens": row["tokens"]}
        late = {s: FLOOR[s] + extra_at * math.exp(-row["step"] / 90) * (1.2 - row["weights"][s]) for s in SOURCES}
        lines.append(at | {"kind": "held_out", "values": [
            {"source": s, "loss": interval(late[s], 0.06), "bits_per_byte": interval(late[s] / 2.9, 0.02)} for s in SOURCES]})
    final = {"step": row["step"], "tokens": row["tokens"]}
    lines.append(final | {"kind": "positions", "values": [{"source": s, "loss": [
        {"first": (1 << k) >> 1, "last": (1 << k) - 1, "loss": round(FLOOR[s] + 4 / (k + 1), 4), "targets": 400} for k in range(13)]}
        for s in ("books", "code")]})
    lines.append(final | {"kind": "choice", "values": [
        {"task": t, "items": 120, "accuracy": interval(a, 0.04), "accuracy_norm": interval(a + 0.03, 0.04)}
        for t, a in (("arc", 0.31), ("hellaswag", 0.36), ("piqa", 0.61))]})
    lines.append(final | {"kind": "needle", "values": [
        {"task": "needle", "length": n, "depth": d, "score": round(max(0.0, min(1.0, 1.25 - n / 9000 - 0.5 * d * (1 - d))), 3), "trials": 10}
        for n in (512, 1024, 2048, 4096, 8192) for d in (0, 0.25, 0.5, 0.75, 1)]})
    return lines


def mixed(start, end):
    return lambda at: {s: start[s] + (end[s] - start[s]) * at for s in SOURCES}


def main(folder):
    web = dict(zip(SOURCES, (0.6, 0.15, 0.05, 0.05, 0.15)))
    maths = dict(zip(SOURCES, (0.25, 0.2, 0.3, 0.15, 0.1)))
    books = dict(zip(SOURCES, (0.2, 0.2, 0.1, 0.1, 0.4)))
    single = folder / "single"
    single.mkdir(parents=True, exist_ok=True)
    draw = random.Random(1)
    stages = [("anneal", 180, 4096, lambda at: 3e-4 * min(1, at / 0.1) * (1 if at < 0.6 else 1 - (at - 0.6) / 0.4 * 0.9), mixed(web, maths)),
              ("long", 60, 8192, lambda at: 3e-5 * (1 - at), mixed(books, books))]
    rows, *_ = steps(draw, stages, 0.9, "single", [["anneal.rate.peak", "0.0003"], ["anneal.budget", "737280"], ["long.batch.length", "8192"], ["seed", "1"]],
                     "", {97: "loss 7.31 lies 9 deviations above the median of 128 steps; its batch was left out"})
    for row in rows:  # as of a model with two routers, whose loads come together, and two modules that predict further on
        if "event" not in row:
            uneven = math.exp(-row["step"] / 70)
            row["routers"] = {f"layer {n}": {"heaviest": round(1.05 + (1 + n) * uneven + draw.random() * 0.05, 4), "lightest": round(0.95 - 0.4 * (1 + n) * uneven, 4),
                                             "overflow": round(0.1 * n * uneven, 4), "losses": [1.0, 0.0, 0.0, 0.0, 0.0]} for n in (0, 1)}
            row["mtp_losses"] = [round(row["loss"] + 0.6 + 0.1 * draw.random(), 4), round(row["loss"] + 1.0 + 0.1 * draw.random(), 4)]
    write(single / "metrics.jsonl", rows)
    write(single / "evaluations.jsonl", evaluations(draw, rows, 0.8))
    for i, (kind, share) in enumerate((k, s) for k in ("linear", "one_minus_sqrt") for s in (0.1, 0.2, 0.3)):
        name = f"{kind.replace('one_minus_sqrt', 'sqrt')}-maths-{int(100 * share)}"
        run = folder / name
        run.mkdir(parents=True, exist_ok=True)
        draw = random.Random(2 + i)
        fall = (lambda at: 1e-4 * (1 - at)) if kind == "linear" else (lambda at: 1e-4 * (1 - math.sqrt(at)))
        end = {s: (1 - share) * web[s] / (1 - web["maths"]) for s in SOURCES} | {"maths": share}
        rows, *_ = steps(draw, [("cooldown", 120, 4096, fall, mixed(web, end))], 0.4 + 0.05 * i, name,
                         [["cooldown.mixture.to.maths", str(share)], ["cooldown.rate.shape", kind], ["cooldown.budget", "491520"], ["seed", "1"]],
                         "trunk/checkpoints/step-00004000", {})
        write(run / "metrics.jsonl", rows)
        write(run / "evaluations.jsonl", evaluations(draw, rows, 0.5 + 0.06 * abs(i - 3)))


main(Path(sys.argv[1]))
