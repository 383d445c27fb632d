#!/usr/bin/env python3
"""Write the reference values that ANAct's ops, initialisers, models and Hessian-vector
products are tested against. (make_optim.py writes those of optimisers and schedules.)

    pip install torch torchvision numpy      # CPU builds are enough
    python3 make_golden.py                   # rewrites *.json beside this file

The committed files were made with torch 2.15.0, torchvision 0.29.2, numpy 2.4.6 and Python 3.11
(recorded too as "made_with" in each file but ops.json, which is a bare list). Everything is
computed in float64 on one CPU thread. The model counts need no download: the weights are random.

Random numbers come from Python's `random.Random`, seeded with the string
"anact-golden/<op>/<index of the row among the rows of that op>", so a new row at the end of an
op's rows changes no other row. Random inputs and cotangents are rounded to four decimals: they
stay exact when read back, and the files stay small. Outputs and gradients are written with
Python's shortest round-trip representation of a float64.

README.md beside this file describes the format of each file.
"""

import json
import math
import os
import platform
import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
import torchvision

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "peers", "gradients"))
import networks  # noqa: E402  The networks that torchvision does not have.

MADE_WITH = {
    "python": platform.python_version(),
    "torch": torch.__version__.split("+")[0],
    "torchvision": torchvision.__version__.split("+")[0],
    "numpy": np.__version__,
}

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


# --------------------------------------------------------------------------------------------
# Writing
# --------------------------------------------------------------------------------------------


def write(name, head, list_key, rows):
    """One JSON object: the entries of `head`, then `list_key`, a list with one row a line."""
    path = os.path.join(HERE, name)
    dump = lambda value: json.dumps(value, allow_nan=False)
    with open(path, "w", encoding="ascii") as f:
        f.write("{\n")
        for key, value in head.items():
            f.write(f"{dump(key)}: {dump(value)},\n")
        f.write(f"{dump(list_key)}: [\n")
        f.write(",\n".join(dump(row) for row in rows))
        f.write("\n]\n}\n")
    print(f"{name}: {len(rows)} rows, {os.path.getsize(path)} bytes")


def write_list(name, rows):
    """A bare JSON list with one row a line."""
    path = os.path.join(HERE, name)
    with open(path, "w", encoding="ascii") as f:
        f.write("[\n")
        f.write(",\n".join(json.dumps(row, allow_nan=False) for row in rows))
        f.write("\n]\n")
    print(f"{name}: {len(rows)} rows, {os.path.getsize(path)} bytes")


def flat(tensor):
    return tensor.detach().contiguous().reshape(-1).tolist()


def packed(tensor):
    return {"shape": list(tensor.shape), "data": flat(tensor)}


# --------------------------------------------------------------------------------------------
# Op rows
# --------------------------------------------------------------------------------------------


