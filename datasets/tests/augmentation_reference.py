#!/usr/bin/env python3
"""Writes `tests/augmentation_reference.json`: what torchvision's functions make of a small picture, in float64.

    python3 -m venv venv
    venv/bin/pip install torch torchvision pillow
    venv/bin/python augmentation_reference.py

Made with torch 2.15.0, torchvision 0.29.2 and Pillow. Colour changes are torchvision's on float64 tensors; resizing is
`resized_crop` and `resize` with `antialias=True` on float64 tensors, and for a second opinion Pillow's own `resize` with a
`box`, which rounds to bytes.
"""

import json
import pathlib

import torch
from PIL import Image
from torchvision.transforms.v2 import functional as F

HEIGHT, WIDTH = 7, 9


def numbers(tensor):
    return [round(x, 12) for x in tensor.flatten().tolist()]


def main():
    generator = torch.Generator().manual_seed(20)
    picture = torch.randint(0, 256, (3, HEIGHT, WIDTH), generator=generator, dtype=torch.uint8)
    # The cases of hue: grays, equal largest channels, black and white.
    for place, colour in enumerate([(0, 0, 0), (255, 255, 255), (90, 90, 90), (200, 200, 10), (10, 200, 200), (200, 10, 200)]):
        picture[:, 0, place] = torch.tensor(colour, dtype=torch.uint8)
    x = picture.to(torch.float64) / 255

    changes = []
    for name, function, values in [
        ("brightness", F.adjust_brightness, [0.0, 0.6, 1.4]),
        ("contrast", F.adjust_contrast, [0.0, 0.6, 1.4]),
        ("saturation", F.adjust_saturation, [0.0, 0.6, 1.4]),
        ("hue", F.adjust_hue, [-0.5, -0.1, 0.03, 0.25, 0.5]),
    ]:
        for value in values:
            changes.append({"change": name, "value": value, "channels": 3, "output": numbers(function(x, value))})
            if name in ("brightness", "contrast"):
                changes.append({"change": name, "value": value, "channels": 1, "output": numbers(function(x[:1], value))})
    chain = F.adjust_hue(F.adjust_contrast(F.adjust_saturation(F.adjust_brightness(x, 1.2), 0.7), 1.3), -0.07)

    crops = []
    for top, left, height, width, size in [
        (0, 0, 7, 9, (7, 9)), (1, 2, 4, 5, (8, 8)), (0, 0, 7, 9, (3, 4)), (2, 1, 5, 7, (2, 12)), (3, 4, 1, 1, (2, 3)), (0, 0, 7, 9, (1, 1)),
    ]:
        output = F.resized_crop(x, top, left, height, width, list(size), antialias=True)
        image = Image.fromarray(picture.permute(1, 2, 0).numpy())
        pillow = image.crop((left, top, left + width, top + height)).resize((size[1], size[0]), Image.BILINEAR)
        crops.append({
            "region": [top, left, height, width], "size": list(size), "output": numbers(output),
            "pillow": torch.tensor(list(pillow.tobytes())).reshape(size[0], size[1], 3).permute(2, 0, 1).flatten().tolist(),
        })

    centres = []
    for resize, crop in [(5, 4), (10, 8), (7, 7)]:
        output = F.center_crop(F.resize(x, [resize], antialias=True), [crop])
        centres.append({"resize": resize, "crop": crop, "output": numbers(output)})

    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps({
        "shape": [3, HEIGHT, WIDTH], "picture": picture.flatten().tolist(), "changes": changes,
        "chain": numbers(chain), "crops": crops, "centres": centres,
    }, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
