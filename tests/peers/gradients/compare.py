#!/usr/bin/env python3
"""Compare one step of ANAct with PyTorch's autograd, number by number, in float64.

    pip install torch safetensors                          # CPU builds are enough
    python3 compare.py path/to/anact                       # prints a table; exit code 1 above 1e-9
    python3 compare.py --golden ../../golden/gradients     # rewrites the frozen comparisons there

The networks are plain torch modules, see networks.py. README.md beside this file
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

import networks

LIMIT = 1e-9
CLASSES = 10
ACTIVATIONS = {"relu": nn.ReLU, "silu": nn.SiLU}
# The op that anact records for a module, by which its output is found among the nodes.
OPS = {nn.ReLU: "relu", nn.SiLU: "swish", nn.Conv2d: "conv2d", nn.Linear: "add", nn.AdaptiveAvgPool2d: "global_avg_pool"}

torch.set_default_dtype(torch.float64)


# What is compared, by a title: ANAct's name, what its command is told, and the same for networks.build.
MODELS = {name: (name, [], {}) for name in ("resnet20", "resnet18", "resnet34", "resnet50")}
MODELS |= {
    "resnet18-imagenet": ("resnet18", ["--stem", "imagenet"], {"stem": "imagenet"}),
    "resnet18-medium": ("resnet18", ["--stem", "medium"], {"stem": "medium"}),
    "resnet20-pre": ("resnet20", ["--preactivation"], {"preactivation": True}),
    "resnet50-pre": ("resnet50", ["--preactivation"], {"preactivation": True}),
    "wrn-16-4": ("wrn-16-4", [], {}),
    "vgg11": ("vgg11", [], {}),
    "vgg16_bn": ("vgg16_bn", [], {}),
    "allconv": ("allconv", [], {}),
}


def draw(title, activation, width, size, samples):
    """A network with no default left in it, and a batch. Everything is rounded to float32, so that files of that
    precision hold it exactly."""
    seed = torch.Generator().manual_seed(sum(map(ord, title + activation)) + 1000 * size[0] + size[1])
    normal = lambda shape, deviation, mean=0.0: mean + deviation * torch.randn(shape, generator=seed)
    uniform = lambda shape, low, high: low + (high - low) * torch.rand(shape, generator=seed)
    name, _, options = MODELS[title]
    model = networks.build(name, ACTIVATIONS[activation], width, CLASSES, **options)
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    with torch.no_grad():
        for p in model.parameters():
            if p.dim() > 1:
                p.copy_(normal(p.shape, (2 / p[0].numel()) ** 0.5))
        for m in model.modules():
            if isinstance(m, (nn.Conv2d, nn.Linear)) and m.bias is not None:
                m.bias.copy_(normal(m.bias.shape, 0.1))
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


def without_gradient(model, mode):
    """The names of gradients that are 0 but for rounding: of a bias in front of the batch's own normalization."""
    names = []
    for prefix, module in model.named_modules():
        if isinstance(module, nn.Sequential) and mode == "train":
            for (name, a), b in zip(module.named_children(), list(module)[1:]):
                if isinstance(a, nn.Conv2d) and a.bias is not None and isinstance(b, nn.BatchNorm2d):
                    names.append(f"grad.{prefix}.{name}.bias")
    return names


def difference(ours, theirs, scale=None):
    """The largest difference by the largest entry, if no scale is given; a tensor of zeros must be met exactly."""
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return float("inf")
    error = (ours - theirs).abs().max().item()
    scale = theirs.abs().max().item() if scale is None else scale
    return error / scale if scale > 0 else (0.0 if error == 0 else float("inf"))


KINDS = ["loss", "logits", "grad", "buffer", "value", "grad_value"]


def compare(anact, title, activation, mode, size):
    """The worst difference of each kind, with the name of the worst of all."""
    name, told, _ = MODELS[title]
    model, images, labels = draw(title, activation, None, size, samples=8)
    with tempfile.TemporaryDirectory() as folder:
        weights, batch = save(folder, model, images, labels, torch.float64)
        theirs = step(model, images, labels, mode, every_node=True)
        out = os.path.join(folder, "out.safetensors")
        options = ["--model", name, *told, "--classes", str(CLASSES), "--activation", activation, "--dtype", "f64"]
        files = ["--weights", weights, "--batch", batch, "--output", out]
        command = [anact, "gradients", *options, *files, "--mode", mode, "--all"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        ours = load_file(out)
    worst = dict.fromkeys(KINDS, 0.0)
    at, count = ("", -1.0), 0
    silent = without_gradient(model, mode)
    for key, value in theirs.items():
        kind = key.split(".")[0]
        d = difference(ours[key], value, 1.0 if key in silent else None) if key in ours else float("inf")
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
    head = f"{'model':17} {'f':5} {'mode':5} {'images':7} {'arrays':>6}" + "".join(f" {k:>10}" for k in KINDS)
    print(f"Largest |anact - torch {torch.__version__.split('+')[0]}| by the tensor's largest |torch|, float64, batch 8")
    print(head + "  worst")
    passed = True
    for title in MODELS:
        for activation in ACTIVATIONS:
            for mode in ("train", "eval"):
                for size in ((16, 16), (15, 13)):
                    worst, at, count, is_complete = compare(anact, title, activation, mode, size)
                    passed &= is_complete and all(d <= LIMIT for d in worst.values())
                    cells = "".join(f" {worst[k]:10.1e}" for k in KINDS)
                    shape = f"{size[0]}x{size[1]}"
                    print(f"{title:17} {activation:5} {mode:5} {shape:7} {count:6}{cells}  {at}", flush=True)
    print("all below" if passed else "NOT all below", LIMIT)
    return passed


# Small enough to be kept, and with everything in them: every kind of block and stem, both modes, odd sizes. By folder:
# title, width, image, runs.
GOLDEN = {
    "resnet18-width2": ("resnet18", 2, (9, 7), [("silu", "train")]),
    "resnet50-width1": ("resnet50", 1, (9, 7), [("silu", "train"), ("relu", "eval")]),
    "resnet18-imagenet-width1": ("resnet18-imagenet", 1, (21, 17), [("silu", "train")]),
    "resnet20-pre-width1": ("resnet20-pre", 1, (9, 7), [("silu", "train")]),
    "resnet50-pre-width1": ("resnet50-pre", 1, (9, 7), [("silu", "train")]),
    "wrn-16-4-width2": ("wrn-16-4", 2, (9, 7), [("silu", "train")]),
    "vgg11-width1": ("vgg11", 1, (11, 9), [("silu", "train")]),
    "vgg16_bn-width1": ("vgg16_bn", 1, (11, 9), [("silu", "eval")]),
    "allconv-width2": ("allconv", 2, (11, 9), [("silu", "train")]),
}


def golden(folder):
    for inside, (title, width, size, runs) in GOLDEN.items():
        inside = os.path.join(folder, inside)
        os.makedirs(inside, exist_ok=True)
        # Every run starts from the same files.
        model, images, labels = draw(title, "silu", width, size, samples=3)
        save(inside, model, images, labels, torch.float32)
        start = {k: t.clone() for k, t in model.state_dict().items()}
        for activation, mode in runs:
            name, _, options = MODELS[title]
            model = networks.build(name, ACTIVATIONS[activation], width, CLASSES, **options)
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