class Rows:
    """Collects the rows of ops.json."""

    def __init__(self):
        self.rows = []
        self.random = None

    def begin(self, op):
        """Seed the generator for the next row of `op`."""
        index = sum(row["op"] == op for row in self.rows)
        self.random = random.Random(f"anact-golden/{op}/{index}")

    def tensor(self, shape, sample):
        count = math.prod(shape)
        return torch.tensor([round(sample(), 4) for _ in range(count)]).reshape(shape)

    def normal(self, *shape, mean=0.0, std=1.0):
        return self.tensor(shape, lambda: self.random.gauss(mean, std))

    def positive(self, *shape, low=0.2, high=3.0):
        return self.tensor(shape, lambda: self.random.uniform(low, high))

    def away_from_zero(self, *shape):
        """Both signs, magnitude 0.5 .. 2.5."""
        sign = lambda: self.random.choice([-1.0, 1.0])
        return self.tensor(shape, lambda: sign() * self.random.uniform(0.5, 2.5))

    def distinct(self, *shape):
        """Both signs, no two elements alike (for max pooling)."""
        count = math.prod(shape)
        values = [0.25 * (i - count // 2) + 0.125 for i in range(count)]
        self.random.shuffle(values)
        return torch.tensor(values).reshape(shape)

    def add(self, op, settings, inputs, function, **more):
        """Differentiate sum(function(*inputs) * cotangent) and keep everything."""
        leaves = [x.detach().clone().requires_grad_(True) for x in inputs]
        output = function(*leaves)
        cotangent = self.normal(*output.shape)
        gradients = torch.autograd.grad(output, leaves, cotangent, allow_unused=True)
        for tensor in (output, *(g for g in gradients if g is not None)):
            assert tensor.dtype == torch.float64 and torch.isfinite(tensor).all(), (op, settings)
        self.rows.append(
            {
                "op": op,
                "settings": settings,
                "inputs": [packed(x) for x in inputs],
                "output": packed(output),
                "cotangent": flat(cotangent),
                "gradients": [None if g is None else packed(g) for g in gradients],
                **more,
            }
        )


def elementwise(rows):
    pairs = [
        ([2, 3, 4], [3, 1]),
        ([1], [2, 2]),
        ([5], [5]),
        ([3, 1], [2, 3, 4]),
        ([2, 1, 3], [1, 5, 1]),
        ([], [3, 2]),
    ]
    binary = {
        "add": lambda a, b: a + b,
        "sub": lambda a, b: a - b,
        "mul": lambda a, b: a * b,
        "div": lambda a, b: a / b,
        "pow": torch.pow,
    }
    for op, function in binary.items():
        for left, right in pairs:
            rows.begin(op)
            a = rows.positive(*left) if op == "pow" else rows.normal(*left)
            b = rows.away_from_zero(*right) if op == "div" else rows.normal(*right)
            rows.add(op, {}, [a, b], function)

    for shape in ([3, 5], [2, 1, 7]):
        rows.begin("exp")
        rows.add("exp", {}, [rows.normal(*shape)], torch.exp)
        rows.begin("ln")
        rows.add("ln", {}, [rows.positive(*shape)], torch.log)
        rows.begin("sqrt")
        rows.add("sqrt", {}, [rows.positive(*shape)], torch.sqrt)


def matmul(rows):
    for left, right in (([3, 5], [5, 4]), ([1, 7], [7, 2]), ([4, 1], [1, 3])):
        rows.begin("matmul")
        rows.add("matmul", {}, [rows.normal(*left), rows.normal(*right)], torch.matmul)


def reductions(rows):
    cases = [
        ([3, 5], [0], False),
        ([3, 5], [1], True),
        ([2, 3, 5], [0, 2], False),
        ([2, 3, 5], [0, 2], True),
        ([2, 3, 2, 3], [2, 3], False),
        ([2, 3, 5], [0, 1, 2], False),
        ([7], [0], True),
    ]
    for shape, axes, keepdim in cases:
        settings = {"axes": axes, "keepdim": keepdim}
        for op, function in (("sum", torch.sum), ("mean", torch.mean)):
            rows.begin(op)
            x = rows.normal(*shape)
            rows.add(op, settings, [x], lambda x: function(x, dim=axes, keepdim=keepdim))
        for correction in (0, 1):
            rows.begin("var")
            x = rows.normal(*shape, mean=0.5, std=2.0)
            rows.add(
                "var",
                {**settings, "correction": correction},
                [x],
                lambda x: torch.var(x, dim=axes, correction=correction, keepdim=keepdim),
            )


def shapes(rows):
    for shape, axes in (
        ([3, 5], [1, 0]),
        ([2, 3, 4], [2, 0, 1]),
        ([2, 3, 1, 5], [0, 2, 3, 1]),
        ([2, 3, 1, 5], [3, 1, 0, 2]),
    ):
        rows.begin("permute")
        rows.add("permute", {"axes": axes}, [rows.normal(*shape)], lambda x: x.permute(axes))

    for axis, parts in (
        (0, ([1, 3], [2, 3], [3, 3])),
        (1, ([2, 1, 3], [2, 4, 3], [2, 2, 3])),
        (2, ([2, 3, 2], [2, 3, 1], [2, 3, 3])),
        (1, ([2, 1, 2, 3], [2, 3, 2, 3], [2, 2, 2, 3])),
    ):
        rows.begin("concat")
        inputs = [rows.normal(*part) for part in parts]
        rows.add("concat", {"axis": axis}, inputs, lambda *xs: torch.cat(xs, dim=axis))

    for shape, ranges in (
        ([7], [[2, 5]]),
        ([3, 5], [[0, 3], [1, 4]]),
        ([2, 5, 3], [[1, 2], [0, 5], [2, 3]]),
        ([2, 3, 4, 5], [[0, 2], [1, 3], [1, 4], [0, 2]]),
    ):
        rows.begin("slice")
        index = tuple(slice(start, end) for start, end in ranges)
        rows.add("slice", {"ranges": ranges}, [rows.normal(*shape)], lambda x: x[index])

    for shape, pads, value in (
        ([3, 2], [[1, 0], [0, 2]], 0.0),
        ([3, 2], [[0, 1], [2, 1]], 1.5),
        ([1, 2, 3, 3], [[0, 0], [0, 0], [1, 1], [1, 1]], 0.0),
        ([1, 2, 2, 3], [[0, 0], [1, 2], [0, 1], [2, 0]], 1.5),
    ):
        rows.begin("pad")
        # F.pad lists (before, after) from the last axis to the first.
        torch_pads = [amount for pair in reversed(pads) for amount in pair]
        rows.add(
            "pad",
            {"pads": pads, "value": value},
            [rows.normal(*shape)],
            lambda x: F.pad(x, torch_pads, value=value),
        )


def convolutions(rows):
    # (what is special, input, weight, stride, padding, dilation, groups, bias)
    cases = [
        ("1x1", [2, 3, 3, 5], [4, 3, 1, 1], [1, 1], [0, 0], [1, 1], 1, True),
        ("1x1, stride 2", [1, 3, 5, 6], [4, 3, 1, 1], [2, 2], [0, 0], [1, 1], 1, False),
        ("3x3, same size", [2, 2, 5, 4], [3, 2, 3, 3], [1, 1], [1, 1], [1, 1], 1, True),
        ("3x3, same size, no bias", [1, 3, 4, 5], [2, 3, 3, 3], [1, 1], [1, 1], [1, 1], 1, False),
        ("stride 2 with a remainder", [1, 2, 6, 8], [3, 2, 3, 3], [2, 2], [0, 0], [1, 1], 1, True),
        ("stride 2, padded, remainder", [1, 2, 6, 7], [3, 2, 3, 3], [2, 2], [1, 1], [1, 1], 1, False),
        ("groups = 2", [2, 4, 4, 3], [6, 2, 2, 2], [1, 1], [0, 0], [1, 1], 2, True),
        ("depthwise", [2, 3, 5, 4], [3, 1, 3, 3], [1, 1], [1, 1], [1, 1], 3, False),
        ("depthwise, stride 2", [1, 5, 6, 5], [5, 1, 3, 3], [2, 2], [1, 1], [1, 1], 5, True),
        ("depthwise, two per channel", [1, 3, 4, 5], [6, 1, 3, 3], [1, 1], [1, 1], [1, 1], 3, True),
        ("dilation 2", [1, 2, 7, 6], [3, 2, 3, 3], [1, 1], [1, 1], [2, 2], 1, True),
        ("kernel larger than input", [1, 2, 2, 3], [2, 2, 5, 5], [1, 1], [2, 2], [1, 1], 1, False),
        ("kernel 3x2", [1, 3, 5, 5], [2, 3, 3, 2], [1, 1], [1, 0], [1, 1], 1, True),
        ("stride 2x1", [1, 2, 6, 5], [3, 2, 3, 3], [2, 1], [0, 1], [1, 1], 1, True),
        ("stride beyond kernel", [1, 2, 7, 8], [2, 2, 2, 2], [3, 3], [0, 0], [1, 1], 1, False),
        ("all at once", [1, 4, 6, 7], [6, 2, 3, 2], [2, 3], [2, 1], [1, 2], 2, True),
    ]
    for special, x_shape, w_shape, stride, padding, dilation, groups, bias in cases:
        rows.begin("conv2d")
        inputs = [rows.normal(*x_shape), rows.normal(*w_shape)]
        if bias:
            inputs.append(rows.normal(w_shape[0]))
        settings = {
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "groups": groups,
            "bias": bias,
        }
        rows.add(
            "conv2d",
            settings,
            inputs,
            lambda x, w, b=None: F.conv2d(x, w, b, stride, padding, dilation, groups),
            note=special,
        )


def pooling(rows):
    # (what is special, input, kernel, stride, padding)
    cases = [
        ("kernel = stride, remainder", [2, 2, 5, 7], [2, 2], [2, 2], [0, 0]),
        ("kernel 3, stride 2, padded", [1, 3, 6, 7], [3, 3], [2, 2], [1, 1]),
        ("kernel 3, stride 1, padded", [1, 2, 4, 5], [3, 3], [1, 1], [1, 1]),
        ("kernel 2x3, stride 1x2", [1, 3, 5, 6], [2, 3], [1, 2], [0, 1]),
        ("stride beyond kernel", [1, 2, 7, 8], [2, 2], [3, 3], [0, 0]),
        ("kernel 3, stride 2, remainder", [2, 2, 6, 8], [3, 3], [2, 2], [0, 0]),
    ]

    def max_pool(x, kernel, stride, padding, note, ties):
        rows.add(
            "max_pool2d",
            {"kernel": kernel, "stride": stride, "padding": padding},
            [x],
            lambda x: F.max_pool2d(x, kernel, stride, padding),
            note=note,
            extra={"ties": ties},
        )

    for note, shape, kernel, stride, padding in cases:
        rows.begin("max_pool2d")
        max_pool(rows.distinct(*shape), kernel, stride, padding, note, False)
    rows.begin("max_pool2d")
    all_negative = -1.0 - rows.distinct(1, 2, 5, 4).abs()
    # distinct() is symmetric about zero, so make the magnitudes distinct again.
    all_negative = all_negative - 0.01 * torch.arange(40.0).reshape(1, 2, 5, 4)
    all_negative = (all_negative * 10000).round() / 10000
    max_pool(all_negative, [3, 3], [2, 2], [1, 1], "all negative: padding never wins", False)
    rows.begin("max_pool2d")
    tied = rows.tensor([1, 2, 5, 6], lambda: float(rows.random.choice([-1, 0, 1])))
    max_pool(tied, [2, 2], [2, 2], [0, 0], "ties: the first in row-major order gets it all", True)
    rows.begin("max_pool2d")
    zeros = torch.zeros(1, 1, 4, 5)
    max_pool(zeros, [3, 3], [2, 2], [1, 1], "ties everywhere, overlapping and padded", True)

    for note, shape, kernel, stride, padding in cases:
        for include in (True, False):
            if not any(padding) and not include:
                continue  # the same numbers
            rows.begin("avg_pool2d")
            settings = {
                "kernel": kernel,
                "stride": stride,
                "padding": padding,
                "count_include_pad": include,
            }
            rows.add(
                "avg_pool2d",
                settings,
                [rows.normal(*shape)],
                lambda x: F.avg_pool2d(
                    x, kernel, stride, padding, ceil_mode=False, count_include_pad=include
                ),
                note=note,
            )
    rows.begin("avg_pool2d")
    settings = {"kernel": [2, 2], "stride": [2, 2], "padding": [0, 0], "count_include_pad": False}
    rows.add(
        "avg_pool2d",
        settings,
        [rows.normal(1, 2, 5, 3)],
        lambda x: F.avg_pool2d(x, 2, 2, 0, count_include_pad=False),
        note="unpadded, count_include_pad without effect",
    )

    for shape in ([2, 3, 5, 3], [1, 4, 1, 1], [3, 2, 4, 4]):
        rows.begin("global_avg_pool")
        rows.add(
            "global_avg_pool",
            {},
            [rows.normal(*shape)],
            lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1),
        )


def batch_norm(rows):
    momentum = 0.1
    for shape, eps in (([2, 3, 3, 5], 1e-5), ([3, 2, 1, 7], 1e-3), ([5, 3], 1e-5), ([7, 1, 2, 1], 0.1)):
        channels = shape[1]
        rows.begin("batch_norm")
        x = rows.normal(*shape, mean=0.7, std=1.8)
        gamma, beta = rows.away_from_zero(channels), rows.normal(channels)
        axes = [axis for axis in range(len(shape)) if axis != 1]
        running_mean, running_var = torch.zeros(channels), torch.ones(channels)

        def train(x, gamma, beta):
            return F.batch_norm(x, running_mean, running_var, gamma, beta, True, momentum, eps)

        # Run it once first: `extra` needs the updated statistics.
        train(x, gamma, beta)
        extra = {
            "batch_mean": flat(x.mean(axes)),
            "batch_var_biased": flat(x.var(axes, correction=0)),
            "running_mean": flat(running_mean),
            "running_var": flat(running_var),
        }
        by_hand = (1 - momentum) + momentum * x.var(axes, correction=1)
        assert torch.allclose(running_var, by_hand, rtol=1e-13)
        rows.add(
            "batch_norm",
            {"training": True, "eps": eps, "momentum": momentum},
            [x, gamma, beta],
            train,
            extra=extra,
        )

    for shape, eps in (([2, 3, 3, 3], 1e-5), ([1, 2, 5, 3], 1e-3), ([4, 3], 1e-5)):
        channels = shape[1]
        rows.begin("batch_norm")
        x = rows.normal(*shape)
        gamma, beta = rows.away_from_zero(channels), rows.normal(channels)
        running_mean, running_var = rows.normal(channels), rows.positive(channels)
        rows.add(
            "batch_norm",
            {"training": False, "eps": eps, "momentum": momentum},
            [x, gamma, beta],
            lambda x, g, b: F.batch_norm(x, running_mean, running_var, g, b, False, momentum, eps),
            extra={"running_mean": flat(running_mean), "running_var": flat(running_var)},
        )


def classification(rows):
    extreme = torch.tensor(
        [
            [1000.0, -1000.0, 0.0, 999.0, 1.5],
            [-1000.0, -1000.5, -1001.0, -1000.25, -1002.0],
            [0.5, -0.5, 2.0, -3.0, 0.0],
        ]
    )
    for op, function in (("softmax", F.softmax), ("log_softmax", F.log_softmax)):
        for shape in ([3, 5], [1, 7], [2, 3, 5]):
            axis = len(shape) - 1
            rows.begin(op)
            x = rows.normal(*shape, std=3.0)
            rows.add(op, {"axis": axis}, [x], lambda x: function(x, dim=axis))
        rows.begin(op)
        rows.add(op, {"axis": 1}, [extreme], lambda x: function(x, dim=1), note="large logits")

    for smoothing in (0.0, 0.1):
        for logits, targets in (
            ([4, 3], [2, 0, 1, 1]),
            ([1, 10], [7]),
            ([5, 7], [0, 6, 3, 3, 1]),
            (extreme, [0, 3, 2]),
            (extreme, [1, 4, 3]),
        ):
            rows.begin("cross_entropy")
            large = logits is extreme
            x = extreme if large else rows.normal(*logits, std=2.0)
            more = {"note": "large logits"} if large else {}
            rows.add(
                "cross_entropy",
                {"targets": targets, "smoothing": smoothing},
                [x],
                lambda x: F.cross_entropy(x, torch.tensor(targets), label_smoothing=smoothing),
                **more,
            )


ACTIVATION_POINTS = [
    -30, -8, -3.5, -3, -2, -1, -0.5, -1e-3, 0, 1e-3, 0.5, 1, 2, 3, 3.5, 6, 6.5, 8, 30,
]  # fmt: skip


def activations(rows):
    # (op, settings, function, points at which the derivative jumps)
    table = [
        ("identity", {}, lambda x: x * 1.0, []),
        ("relu", {}, F.relu, [0.0]),
        ("leaky_relu", {"slope": 0.01}, lambda x: F.leaky_relu(x, 0.01), [0.0]),
        ("leaky_relu", {"slope": 0.2}, lambda x: F.leaky_relu(x, 0.2), [0.0]),
        ("elu", {"alpha": 1.0}, lambda x: F.elu(x, 1.0), []),
        ("elu", {"alpha": 0.5}, lambda x: F.elu(x, 0.5), [0.0]),
        ("selu", {}, F.selu, [0.0]),
        ("celu", {"alpha": 0.5}, lambda x: F.celu(x, 0.5), []),
        ("celu", {"alpha": 1.0}, lambda x: F.celu(x, 1.0), []),
        ("gelu", {}, lambda x: F.gelu(x, approximate="none"), []),
        ("gelu_tanh", {}, lambda x: F.gelu(x, approximate="tanh"), []),
        ("swish", {"beta": 1.0}, F.silu, []),
        ("swish", {"beta": 1.702}, lambda x: x * torch.sigmoid(1.702 * x), []),
        ("mish", {}, F.mish, []),
        ("tanh", {}, torch.tanh, []),
        ("sigmoid", {}, torch.sigmoid, []),
        # The default threshold of 20 would replace softplus(30) by 30.
        ("softplus", {}, lambda x: F.softplus(x, beta=1, threshold=100), []),
        ("softsign", {}, F.softsign, []),
        ("erf", {}, torch.erf, []),
        ("sin", {}, torch.sin, []),
        ("hard_tanh", {"min": -1.0, "max": 1.0}, F.hardtanh, [-1.0, 1.0]),
        # F.hardsigmoid's backward takes 1/6 in float32 precision, this is exact.
        ("hard_sigmoid", {}, lambda x: F.relu6(x + 3) / 6, [-3.0, 3.0]),
        ("hard_swish", {}, F.hardswish, [-3.0, 3.0]),
        ("relu6", {}, F.relu6, [0.0, 6.0]),
    ]
    points = torch.tensor([float(x) for x in ACTIVATION_POINTS])
    for op, settings, function, kinks in table:
        rows.begin(op)
        rows.add(op, settings, [points], function, kinks=kinks)

    for slopes in ([0.25, -0.5, 1.5], [0.2]):
        rows.begin("prelu")
        x = rows.normal(2, 3, 2, 2, std=2.0)
        rows.add("prelu", {}, [x, torch.tensor(slopes)], F.prelu, kinks=[0.0])


def make_ops():
    rows = Rows()
    for part in (
        elementwise,
        matmul,
        reductions,
        shapes,
        convolutions,
        pooling,
        batch_norm,
        classification,
        activations,
    ):
        part(rows)
    write_list("ops.json", rows.rows)


# --------------------------------------------------------------------------------------------
# Initialisers
# --------------------------------------------------------------------------------------------


def make_init():
    """The bounds and deviations of torch.nn.init, checked against samples drawn by it."""
    init = torch.nn.init
    rows = []
    for shape in ([64, 32, 3, 3], [50, 40]):
        torch.manual_seed(20)
        weight = torch.empty(shape)
        fan_in, fan_out = init._calculate_fan_in_and_fan_out(weight)
        gain = init.calculate_gain("relu")
        xavier = math.sqrt(2.0 / (fan_in + fan_out))
        table = [
            ("xavier_uniform", "uniform", xavier, init.xavier_uniform_),
            ("xavier_normal", "normal", xavier, init.xavier_normal_),
            (
                "kaiming_uniform_fan_in_relu",
                "uniform",
                gain / math.sqrt(fan_in),
                lambda w: init.kaiming_uniform_(w, mode="fan_in", nonlinearity="relu"),
            ),
            (
                "kaiming_normal_fan_in_relu",
                "normal",
                gain / math.sqrt(fan_in),
                lambda w: init.kaiming_normal_(w, mode="fan_in", nonlinearity="relu"),
            ),
            (
                "kaiming_normal_fan_out_relu",
                "normal",
                gain / math.sqrt(fan_out),
                lambda w: init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu"),
            ),
            (
                "lecun_normal",
                "normal",
                math.sqrt(1.0 / fan_in),
                lambda w: init.kaiming_normal_(w, mode="fan_in", nonlinearity="linear"),
            ),
        ]
        for name, distribution, std, fill in table:
            bound = math.sqrt(3.0) * std if distribution == "uniform" else None
            sample = fill(torch.empty(shape))
            assert abs(float(sample.std()) / std - 1) < 0.05, name
            if bound is not None:
                assert 0.99 * bound < float(sample.abs().max()) <= bound, name
            rows.append(
                {
                    "init": name,
                    "shape": shape,
                    "fan_in": fan_in,
                    "fan_out": fan_out,
                    "distribution": distribution,
                    "std": std,
                    "bound": bound,
                }
            )
    write("init.json", {"made_with": MADE_WITH}, "inits", rows)


# --------------------------------------------------------------------------------------------
# Models
# --------------------------------------------------------------------------------------------


class CifarBlock(torch.nn.Module):
    def __init__(self, inside, outside, stride, option):
        super().__init__()
        conv = lambda i, o, k, s: torch.nn.Conv2d(i, o, k, s, k // 2, bias=False)
        self.conv1 = conv(inside, outside, 3, stride)
        self.bn1 = torch.nn.BatchNorm2d(outside)
        self.conv2 = conv(outside, outside, 3, 1)
        self.bn2 = torch.nn.BatchNorm2d(outside)
        self.outside, self.stride, self.shortcut = outside, stride, None
        if option == "B" and (stride != 1 or inside != outside):
            self.shortcut = torch.nn.Sequential(
                conv(inside, outside, 1, stride), torch.nn.BatchNorm2d(outside)
            )

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.shortcut is not None:
            x = self.shortcut(x)
        elif x.shape != y.shape:  # option A: every second pixel, new channels zero on both sides
            more = (self.outside - x.shape[1]) // 2
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, more, more))
        return F.relu(x + y)


