"""ANAct's networks as plain torch modules, and the normalized activation as one would write it by hand."""

import torch
import torch.nn.functional as F
from torch import nn


class NSwish(nn.Module):
    """y = (lambda + 0.3 tanh alpha) (f(z) - mu) with f = SiLU, by eager tensor operations.

    A training step takes E[f], E[f^2], E[f'^2] and Var[z] of the batch into running averages (momentum 0.9, corrected
    for their start, each batch held between 0.8 and 1.2 times the average) and uses those; no gradient flows through
    them. lambda = sqrt((1/rho + 1/rho') / 2), rho = E[f^2] / Var[z], rho' = E[f'^2].
    """

    MOMENTUM, LOWER, UPPER, ADJUSTMENT = 0.9, 0.8, 1.2, 0.3

    def __init__(self):
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(1))
        for name in ("mu", "f2", "rho", "rho_prime"):
            self.register_buffer(name, torch.zeros(()))
        self.steps = 0

    @torch.no_grad()
    def track(self, z, f):
        s = torch.sigmoid(z)
        slope = s * (1 + z * (1 - s))
        variance, mean = torch.var_mean(z, correction=0)
        batch = {"mu": f.mean(), "f2": f.square().mean(), "rho_prime": slope.square().mean()}
        batch["rho"] = batch["f2"] / variance
        reach = max(1 - self.LOWER, self.UPPER - 1) * self.f2.sqrt()
        self.steps += 1
        weight = (1 - self.MOMENTUM) / (1 - self.MOMENTUM**self.steps)
        for name in ("mu", "f2", "rho", "rho_prime"):
            average, value = getattr(self, name), batch[name]
            if self.steps > 1:
                low, high = (average - reach, average + reach) if name == "mu" else (self.LOWER * average, self.UPPER * average)
                value = torch.minimum(torch.maximum(value, low), high)
            average += weight * (value - average)

    def forward(self, z):
        f = F.silu(z)
        if self.training:
            self.track(z, f)
        factor = torch.sqrt(0.5 * (1 / self.rho + 1 / self.rho_prime))
        return (factor + self.ADJUSTMENT * torch.tanh(self.alpha)) * (f - self.mu)


ACTIVATIONS = {"relu": nn.ReLU, "swish": nn.SiLU, "gelu": nn.GELU, "tanh": nn.Tanh, "nswish": NSwish}


def conv(inputs, outputs, size, stride=1, bias=False):
    return nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=bias)


class Block(nn.Module):
    """Convolutions with batch norm between activations, and a path around them. The stride is the first 3x3's."""

    def __init__(self, inputs, width, stride, act, sizes, expansion):
        super().__init__()
        outputs = width * expansion
        channels = [inputs] + [width] * (len(sizes) - 1) + [outputs]
        strides = [stride if i == sizes.index(3) else 1 for i in range(len(sizes))]
        self.convs = nn.ModuleList(conv(channels[i], channels[i + 1], sizes[i], strides[i]) for i in range(len(sizes)))
        self.norms = nn.ModuleList(nn.BatchNorm2d(c) for c in channels[1:])
        self.acts = nn.ModuleList(act() for _ in sizes)
        self.downsample = None
        if inputs != outputs or stride != 1:
            self.downsample = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = x
        for i, (convolution, norm, act) in enumerate(zip(self.convs, self.norms, self.acts)):
            y = norm(convolution(y))
            if i == len(self.convs) - 1:
                y = y + (x if self.downsample is None else self.downsample(x))
            y = act(y)
        return y


def resnet(depths, width, sizes, expansion):
    """A 3x3 stem without pooling, stages of doubling width, the mean over positions, a dense layer."""

    def build(image, classes, act):
        layers = [conv(image[0], width, 3), nn.BatchNorm2d(width), act()]
        inputs = width
        for stage, depth in enumerate(depths):
            for place in range(depth):
                stride = 2 if stage > 0 and place == 0 else 1
                layers.append(Block(inputs, width << stage, stride, act, sizes, expansion))
                inputs = (width << stage) * expansion
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))

    return build


def mlp(image, classes, act):
    """Two hidden dense layers of 512."""
    inputs = image[0] * image[1] * image[2]
    layers = [nn.Flatten(), nn.Linear(inputs, 512), act(), nn.Linear(512, 512), act(), nn.Linear(512, classes)]
    return nn.Sequential(*layers)


def cnn(image, classes, act):
    """Three stages of two 3x3 convolutions with bias of 32, 64 and 128 channels, each with 2x2 max pooling; no norm."""
    channels, layers = image[0], []
    for width in (32, 64, 128):
        for _ in range(2):
            layers += [conv(channels, width, 3, bias=True), act()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    features = channels * (image[1] // 8) * (image[2] // 8)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(features, classes))


def plain(image, classes, act):
    """29 convolutions of 3x3 with bias in three stages of 16, 32 and 64 channels, no norm and no shortcuts."""
    inputs, layers = image[0], []
    for stage, (width, depth) in enumerate(((16, 10), (32, 10), (64, 9))):
        for place in range(depth):
            layers += [conv(inputs, width, 3, 2 if stage > 0 and place == 0 else 1, bias=True), act()]
            inputs = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))


BASIC, BOTTLENECK = ([3, 3], 1), ([1, 3, 1], 4)
MODELS = {"mlp": mlp, "cnn": cnn, "plain": plain}
MODELS |= {f"resnet{6 * n + 2}": resnet([n] * 3, 16, *BASIC) for n in (1, 2, 3, 5, 7, 9, 18)}
MODELS |= {
    "resnet18": resnet([2, 2, 2, 2], 64, *BASIC),
    "resnet34": resnet([3, 4, 6, 3], 64, *BASIC),
    "resnet50": resnet([3, 4, 6, 3], 64, *BOTTLENECK),
}
