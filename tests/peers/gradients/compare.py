#!/usr/bin/env python3
"""Compare one step of ANAct with PyTorch's autograd, number by number, in float64.

    pip install torch safetensors                          # CPU builds are enough
    python3 compare.py path/to/anact                       # prints a table; exit code 1 above 1e-9
    python3 compare.py --golden ../../golden/gradients     # rewrites the frozen comparisons there

The networks are written here with plain torch modules under torchvision's names. README.md beside this file
describes what is compared.
"""

import argparse
import os
import subprocess
import sys
import tempfile

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

LIMIT = 1e-9
CLASSES = 10
ACTIVATIONS = {"relu": nn.ReLU, "silu": nn.SiLU}
# The op that anact records for a module, by which its output is found among the nodes.
OPS = {nn.ReLU: "relu", nn.SiLU: "swish", nn.Conv2d: "conv2d", nn.Linear: "add", nn.AdaptiveAvgPool2d: "global_avg_pool"}

torch.set_default_dtype(torch.float64)


def conv(inputs, outputs, size, stride=1):
    return nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)


class Block(nn.Module):
    """Convolutions with batch norm between activations, and a path around them. The stride is the first 3x3's."""

    def __init__(self, inputs, width, stride, act, sizes, expansion):
        super().__init__()
        outputs = width * expansion
        self.depth = len(sizes)
        channels = [inputs] + [width] * (self.depth - 1) + [outputs]
        strided = sizes.index(3)
        for i, size in enumerate(sizes):
            self.add_module(f"conv{i + 1}", conv(channels[i], channels[i + 1], size, stride if i == strided else 1))
            self.add_module(f"bn{i + 1}", nn.BatchNorm2d(channels[i + 1]))
            self.add_module(f"act{i + 1}", act())
        self.downsample = None
        if inputs != outputs or stride != 1:
            self.downsample = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = x
        for i in range(1, self.depth + 1):
            y = self.get_submodule(f"bn{i}")(self.get_submodule(f"conv{i}")(y))
            if i == self.depth:
                y = y + (x if self.downsample is None else self.downsample(x))
            y = self.get_submodule(f"act{i}")(y)
        return y


class ResNet(nn.Module):
    """A 3x3 stem without pooling, stages of doubling width, the mean over positions, a dense layer."""

    def __init__(self, depths, width, act, sizes, expansion):
        super().__init__()
        self.conv1, self.bn1, self.act1 = conv(3, width, 3), nn.BatchNorm2d(width), act()
        inputs = width
        for stage, depth in enumerate(depths):
            blocks = []
            for place in range(depth):
                stride = 2 if stage > 0 and place == 0 else 1
                blocks.append(Block(inputs, width << stage, stride, act, sizes, expansion))
                inputs = (width << stage) * expansion
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.stages = len(depths)
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(inputs, CLASSES)

    def forward(self, x):
        x = self.act1(self.bn1(self.conv1(x)))
        for stage in range(1, self.stages + 1):
            x = self.get_submodule(f"layer{stage}")(x)
        return self.fc(torch.flatten(self.avgpool(x), 1))


BASIC, BOTTLENECK = ([3, 3], 1), ([1, 3, 1], 4)
# Blocks per stage, usual width, block.
MODELS = {
    "resnet20": ([3, 3, 3], 16, BASIC),
    "resnet18": ([2, 2, 2, 2], 64, BASIC),
    "resnet34": ([3, 4, 6, 3], 64, BASIC),
    "resnet50": ([3, 4, 6, 3], 64, BOTTLENECK),
}


def draw(name, activation, width, size, samples):
    """A network with no default left in it, and a batch. Everything is rounded to float32, so that files of that
    precision hold it exactly."""
    seed = torch.Generator().manual_seed(sum(map(ord, name + activation)) + 1000 * size[0] + size[1])
    normal = lambda shape, deviation, mean=0.0: mean + deviation * torch.randn(shape, generator=seed)
    uniform = lambda shape, low, high: low + (high - low) * torch.rand(shape, generator=seed)
    depths, usual, (sizes, expansion) = MODELS[name]
    model = ResNet(depths, width or usual, ACTIVATIONS[activation], sizes, expansion)
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    with torch.no_grad():
        for p in model.parameters():
            if p.dim() > 1:
                p.copy_(normal(p.shape, (2 / p[0].numel()) ** 0.5))
        model.fc.bias.copy_(normal(model.fc.bias.shape, 0.1))
        for m in norms:
            m.weight.copy_(uniform(m.weight.shape, 0.5, 1.5))
            m.bias.copy_(normal(m.bias.shape, 0.2))
            m.momentum = 1.0
        # Running statistics near those of other images, so that an evaluation neither explodes nor dies.
        model.train()(normal((16, 3, *size), 1.2, 0.3))
        for m in norms:
            m.momentum = 0.1
            m.running_mean.add_(normal(m.running_mean.shape, 0.3) * m.running_var.sqrt())
            m.running_var.mul_(uniform(m.running_var.shape, 0.7, 1.5))
            m.num_batches_tracked.fill_(7)
        for t in model.state_dict().values():
            if t.is_floating_point():
                t.copy_(t.float())
    images = normal((samples, 3, *size), 1.0, 0.2).float().double()
    labels = torch.randint(0, CLASSES, (samples,), generator=seed)
    return model, images, labels