class CifarResNet(torch.nn.Module):
    """The residual network for 32x32 images of He et al. 2015, section 4.2: depth 6 n + 2,
    widths 16, 32, 64."""

    def __init__(self, depth, classes, option):
        super().__init__()
        count, remainder = divmod(depth - 2, 6)
        assert remainder == 0
        self.conv1 = torch.nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(16)
        blocks, inside = [], 16
        for width, first_stride in ((16, 1), (32, 2), (64, 2)):
            for i in range(count):
                blocks.append(CifarBlock(inside, width, first_stride if i == 0 else 1, option))
                inside = width
        self.blocks = torch.nn.Sequential(*blocks)
        self.linear = torch.nn.Linear(64, classes)

    def forward(self, x):
        x = self.blocks(F.relu(self.bn1(self.conv1(x))))
        return self.linear(x.mean((2, 3)))


def parameter_count(model):
    return sum(p.numel() for p in model.parameters())


def buffer_count(model):
    """Elements of running means and variances, without the num_batches_tracked counters."""
    return sum(b.numel() for n, b in model.named_buffers() if not n.endswith("num_batches_tracked"))


def state(model):
    parameters = dict(model.named_parameters())
    return [
        {
            "name": name,
            "kind": "parameter" if name in parameters else "buffer",
            "shape": list(value.shape),
        }
        for name, value in model.state_dict().items()
    ]


