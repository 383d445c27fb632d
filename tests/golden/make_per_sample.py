#!/usr/bin/env python3
"""Write per_sample.json: gradients of every sample of a small network by torch.func, in float64.

    pip install torch          # a CPU build is enough
    python3 make_per_sample.py

README.md beside this file describes the format.
"""

import json
import os
import random

import torch
import torch.nn.functional as F
from torch.func import functional_call, grad, vmap

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

SAMPLES, CLASSES = 4, 3


def draw(name, *shape, scale=1.0):
    """Normal numbers of four decimals, the same on every machine."""
    stream = random.Random(f"anact-golden/per_sample/{name}")
    count = torch.Size(shape).numel()
    return torch.tensor([round(scale * stream.gauss(0, 1), 4) for _ in range(count)]).reshape(shape)


def packed(x):
    return {"shape": list(x.shape), "data": x.flatten().tolist()}


class Net(torch.nn.Module):
    """conv 3x3, stride 2, padding 1; tanh; linear."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 2, 3, stride=2, padding=1)
        self.fc = torch.nn.Linear(2 * 3 * 2, CLASSES)

    def forward(self, x):
        return self.fc(torch.tanh(self.conv(x)).flatten(1))


net = Net()
parameters = {name: draw(name, *p.shape, scale=0.5) for name, p in net.named_parameters()}
images = draw("images", SAMPLES, 2, 5, 4)
labels = torch.tensor([2, 0, 1, 0])


def loss(parameters, image, label):
    logits = functional_call(net, parameters, (image.unsqueeze(0),))
    return F.cross_entropy(logits, label.unsqueeze(0))


gradients = vmap(grad(loss), in_dims=(None, 0, 0))(parameters, images, labels)
rows = {
    name: {
        "value": packed(parameters[name]),
        "per_sample": [g.flatten().tolist() for g in gradients[name]],
        "mean": gradients[name].mean(0).flatten().tolist(),
        "variance": gradients[name].var(0, correction=0).flatten().tolist(),
        "unbiased_variance": gradients[name].var(0, correction=1).flatten().tolist(),
    }
    for name in parameters
}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "per_sample.json")
with open(path, "w", encoding="ascii") as f:
    head = {"made_with": {"torch": torch.__version__.split("+")[0]}, "images": packed(images), "labels": labels.tolist()}
    f.write("{\n")
    for key, value in head.items():
        f.write(f"{json.dumps(key)}: {json.dumps(value)},\n")
    f.write('"parameters": {\n')
    f.write(",\n".join(f"{json.dumps(n)}: {json.dumps(r, allow_nan=False)}" for n, r in rows.items()))
    f.write("\n}\n}\n")
print(f"{path}: {os.path.getsize(path)} bytes")
