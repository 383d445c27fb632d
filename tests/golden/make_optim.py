#!/usr/bin/env python3
"""Write the trajectories of optimisers and the learning rates of schedules that ANAct's are tested against.

    pip install torch torchvision numpy      # CPU builds are enough
    python3 make_optim.py                    # rewrites optim.json and schedules.json beside this file

Everything comes from torch.optim, torch.optim.lr_scheduler, torch.optim.swa_utils and torch.nn.utils in float64, but for
Lion, which PyTorch has not: it follows the paper's algorithm line by line, in numpy, and PyTorch checks nothing of it.
README.md beside this file describes the files.
"""

import math
import random

import numpy as np
import torch
from torch.optim import lr_scheduler as schedulers
from torch.optim import swa_utils

from make_golden import MADE_WITH, write

# --------------------------------------------------------------------------------------------
# Optimisers
# --------------------------------------------------------------------------------------------

STEPS = 100
NAMES = {"w": slice(0, 3), "b": slice(3, 5)}


def problem():
    """A (symmetric, positive definite, exact short decimals) and the start."""
    size = 5
    generator = random.Random("anact-golden/optim")
    draw = lambda: round(generator.gauss(0.0, 1.0), 4)
    matrix = np.array([[draw() for _ in range(size)] for _ in range(size)])
    matrix = np.round(matrix @ matrix.T / size + 0.2 * np.eye(size), 4)
    start = np.array([2 * draw() for _ in range(size)]).round(4)
    return matrix, start


MATRIX, START = problem()


class Model(torch.nn.Module):
    """The five numbers as two parameters, `w` and `b`."""

    def __init__(self):
        super().__init__()
        for name, part in NAMES.items():
            self.register_parameter(name, torch.nn.Parameter(torch.tensor(START[part])))

    def numbers(self):
        return torch.cat([self.w, self.b]).detach()

    def set_gradients(self):
        """g(p) = A p + sin(p)."""
        p = self.numbers()
        g = torch.tensor(MATRIX) @ p + torch.sin(p)
        for name, part in NAMES.items():
            parameter = getattr(self, name)
            parameter.grad = g[part].clone() if parameter.requires_grad else None


class Lion:
    """Chen et al. (2023), algorithm 2: update model parameters with c_t, then the momentum."""

    def __init__(self, parameters, lr, beta1, beta2, weight_decay):
        self.groups = [(parameters, lr, weight_decay)]
        self.beta1, self.beta2 = beta1, beta2
        self.m = [np.zeros(tuple(p.shape)) for p in parameters]

    def step(self):
        ((parameters, lr, weight_decay),) = self.groups
        for i, parameter in enumerate(parameters):
            theta, g = parameter.detach().numpy(), parameter.grad.numpy()
            c = self.beta1 * self.m[i] + (1 - self.beta1) * g
            theta -= lr * (np.sign(c) + weight_decay * theta)
            self.m[i] = self.beta2 * self.m[i] + (1 - self.beta2) * g


class DecoupledSgd(torch.optim.SGD):
    """p *= 1 - lr * weight_decay (with the gradient of before), then SGD without decay. PyTorch has no such option."""

    def __init__(self, groups, lr, decoupled, **settings):
        super().__init__(groups, lr=lr, weight_decay=0.0, **settings)
        self.decoupled = decoupled

    def step(self):
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    p.mul_(1 - group["lr"] * self.decoupled)
        super().step()