def counts(name, classes, model, **more):
    sizes = {"parameters": parameter_count(model), "batch_norm_statistics": buffer_count(model)}
    return {"model": name, "classes": classes, **more, **sizes}


def published_count(name):
    """What torchvision's documentation says; the weights themselves are not needed."""
    return torchvision.models.get_model_weights(name).IMAGENET1K_V1.meta["num_params"]


def make_models():
    torch.manual_seed(20)
    image = torch.zeros(1, 3, 32, 32)
    rows = []
    for depth in (8, 14, 20, 32, 56):
        for option in ("A", "B"):
            for classes in (10, 100):
                model = CifarResNet(depth, classes, option).eval()
                assert model(image).shape == (1, classes)
                rows.append(
                    {
                        "model": f"cifar_resnet{depth}",
                        "shortcut": option,
                        "classes": classes,
                        "parameters": parameter_count(model),
                        "batch_norm_statistics": buffer_count(model),
                    }
                )
    published = {20: 0.27, 32: 0.46, 56: 0.85}
    for row in rows:
        depth = int(row["model"].removeprefix("cifar_resnet"))
        if depth in published and row["shortcut"] == "A" and row["classes"] == 10:
            assert round(row["parameters"] / 1e6, 2) == published[depth], row

    for depth in (18, 34, 50, 101):
        build = getattr(torchvision.models, f"resnet{depth}")
        for stem, classes in (("small", 10), ("small", 100), ("imagenet", 1000)):
            model = build(num_classes=classes)
            if stem == "small":
                model.conv1 = torch.nn.Conv2d(3, 64, 3, 1, 1, bias=False)
                model.maxpool = torch.nn.Identity()
            assert model.eval()(image).shape == (1, classes)
            row = {
                "model": f"resnet{depth}",
                "stem": stem,
                "classes": classes,
                "parameters": parameter_count(model),
                "batch_norm_statistics": buffer_count(model),
            }
            if depth in (18, 50) and classes == 10 or depth == 18 and stem == "imagenet":
                row["state"] = state(model)
            if stem == "imagenet":
                assert row["parameters"] == published_count(f"resnet{depth}"), row
            rows.append(row)

    for name in ("vgg11", "vgg16", "vgg11_bn", "vgg16_bn"):
        model = getattr(torchvision.models, name)(init_weights=False)
        row = counts(name, 1000, model, head="imagenet")
        assert row["parameters"] == published_count(name), row
        if name in ("vgg11", "vgg11_bn"):
            row["state"] = state(model)
        rows.append(row)

    # Millions of parameters according to Zagoruyko and Komodakis (2016) and Springenberg et al. (2015).
    published = {"wrn-16-4": (2.7, 1), "wrn-28-10": (36.5, 1), "allconv": (1.4, 1)}
    for name in ("vgg11", "vgg16", "vgg11_bn", "vgg16_bn", *published):
        for classes in (10, 100):
            model = networks.build(name, torch.nn.ReLU, classes=classes).eval()
            assert model(image).shape == (1, classes)
            row = counts(name, classes, model, **({"head": "small"} if name.startswith("vgg") else {}))
            if name in published and classes == 10:
                millions, digits = published[name]
                assert round(row["parameters"] / 1e6, digits) == millions, row
            rows.append(row)
    for name in ("resnet20", "resnet56", "resnet110", "resnet18", "resnet50"):
        model = networks.build(name, torch.nn.ReLU, preactivation=True).eval()
        assert model(image).shape == (1, 10)
        stem = {"stem": "small"} if name in ("resnet18", "resnet50") else {}
        rows.append(counts(name, 10, model, **stem, preactivation=True))
    write("models.json", {"made_with": MADE_WITH}, "models", rows)