def step(model, images, labels, mode, every_node):
    """What `anact gradients` writes, by PyTorch."""
    nodes = {}

    def keep(name, op):
        def hook(_module, _inputs, output):
            output.retain_grad()
            nodes[f"{name}.{op}"] = output

        return hook

    hooks = []
    for name, module in model.named_modules():
        op = OPS.get(type(module))
        if isinstance(module, nn.BatchNorm2d):
            op = "batch_norm" if mode == "train" else "batch_norm_inference"
        if op and every_node:
            hooks.append(module.register_forward_hook(keep(name, op)))
    if every_node:
        nodes["images"] = images = images.clone().requires_grad_()
    model.train(mode == "train").zero_grad()
    logits = model(images)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    for hook in hooks:
        hook.remove()
    arrays = {"loss": loss, "logits": logits}
    arrays |= {f"grad.{name}": p.grad for name, p in model.named_parameters()}
    arrays |= {f"buffer.{name}": b for name, b in model.named_buffers()}
    for path, node in nodes.items():
        # The pooled means are [N, C] in anact and [N, C, 1, 1] here.
        is_pooled = path.startswith("avgpool.")
        arrays[f"value.{path}"] = node.flatten(1) if is_pooled else node
        arrays[f"grad_value.{path}"] = node.grad.flatten(1) if is_pooled else node.grad
    return {name: a.detach().clone().contiguous() for name, a in arrays.items()}


def save(folder, model, images, labels, dtype):
    """The two files that anact reads."""
    paths = [os.path.join(folder, f"{what}.safetensors") for what in ("weights", "batch")]
    state = model.state_dict()
    save_file({k: t.to(dtype) if t.is_floating_point() else t.clone() for k, t in state.items()}, paths[0])
    save_file({"images": images.to(dtype), "labels": labels}, paths[1])
    return paths


def difference(ours, theirs):
    """The largest difference by the largest entry; a tensor of zeros must be met exactly."""
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return float("inf")
    error, scale = (ours - theirs).abs().max().item(), theirs.abs().max().item()
    return error / scale if scale > 0 else (0.0 if error == 0 else float("inf"))


KINDS = ["loss", "logits", "grad", "buffer", "value", "grad_value"]


def compare(anact, name, activation, mode, size):
    """The worst difference of each kind, with the name of the worst of all."""
    model, images, labels = draw(name, activation, None, size, samples=8)
    with tempfile.TemporaryDirectory() as folder:
        weights, batch = save(folder, model, images, labels, torch.float64)
        theirs = step(model, images, labels, mode, every_node=True)
        out = os.path.join(folder, "out.safetensors")
        options = ["--model", name, "--classes", str(CLASSES), "--activation", activation, "--dtype", "f64"]
        files = ["--weights", weights, "--batch", batch, "--out", out]
        command = [anact, "gradients", *options, *files, "--mode", mode, "--all"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        ours = load_file(out)
    worst = dict.fromkeys(KINDS, 0.0)
    at, count = ("", -1.0), 0
    for key, value in theirs.items():
        kind = key.split(".")[0]
        d = difference(ours[key], value) if key in ours else float("inf")
        # The negated comparison lets a NaN win.
        if not d <= worst[kind]:
            worst[kind] = d
        if not d <= at[1]:
            at = (key, d)
        count += 1
    # Every gradient and buffer of anact must have met one of PyTorch.
    alone = [k for k in ours if k.split(".")[0] in ("grad", "buffer", "loss", "logits") and k not in theirs]
    return worst, at[0] if not alone else f"only in anact: {alone[0]}", count, not alone


def table(anact):
    head = f"{'model':9} {'f':5} {'mode':5} {'images':7} {'arrays':>6}" + "".join(f" {k:>10}" for k in KINDS)
    print(f"Largest |anact - torch {torch.__version__.split('+')[0]}| by the tensor's largest |torch|, float64, batch 8")
    print(head + "  worst")
    passed = True
    for name in MODELS:
        for activation in ACTIVATIONS:
            for mode in ("train", "eval"):
                for size in ((16, 16), (15, 13)):
                    worst, at, count, is_complete = compare(anact, name, activation, mode, size)
                    passed &= is_complete and all(d <= LIMIT for d in worst.values())
                    cells = "".join(f" {worst[k]:10.1e}" for k in KINDS)
                    shape = f"{size[0]}x{size[1]}"
                    print(f"{name:9} {activation:5} {mode:5} {shape:7} {count:6}{cells}  {at}", flush=True)
    print("all below" if passed else "NOT all below", LIMIT)
    return passed


# Small enough to be kept, and with everything in them: both kinds of blocks, both modes, odd sizes.
GOLDEN = {
    ("resnet18", 2): [("silu", "train")],
    ("resnet50", 1): [("silu", "train"), ("relu", "eval")],
}


def golden(folder):
    for (name, width), runs in GOLDEN.items():
        inside = os.path.join(folder, f"{name}-width{width}")
        os.makedirs(inside, exist_ok=True)
        # Every run starts from the same files.
        model, images, labels = draw(name, "silu", width, (9, 7), samples=3)
        save(inside, model, images, labels, torch.float32)
        start = {k: t.clone() for k, t in model.state_dict().items()}
        for activation, mode in runs:
            depths, _, (sizes, expansion) = MODELS[name]
            model = ResNet(depths, width, ACTIVATIONS[activation], sizes, expansion)
            model.load_state_dict(start)
            arrays = step(model, images, labels, mode, every_node=False)
            if mode == "eval":
                # They are those of the weights file.
                arrays = {k: a for k, a in arrays.items() if not k.startswith("buffer.")}
            save_file(arrays, os.path.join(inside, f"{activation}-{mode}.safetensors"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("anact", nargs="?", help="the anact binary, best a release build")
    parser.add_argument("--golden", metavar="DIR", help="write the frozen comparisons into this folder instead")
    arguments = parser.parse_args()
    if (arguments.anact is None) == (arguments.golden is None):
        parser.error("give the anact binary or --golden DIR")
    if arguments.golden:
        golden(arguments.golden)
    elif not table(arguments.anact):
        sys.exit(1)


if __name__ == "__main__":
    main()