def build(model, settings, lr, groups):
    s = settings
    decay = s["weight_decay"]
    parts, frozen = [], []
    for name in NAMES:
        parameter = getattr(model, name)
        group = next((g for g in groups if g["pattern"] == name), {})
        if group.get("is_frozen"):
            parameter.requires_grad_(False)
            continue
        part = {"params": [parameter], "lr": lr * group.get("rate_factor", 1.0)}
        if group.get("weight_decay") is not None:
            part["weight_decay"] = group["weight_decay"]
        parts.append(part)
    if s["name"] == "sgd":
        common = {"momentum": s["momentum"], "nesterov": s["nesterov"], "dampening": 0}
        if s["kind"] == "decoupled":
            return DecoupledSgd(parts, lr, decay, **common)
        return torch.optim.SGD(parts, lr=lr, weight_decay=decay, **common)
    if s["name"] in ("adam", "adamw"):
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[s["name"]]
        return kind(parts, lr=lr, betas=(s["beta1"], s["beta2"]), eps=s["eps"], weight_decay=decay)
    assert s["name"] == "lion" and not groups
    return Lion(list(model.parameters()), lr, s["beta1"], s["beta2"], decay)


def run(settings, lr, groups=(), clipping=None, averaging=None):
    model = Model()
    optimizer = build(model, settings, lr, groups)
    row = {"settings": {**settings, "decayed": "all"}, "rate": lr}
    average = None
    if averaging:
        functions = {
            "uniform": swa_utils.get_swa_multi_avg_fn,
            "exponential": lambda: swa_utils.get_ema_multi_avg_fn(averaging["decay"]),
        }
        average = swa_utils.AveragedModel(model, multi_avg_fn=functions[averaging["kind"]]())
        row.update(averaging=averaging, averages=[])
    if groups:
        row["groups"] = list(groups)
    if clipping:
        row.update(clipping=clipping, norms=[])
    row["trajectory"] = []
    for _ in range(STEPS):
        model.set_gradients()
        moved = [p for p in model.parameters() if p.requires_grad]
        if clipping and "norm" in clipping:
            row["norms"].append(float(torch.nn.utils.clip_grad_norm_(moved, clipping["norm"])))
        if clipping and "value" in clipping:
            torch.nn.utils.clip_grad_value_(moved, clipping["value"])
        optimizer.step()
        row["trajectory"].append(model.numbers().tolist())
        if average:
            average.update_parameters(model)
            row["averages"].append(average.module.numbers().tolist())
    return row