# --------------------------------------------------------------------------------------------
# Hessian-vector products
# --------------------------------------------------------------------------------------------


def make_hvp():
    """A small network with everything that a convolutional one has, in both modes."""
    draw = random.Random("anact-golden/hvp")
    normal = lambda *shape: torch.tensor(
        [round(draw.gauss(0.0, 1.0), 4) for _ in range(math.prod(shape))]
    ).reshape(shape)
    names = ["conv1.weight", "bn1.weight", "bn1.bias", "fc.weight", "fc.bias"]
    shapes = [(2, 1, 3, 3), (2,), (2,), (3, 2), (3,)]
    images, targets = normal(4, 1, 5, 4), [2, 0, 1, 1]
    parameters = tuple(normal(*shape) for shape in shapes)
    direction = tuple(normal(*shape) for shape in shapes)
    running_mean, running_var = normal(2), normal(2).square().add(0.5)
    rows = []
    for training in (True, False):

        def loss(kernel, gamma, beta, weight, bias):
            x = F.conv2d(images, kernel, padding=1)
            x = F.batch_norm(
                x, running_mean.clone(), running_var.clone(), gamma, beta, training, 0.1, 1e-5
            )
            x = F.linear(F.silu(x).mean((2, 3)), weight, bias)
            return F.cross_entropy(x, torch.tensor(targets), label_smoothing=0.1)

        value, product = torch.autograd.functional.hvp(loss, parameters, direction)
        leaves = tuple(p.clone().requires_grad_() for p in parameters)
        gradient = torch.autograd.grad(loss(*leaves), leaves)
        rows.append(
            {
                "training": training,
                "value": value.item(),
                "gradient": [flat(g) for g in gradient],
                "product": [flat(p) for p in product],
            }
        )
    head = {
        "made_with": MADE_WITH,
        "images": packed(images),
        "targets": targets,
        "smoothing": 0.1,
        "running_mean": packed(running_mean),
        "running_var": packed(running_var),
        "names": names,
        "parameters": [packed(p) for p in parameters],
        "direction": [packed(d) for d in direction],
    }
    write("hvp.json", head, "runs", rows)


if __name__ == "__main__":
    make_ops()
    make_init()
    make_models()
    make_hvp()
