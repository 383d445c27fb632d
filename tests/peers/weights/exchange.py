#!/usr/bin/env python3
"""Move weights between torchvision and ANAct, both ways and strictly.

    pip install torch torchvision safetensors               # CPU builds are enough
    python3 exchange.py path/to/anact [--models resnet18 resnet50 ...]

README.md beside this file describes what is checked. Exit code 1 if anything does not fit.
"""

import argparse
import os
import subprocess
import sys
import tempfile

import torch
import torchvision
from safetensors.torch import load_file, save_file

LIMIT = 1e-9
SAMPLES, CLASSES = 4, 1000


def network(name):
    """A torchvision network whose running statistics are those of some images."""
    torch.manual_seed(5)
    vgg = {"init_weights": True} if name.startswith("vgg") else {}
    model = torchvision.models.get_model(name, weights=None, **vgg)
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        for m in norms:
            m.weight.uniform_(0.5, 1.5)
            m.bias.normal_(0.0, 0.2)
            m.momentum = 1.0
        if norms:
            side = 224 if name.startswith("vgg") else 64
            model.train()(torch.randn(8, 3, side, side))
    return model.eval()


def options(name):
    return ["--model", name, "--classes", str(CLASSES), *(["--head"] if name.startswith("vgg") else ["--stem"]), "imagenet"]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def logits(anact, name, weights, images, folder):
    """What `anact gradients --mode eval` computes, or its error."""
    batch, out = (os.path.join(folder, f"{what}.safetensors") for what in ("batch", "out"))
    save_file({"images": images, "labels": torch.zeros(len(images), dtype=torch.long)}, batch)
    files = ["--weights", weights, "--batch", batch, "--output", out]
    done = run(anact, "gradients", *options(name), *files, "--mode", "eval", "--dtype", "f64")
    return (load_file(out)["logits"], "") if done.returncode == 0 else (None, done.stderr)


def inwards(anact, name, side, folder):
    """torchvision's state in ANAct: the same logits."""
    model, images = network(name), torch.randn(SAMPLES, 3, side, side)
    weights = os.path.join(folder, "torchvision.safetensors")
    save_file({k: t.contiguous() for k, t in model.state_dict().items()}, weights)
    ours, error = logits(anact, name, weights, images, folder)
    if ours is None:
        print(f"{name}: torchvision -> anact: {error}")
        return False
    with torch.no_grad():
        theirs = model.double()(images.double())
    difference = ((ours - theirs).abs().max() / theirs.abs().max()).item()
    count = len(model.state_dict())
    print(f"{name}: torchvision -> anact, {count} arrays: logits differ by {difference:.1e} of the largest")
    return difference <= LIMIT


def outwards(anact, name, side, folder):
    """ANAct's new weights in torchvision, strictly: the same logits."""
    weights = os.path.join(folder, "anact.safetensors")
    done = run(anact, "init", *options(name), "--image", f"3,{side},{side}", "--init", "he_normal", "--output", weights)
    if done.returncode != 0:
        print(f"{name}: anact init: {done.stderr}")
        return False
    model = torchvision.models.get_model(name, weights=None).eval()
    print(f"{name}: anact -> torchvision: {model.load_state_dict(load_file(weights), strict=True)}", end="")
    images = torch.randn(SAMPLES, 3, side, side)
    ours, error = logits(anact, name, weights, images, folder)
    if ours is None:
        print(f", but {error}")
        return False
    with torch.no_grad():
        theirs = model.double()(images.double())
    difference = ((ours - theirs).abs().max() / theirs.abs().max()).item()
    print(f", logits differ by {difference:.1e}")
    return difference <= LIMIT


def report(anact, name, folder):
    """A state that lacks arrays, has others, and one of another shape: what the command says."""
    state = {k: t.contiguous() for k, t in network(name).state_dict().items()}
    state["layer1.0.conv1.wieght"] = state.pop("layer1.0.conv1.weight")
    del state["layer4.1.bn2.running_var"]
    state["head.weight"] = torch.zeros(2, 3)
    state["fc.weight"] = torch.zeros(10, 512)
    weights = os.path.join(folder, "wrong.safetensors")
    save_file(state, weights)
    ours, error = logits(anact, name, weights, torch.randn(1, 3, 64, 64), folder)
    print(error.replace(folder, "...").rstrip())
    wanted = ["missing `layer1.0.conv1.weight`", "missing `layer4.1.bn2.running_var`", "did you mean layer1.0.conv1.weight"]
    wanted += ["unknown array `head.weight`", "`fc.weight` has shape [10, 512], want [1000, 512]"]
    return ours is None and all(part in error for part in wanted)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("anact", help="the anact binary, best a release build")
    parser.add_argument("--models", nargs="+", default=["resnet18", "resnet34", "resnet50", "resnet101"])
    parser.add_argument("--side", type=int, default=224, help="pixels of an image's side; VGGs need 224")
    arguments = parser.parse_args()
    print(f"torch {torch.__version__.split('+')[0]}, torchvision {torchvision.__version__.split('+')[0]}")
    passed = True
    for name in arguments.models:
        for check in (inwards, outwards):
            with tempfile.TemporaryDirectory() as folder:
                passed &= check(arguments.anact, name, arguments.side, folder)
    with tempfile.TemporaryDirectory() as folder:
        passed &= report(arguments.anact, "resnet18", folder)
    print("all as it should be" if passed else "NOT all as it should be")
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