def sgd(momentum, nesterov, weight_decay, kind="coupled"):
    return {"name": "sgd", "momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay, "kind": kind}


def adam(weight_decay, beta1=0.9, beta2=0.999, eps=1e-8, name="adam"):
    return {"name": name, "beta1": beta1, "beta2": beta2, "eps": eps, "weight_decay": weight_decay}


def lion(weight_decay, beta1=0.9, beta2=0.99):
    return {"name": "lion", "beta1": beta1, "beta2": beta2, "weight_decay": weight_decay}


def make_optim():
    group = lambda pattern, **more: {"pattern": pattern, **more}
    rows = [
        run(sgd(0.0, False, 0.0), 0.1),
        run(sgd(0.9, False, 0.0), 0.05),
        run(sgd(0.9, True, 0.0), 0.05),
        run(sgd(0.0, False, 0.1), 0.1),
        run(sgd(0.9, True, 0.05), 0.03),
        run(sgd(0.0, False, 0.1, "decoupled"), 0.1),
        run(sgd(0.9, False, 0.2, "decoupled"), 0.05),
        run(sgd(0.9, True, 0.05, "decoupled"), 0.03),
        run(adam(0.0), 0.05),
        run(adam(0.1), 0.1),
        run(adam(0.0, 0.8, 0.95, 1e-3), 0.02),
        run(adam(0.01, name="adamw"), 0.05),
        run(adam(0.3, 0.5, 0.9, 1e-2, "adamw"), 0.03),
        run(lion(0.0), 0.01),
        run(lion(0.5, 0.95, 0.98), 0.03),
        run(sgd(0.9, True, 0.05), 0.03, clipping={"norm": 1.5}),
        run(adam(0.1), 0.05, clipping={"norm": 0.2}),
        run(sgd(0.9, False, 0.0), 0.05, clipping={"value": 0.4}),
        run(adam(0.01, name="adamw"), 0.05, clipping={"value": 0.4}),
        run(
            adam(0.1, name="adamw"),
            0.05,
            groups=[group("b", rate_factor=0.1, weight_decay=0.0)],
            clipping={"norm": 1.0},
        ),
        run(sgd(0.9, True, 0.0), 0.05, groups=[group("w", weight_decay=0.2), group("b", rate_factor=0.5)]),
        run(sgd(0.9, False, 0.1), 0.05, groups=[group("b", is_frozen=True)], clipping={"norm": 1.0}),
        run(sgd(0.9, True, 0.0), 0.01, averaging={"kind": "exponential", "decay": 0.9}),
        run(adam(0.0), 0.05, averaging={"kind": "exponential", "decay": 0.999}),
        run(sgd(0.9, True, 0.0), 0.01, averaging={"kind": "uniform"}),
    ]
    head = {"made_with": MADE_WITH, "A": MATRIX.tolist(), "p0": START.tolist()}
    write("optim.json", head, "runs", rows)


# --------------------------------------------------------------------------------------------
# Learning-rate schedules
# --------------------------------------------------------------------------------------------


def make_schedules():
    """values[t] is the rate used by step t, that is, after t calls of scheduler.step()."""
    steps = 20
    rows = []

    def run(base, make):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base)
        scheduler = make(optimizer)
        values = []
        for _ in range(steps):
            values.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            scheduler.step()
        return values

    def add(name, settings, formula_text, values, formula):
        by_formula = [formula(t) for t in range(steps)]
        assert np.allclose(values, by_formula, rtol=1e-12, atol=1e-15), name
        rows.append({"schedule": name, "settings": settings, "formula": formula_text, "values": values})

    def cosine(t, base, t_max, eta_min):
        return eta_min + 0.5 * (base - eta_min) * (1 + math.cos(math.pi * t / t_max))

    cosine_text = "min_lr + (lr - min_lr) / 2 * (1 + cos(pi * t / t_max))"
    for base, t_max, eta_min in ((0.1, 20, 0.0), (0.1, 20, 0.001), (0.05, 33, 0.0)):
        add(
            "cosine",
            {"lr": base, "t_max": t_max, "min_lr": eta_min},
            cosine_text,
            run(base, lambda o: schedulers.CosineAnnealingLR(o, T_max=t_max, eta_min=eta_min)),
            lambda t: cosine(t, base, t_max, eta_min),
        )

    for base, step_size, gamma in ((0.1, 6, 0.1), (0.05, 5, 0.5), (0.2, 1, 0.9)):
        add(
            "step",
            {"lr": base, "step_size": step_size, "gamma": gamma},
            "lr * gamma ^ floor(t / step_size)",
            run(base, lambda o: schedulers.StepLR(o, step_size=step_size, gamma=gamma)),
            lambda t: base * gamma ** (t // step_size),
        )

    add(
        "constant",
        {"lr": 0.1},
        "lr",
        run(0.1, lambda o: schedulers.ConstantLR(o, factor=1.0)),
        lambda t: 0.1,
    )

    milestones = [8, 15]
    add(
        "multi_step",
        {"lr": 0.1, "milestones": milestones, "gamma": 0.1},
        "lr * gamma ^ (number of milestones <= t)",
        run(0.1, lambda o: schedulers.MultiStepLR(o, milestones=milestones, gamma=0.1)),
        lambda t: 0.1 * 0.1 ** sum(m <= t for m in milestones),
    )

    for base, total, pct_start, anneal, div, final_div in (
        (0.1, 20, 0.3, "cos", 25.0, 1e4),
        (0.4, 20, 0.45, "linear", 10.0, 100.0),
        (0.1, 33, 0.2, "cos", 4.0, 50.0),
        (0.05, 20, 0.0, "linear", 25.0, 1e4),
    ):

        def one_cycle(t):
            first, end = base / div, base / div / final_div
            top = pct_start * total - 1
            low, high, share = (first, base, t / top) if t < top else (base, end, (t - top) / (total - 1 - top))
            if anneal == "linear":
                return low + (high - low) * share
            return high + (low - high) / 2 * (1 + math.cos(math.pi * share))

        add(
            "one_cycle",
            {
                "lr": base,
                "total_steps": total,
                "pct_start": pct_start,
                "anneal_strategy": anneal,
                "div_factor": div,
                "final_div_factor": final_div,
            },
            "up from lr / div_factor to lr at pct_start * total_steps - 1, down to "
            "lr / div_factor / final_div_factor at total_steps - 1",
            run(
                base,
                lambda o: schedulers.OneCycleLR(
                    o,
                    max_lr=base,
                    total_steps=total,
                    pct_start=pct_start,
                    anneal_strategy=anneal,
                    cycle_momentum=False,
                    div_factor=div,
                    final_div_factor=final_div,
                ),
            ),
            one_cycle,
        )

    # Warm-up over 5 steps, then a cosine over the other 15 that starts at the full rate at t = 5.
    # Two ways to count the warm-up are in use; both are here, told apart by "start_factor" and
    # "ramp_steps": factor(t) = start_factor + (1 - start_factor) * min(t, ramp_steps) / ramp_steps.
    #   ramp_steps = 5: the ramp ends at the first step of the cosine (LinearLR's total_iters = 5);
    #   start_factor = 1/5, ramp_steps = 4: factor(t) = (t + 1) / 5, the fifth step is at full rate.
    warmup, base = 5, 0.1
    t_max = steps - warmup
    for start_factor, ramp, eta_min in ((0.2, 4, 0.0), (0.1, 5, 0.0), (0.01, 5, 0.001)):

        def make(o):
            linear = schedulers.LinearLR(o, start_factor=start_factor, total_iters=ramp)
            tail = schedulers.CosineAnnealingLR(o, T_max=t_max, eta_min=eta_min)
            return schedulers.SequentialLR(o, [linear, tail], milestones=[warmup])

        def formula(t):
            if t < warmup:
                return base * (start_factor + (1 - start_factor) * min(t, ramp) / ramp)
            return cosine(t - warmup, base, t_max, eta_min)

        add(
            "warmup_cosine",
            {
                "lr": base,
                "warmup_steps": warmup,
                "start_factor": start_factor,
                "ramp_steps": ramp,
                "t_max": t_max,
                "min_lr": eta_min,
            },
            "t < warmup_steps: lr * (start_factor + (1 - start_factor) * min(t, ramp_steps) / ramp_steps); "
            "else cosine of t - warmup_steps over t_max",
            run(base, make),
            formula,
        )

    # The second way to count before falls at steps of the run, 9 and 14, and before a fall every 4 steps after it.
    def make_falls(o, tail):
        linear = schedulers.LinearLR(o, start_factor=1 / warmup, total_iters=warmup - 1)
        return schedulers.SequentialLR(o, [linear, tail], milestones=[warmup])

    ramp = lambda t: base * (t + 1) / warmup
    add(
        "warmup_multi_step",
        {"lr": base, "warmup_steps": warmup, "milestones": [9, 14], "gamma": 0.2},
        "t < warmup_steps: lr * (t + 1) / warmup_steps; else lr * gamma ^ (number of milestones <= t)",
        run(base, lambda o: make_falls(o, schedulers.MultiStepLR(o, milestones=[9 - warmup, 14 - warmup], gamma=0.2))),
        lambda t: ramp(t) if t < warmup else base * 0.2 ** ((t >= 9) + (t >= 14)),
    )
    add(
        "warmup_step",
        {"lr": base, "warmup_steps": warmup, "step_size": 4, "gamma": 0.5},
        "t < warmup_steps: lr * (t + 1) / warmup_steps; else lr * gamma ^ floor((t - warmup_steps) / step_size)",
        run(base, lambda o: make_falls(o, schedulers.StepLR(o, step_size=4, gamma=0.5))),
        lambda t: ramp(t) if t < warmup else base * 0.5 ** ((t - warmup) // 4),
    )

    write("schedules.json", {"made_with": MADE_WITH, "steps": steps}, "schedules", rows)


if __name__ == "__main__":
    make_optim()
    make_schedules()
