"""ANAct's convolutional networks as plain torch modules, under the names of ANAct's parameters, which are torchvision's
where torchvision has the network. Written from the papers and from torchvision, not from ANAct."""

import torch
from torch import nn


def conv(inputs, outputs, size, stride=1, bias=False, padding=None):
    return nn.Conv2d(inputs, outputs, size, stride, padding=size // 2 if padding is None else padding, bias=bias)


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


class PreactivatedBlock(nn.Module):
    """He et al. 2016b: batch norm and activation in front of every convolution. Where shapes change, the path around is
    a 1x1 convolution of what the first activation makes of the input. An activated input needs no first activation."""

    def __init__(self, inputs, width, stride, act, sizes, expansion, is_activated):
        super().__init__()
        outputs = width * expansion
        self.depth, self.is_activated = len(sizes), is_activated
        channels = [inputs] + [width] * (self.depth - 1) + [outputs]
        strided = sizes.index(3)
        for i, size in enumerate(sizes):
            if i > 0 or not is_activated:
                self.add_module(f"bn{i + 1}", nn.BatchNorm2d(channels[i]))
                self.add_module(f"act{i + 1}", act())
            self.add_module(f"conv{i + 1}", conv(channels[i], channels[i + 1], size, stride if i == strided else 1))
        self.downsample = conv(inputs, outputs, 1, stride) if inputs != outputs or stride != 1 else None

    def forward(self, x):
        y = around = x
        for i in range(1, self.depth + 1):
            if i > 1 or not self.is_activated:
                y = self.get_submodule(f"act{i}")(self.get_submodule(f"bn{i}")(y))
            if i == 1 and self.downsample is not None:
                around = self.downsample(y)
            y = self.get_submodule(f"conv{i}")(y)
        return y + around


class ResNet(nn.Module):
    """A stem, stages of doubling width, the mean over positions, a dense layer.

    Stems: small, 3x3; medium, 3x3 of stride 2; imagenet, 7x7 of stride 2 and max pooling; wide, 3x3 to 16 channels
    without norm and activation.
    """

    def __init__(self, depths, width, act, sizes, expansion, classes=10, stem="small", preactivation=False):
        super().__init__()
        self.is_wide, self.preactivation = stem == "wide", preactivation
        inputs = 16 if self.is_wide else width
        size, stride = {"small": (3, 1), "medium": (3, 2), "imagenet": (7, 2), "wide": (3, 1)}[stem]
        self.conv1 = conv(3, inputs, size, stride)
        if not self.is_wide:
            self.bn1, self.act1 = nn.BatchNorm2d(inputs), act()
        self.maxpool = nn.MaxPool2d(3, 2, 1) if stem == "imagenet" else None
        for stage, depth in enumerate(depths):
            blocks = []
            for place in range(depth):
                stride = 2 if stage > 0 and place == 0 else 1
                sizing = (inputs, width << stage, stride, act, sizes, expansion)
                is_activated = stage == place == 0 and not self.is_wide
                blocks.append(PreactivatedBlock(*sizing, is_activated) if preactivation else Block(*sizing))
                inputs = (width << stage) * expansion
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.stages = len(depths)
        if preactivation:
            self.norm, self.act = nn.BatchNorm2d(inputs), act()
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.conv1(x)
        if not self.is_wide:
            x = self.act1(self.bn1(x))
        if self.maxpool is not None:
            x = self.maxpool(x)
        for stage in range(1, self.stages + 1):
            x = self.get_submodule(f"layer{stage}")(x)
        if self.preactivation:
            x = self.act(self.norm(x))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class Pool(nn.MaxPool2d):
    """Halves an image, unless nothing would be left of it."""

    def __init__(self):
        super().__init__(2)

    def forward(self, x):
        return super().forward(x) if min(x.shape[2:]) >= 2 else x


class Vgg(nn.Module):
    """torchvision's features; the mean over positions and one dense layer instead of three."""

    def __init__(self, depths, width, act, normed, classes=10):
        super().__init__()
        layers, inputs = [], 3
        for depth, factor in zip(depths, (1, 2, 4, 8, 8)):
            for _ in range(depth):
                outputs = factor * width
                layers.append(conv(inputs, outputs, 3, bias=True))
                layers += [nn.BatchNorm2d(outputs)] * normed + [act()]
                inputs = outputs
            layers.append(Pool())
        self.features = nn.Sequential(*layers)
        self.avgpool, self.classifier = nn.AdaptiveAvgPool2d(1), nn.Linear(inputs, classes)

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class AllConv(nn.Module):
    """All-CNN-C of Springenberg et al. 2015, table 1 and 2: outputs, kernel, stride, padding."""

    def __init__(self, width, act, classes=10):
        super().__init__()
        a, b, inputs = width, 2 * width, 3
        sizes = [(a, 3, 1, 1), (a, 3, 1, 1), (a, 3, 2, 1), (b, 3, 1, 1), (b, 3, 1, 1), (b, 3, 2, 1), (b, 3, 1, 0)]
        sizes += [(b, 1, 1, 0), (classes, 1, 1, 0)]
        for i, (outputs, size, stride, padding) in enumerate(sizes):
            self.add_module(f"conv{i + 1}", conv(inputs, outputs, size, stride, bias=True, padding=padding))
            self.add_module(f"act{i + 1}", act())
            inputs = outputs
        self.avgpool = nn.AdaptiveAvgPool2d(1)

    def forward(self, x):
        for i in range(1, 10):
            x = self.get_submodule(f"act{i}")(self.get_submodule(f"conv{i}")(x))
        return torch.flatten(self.avgpool(x), 1)


BASIC, BOTTLENECK = ([3, 3], 1), ([1, 3, 1], 4)
# Blocks per stage, usual width, block.
RESNETS = {f"resnet{6 * n + 2}": ([n] * 3, 16, BASIC) for n in (1, 2, 3, 5, 7, 9, 18)}
RESNETS |= {
    "resnet18": ([2, 2, 2, 2], 64, BASIC),
    "resnet34": ([3, 4, 6, 3], 64, BASIC),
    "resnet50": ([3, 4, 6, 3], 64, BOTTLENECK),
    "resnet101": ([3, 4, 23, 3], 64, BOTTLENECK),
}
# Blocks per stage, usual width.
WIDE = {"wrn-16-4": (2, 64), "wrn-28-10": (4, 160)}
VGGS = {"vgg11": [1, 1, 2, 2, 2], "vgg16": [2, 2, 3, 3, 3]}


def build(name, act, width=None, classes=10, stem="small", preactivation=False):
    """The network that ANAct calls `name`, with activations made by `act`."""
    if name in RESNETS:
        depths, usual, (sizes, expansion) = RESNETS[name]
        return ResNet(depths, width or usual, act, sizes, expansion, classes, stem, preactivation)
    if name in WIDE:
        depth, usual = WIDE[name]
        return ResNet([depth] * 3, width or usual, act, *BASIC, classes, "wide", True)
    if name == "allconv":
        return AllConv(width or 96, act, classes)
    base = name.removesuffix("_bn")
    return Vgg(VGGS[base], width or 64, act, base != name, classes)
