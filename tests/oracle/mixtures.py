#!/usr/bin/env python3
"""Golden mixtures of DoReMi and of ODM, computed from the papers' algorithms with NumPy.

tests/oracle/mixtures.py OUTPUT.json   (numpy)

`doremi`: Xie et al. 2023 (arXiv 2305.10429), algorithm 1. Each step has tokens of every domain with a loss of the proxy and one of the reference;
the excess is clipped token by token. What a run records is in `losses`: the proxy's mean over a domain's tokens. The tokens of one domain and step
are all above or all below the reference, where clipping tokens and clipping their mean are the same. levanter's estimate_mixture_weights has the
same update and the same running average, which is `mean`.

`odm`: Albalak et al. 2023 (arXiv 2312.02406), algorithm 1, a turn of several draws. After turn t the exploration is E_t, and rewards are multiplied
by E_(t-1), as in the authors' updater, which is asked after each iteration; a domain's reward is its mean loss over the turn. null: not drawn.
"""
import json
import sys

import numpy


def doremi(domains, steps, tokens, eta, c, seed):
    random = numpy.random.default_rng(seed)
    reference = 1.5 + 2 * random.random(domains)
    uniform = numpy.full(domains, 1 / domains)
    alpha, total, losses, path = uniform, numpy.zeros(domains), [], []
    for step in range(steps):
        step_losses, excess = numpy.zeros(domains), numpy.zeros(domains)
        for d in range(domains):
            of_reference = random.normal(0, 0.3, tokens)
            of_reference += reference[d] - of_reference.mean()
            side = 1 if random.random() < 0.75 else -1
            of_proxy = of_reference + side * random.random(tokens) * 2 * numpy.exp(-step / (10 + 10 * d))
            excess[d] = sum(max(a - b, 0.0) for a, b in zip(of_proxy, of_reference)) / tokens
            step_losses[d] = of_proxy.mean()
        grown = alpha * numpy.exp(eta * excess)
        alpha = (1 - c) * grown / grown.sum() + c * uniform
        total = total + alpha
        losses.append(step_losses.tolist())
        path.append(alpha.tolist())
    return {"step_size": eta, "smoothing": c, "reference": reference.tolist(), "losses": losses, "weights": path, "mean": (total / steps).tolist()}


def odm(domains, turns, draws, alpha, seed):
    random = numpy.random.default_rng(seed)
    policy, rewards, last = numpy.full(domains, 1 / domains), numpy.zeros(domains), 1 / domains
    losses, path = [], []
    for t in range(1, turns + 1):
        seen = [[] for _ in range(domains)]
        for arm in random.choice(domains, size=draws, p=policy):
            seen[arm].append(1 + arm + 3 * numpy.exp(-t / 20) + 0.2 * random.random())
        means = [float(numpy.mean(x)) if x else None for x in seen]
        for arm, loss in enumerate(means):
            if loss is not None:
                rewards[arm] = alpha * rewards[arm] + (1 - alpha) * loss / policy[arm]
        now = min(1 / domains, numpy.sqrt(numpy.log(domains) / (domains * t)))
        chances = numpy.exp(last * rewards)
        policy = (1 - domains * now) * chances / chances.sum() + now
        policy = policy / policy.sum()  # of rounding, which numpy's choice asks for
        last = now
        losses.append(means)
        path.append(policy.tolist())
    return {"memory": alpha, "losses": losses, "weights": path}


if __name__ == "__main__":
    out = {"doremi": [doremi(5, 40, 7, 1.0, 1e-3, 1), doremi(5, 60, 3, 0.3, 0.05, 2)],
           "odm": [odm(5, 80, 4, 0.9, 3), odm(5, 60, 16, 0.5, 4)]}
    with open(sys.argv[1], "w") as f:
        json.dump(out, f)
        f.write("\n")
