#!/usr/bin/env python3
"""Write what PyTorch makes of numbers at the edges of float32, which ANAct's ops and optimisers are compared with.

    pip install torch torchvision numpy      # CPU builds are enough
    python3 make_edges.py                    # rewrites edges.json beside this file

Everything is computed in float32 but for clipping, which is in float64. README.md beside this file describes the file.
"""

import math

import torch
import torch.nn.functional as F

from make_golden import write_list

torch.set_default_dtype(torch.float32)

NAN, INF = math.nan, math.inf
POINTS = [NAN, INF, -INF, 1e30, -1e30, 3e38, -3e38, 1e-30, -1e-30, 1e-40, -1e-40]

FUNCTIONS = {
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "relu6": F.relu6,
    "elu": F.elu,
    "selu": F.selu,
    "celu": F.celu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "swish": F.silu,
    "mish": F.mish,
    "softplus": F.softplus,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softsign": F.softsign,
    "erf": torch.erf,
    "sin": torch.sin,
    "hard_tanh": F.hardtanh,
    "hard_sigmoid": F.hardsigmoid,
    "hard_swish": F.hardswish,
    "exp": torch.exp,
    "ln": torch.log,
    "sqrt": torch.sqrt,
    "neg": torch.neg,
}


def number(x):
    """JSON has no names for what is not finite."""
    return x if math.isfinite(x) else {"nan": "nan", "inf": "inf", "-inf": "-inf"}[str(x)]


def numbers(t):
    return [number(x) for x in t.detach().flatten().tolist()]


def row(op, f, *inputs):
    """Value and gradients of their sum over g = 1, 2, 3, ..."""
    inputs = [torch.tensor(x, requires_grad=True) for x in inputs]
    y = f(*inputs)
    g = torch.arange(1.0, y.numel() + 1.0).reshape(y.shape)
    gradients = torch.autograd.grad(y, inputs, g)
    return {
        "op": op,
        "shapes": [list(x.shape) for x in inputs],
        "inputs": [numbers(x) for x in inputs],
        "output": numbers(y),
        "gradients": [numbers(x) for x in gradients],
    }


def elementwise():
    for name, f in FUNCTIONS.items():
        x = torch.tensor(POINTS, requires_grad=True)
        y = f(x)
        (slope,) = torch.autograd.grad(y, x, torch.ones_like(y))
        yield {"function": name, "x": numbers(x), "y": numbers(y), "slope": numbers(slope)}


def rows():
    def softmaxes(*x):
        yield row("softmax", lambda x: F.softmax(x, -1), list(x))
        yield row("log_softmax", lambda x: F.log_softmax(x, -1), list(x))

    yield from softmaxes(NAN, 1.0, 0.0)
    yield from softmaxes(INF, 1.0, 0.0)
    yield from softmaxes(-INF, 1.0, 0.0)
    yield from softmaxes(-INF, -INF, -INF)
    yield from softmaxes(1e30, -1e30, 0.0)
    yield from softmaxes(1e-40, -1e-40, 0.0)
    for logits in ([1e30, -1e30, 0.0], [1e-40, 0.0, 1e-30], [NAN, 1.0, 0.0], [-INF, 1.0, 0.0]):
        yield row("cross_entropy", lambda x: F.cross_entropy(x, torch.tensor([1])), [logits])
    for x in ([1e30, -2e30, 3e30, 4e30], [1e-30, 2e-30, 4e-30, -1e-30], [1e-40, 2e-40, 0.0, -3e-40],
              [0.5, 0.5, 0.5, 0.5], [NAN, 1.0, 2.0, 3.0], [INF, 1.0, 2.0, 3.0]):
        yield row("var", lambda x: x.var(correction=0), x)
        yield row("mean", lambda x: x.mean(), x)
        yield row("sum", lambda x: x.sum(), x)
        norm = lambda x, gamma, beta: F.batch_norm(x, None, None, gamma, beta, training=True)
        yield row("batch_norm", norm, [[v] for v in x], [1.5], [0.25])
    for x in ([[1.0, NAN], [INF, 2.0]], [[-INF, -INF], [-INF, -INF]], [[1e-40, 2e-40], [-1e-40, 0.0]],
              [[INF, 1.0], [2.0, INF]]):
        yield row("max_pool2d", lambda x: F.max_pool2d(x, 2), [[x]])
        yield row("avg_pool2d", lambda x: F.avg_pool2d(x, 2), [[x]])


GRADIENTS = [[1e30, 1e-30, 1e-40, 0.0], [1.0, 1.0, 1.0, 1.0], [NAN, INF, -INF, 1.0]]


def optimisers():
    """Four numbers from 0.5 on, one step for each of GRADIENTS."""
    made = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        "adam": lambda p: torch.optim.Adam(p, lr=0.1),
        "adamw": lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.0),
    }
    for name, make in made.items():
        p = torch.full((4,), 0.5, requires_grad=True)
        optimizer, course = make([p]), []
        for g in GRADIENTS:
            p.grad = torch.tensor(g)
            optimizer.step()
            course.append(numbers(p))
        yield {"optimizer": name, "gradients": [[number(x) for x in g] for g in GRADIENTS], "course": course}


def clipping():
    for g in ([1e30, 1e30, 1e30, 1e30], [1e-30, 2e-30], [NAN, 1e9, 0.0], [INF, 1e9, -1.0]):
        p = torch.zeros(len(g), dtype=torch.float64, requires_grad=True)
        p.grad = torch.tensor(g, dtype=torch.float64)
        torch.nn.utils.clip_grad_norm_([p], 1.0)
        yield {"gradient": [number(x) for x in g], "clipped": numbers(p.grad)}


def tagged(kind, made):
    return [{"kind": kind, **row} for row in made]


if __name__ == "__main__":
    write_list(
        "edges.json",
        tagged("function", elementwise())
        + tagged("op", rows())
        + tagged("optimizer", optimisers())
        + tagged("clipping", clipping()),
    )
