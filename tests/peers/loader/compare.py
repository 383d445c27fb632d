#!/usr/bin/env python3
"""Batches decoded and augmented by ANAct's loader and by PyTorch's DataLoader, measured in turn on the same cores.

    pip install torch torchvision pillow                        # CPU builds are enough
    python3 compare.py path/to/anact path/to/tiny-imagenet-200.zip
    python3 compare.py path/to/anact path/to/zip --rounds 7 --json times.json

README.md beside this file says what is compared.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

MEAN, DEVIATION = (0.4802, 0.4481, 0.3975), (0.2770, 0.2691, 0.2821)

# Our name of the recipe, and torchvision's transforms before ToTensor.
RECIPES = ["cifar", "resized-jitter"]


def ours(arguments, recipe, workers):
    command = [
        arguments.anact, "bench", "loader", "tiny-imagenet", "--data", arguments.data, "--recipe", recipe,
        "--workers", str(workers), "--ahead", str(2 * workers), "--batch", str(arguments.batch),
        "--batches", str(arguments.batches), "--rounds", "1", "--json",
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed")
    return json.loads(done.stdout.splitlines()[-1])["rows"][0]["images_per_s"]["median"]


def torch_side(arguments):
    """Runs in a process of its own: one measurement, as a JSON number."""
    import io
    import zipfile

    import torch
    from PIL import Image
    from torchvision.io import ImageReadMode, decode_jpeg
    from torchvision.transforms import v2

    torch.set_num_threads(1)
    of_recipe = {
        "cifar": [v2.RandomCrop(64, padding=4), v2.RandomHorizontalFlip()],
        "resized-jitter": [v2.RandomResizedCrop(64, antialias=True), v2.RandomHorizontalFlip(), v2.ColorJitter(0.4, 0.4, 0.4, 0.1)],
    }
    convert = [v2.ToImage()] if arguments.side == "pillow" else []
    finish = [*convert, v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, DEVIATION)]
    transform = v2.Compose([*of_recipe[arguments.recipe], *finish])

    class Pictures(torch.utils.data.Dataset):
        """The training pictures of the zip file, which each worker opens for itself."""

        def __init__(self, path):
            self.path, self.archive = path, None
            names = zipfile.ZipFile(path).namelist()
            self.names = sorted(n for n in names if "/train/" in n and n.endswith(".JPEG"))
            classes = sorted({n.split("/")[2] for n in self.names})
            self.labels = {name: label for label, name in enumerate(classes)}

        def __len__(self):
            return len(self.names)

        def __getitem__(self, index):
            if self.archive is None:
                self.archive = zipfile.ZipFile(self.path)
            name = self.names[index]
            data = self.archive.read(name)
            if arguments.side == "pillow":
                picture = Image.open(io.BytesIO(data)).convert("RGB")
            else:
                picture = decode_jpeg(torch.frombuffer(bytearray(data), dtype=torch.uint8), ImageReadMode.RGB)
            return transform(picture), self.labels[name.split("/")[2]]

    loader = torch.utils.data.DataLoader(
        Pictures(arguments.data), arguments.batch, shuffle=True, drop_last=True, num_workers=arguments.workers,
        persistent_workers=True, prefetch_factor=2,
    )
    # Workers start with the first batch, which takes a second or two; ours do so too, in less.
    batches = iter(loader)
    next(batches)
    images, start = 0, time.perf_counter()
    for _ in range(arguments.batches):
        batch = next(batches, None)
        if batch is None:
            batches = iter(loader)
            batch = next(batches)
        images += len(batch[1])
    print(images / (time.perf_counter() - start))


def theirs(arguments, recipe, workers, side):
    command = [
        sys.executable, __file__, "-", arguments.data, "--side", side, "--recipe", recipe, "--workers", str(workers),
        "--batch", str(arguments.batch), "--batches", str(arguments.batches),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed")
    return float(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("anact")
    parser.add_argument("data")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--batches", type=int, default=60)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--side", choices=["pillow", "tensors"], help=argparse.SUPPRESS)
    parser.add_argument("--recipe", choices=RECIPES, help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        return torch_side(arguments)

    sides = {
        "anact": lambda recipe, workers: ours(arguments, recipe, workers),
        "torch, pillow": lambda recipe, workers: theirs(arguments, recipe, workers, "pillow"),
        "torch, tensors": lambda recipe, workers: theirs(arguments, recipe, workers, "tensors"),
    }
    rows = [(recipe, workers) for recipe in RECIPES for workers in (1, 2)]
    times = {f"{recipe} {workers} {side}": [] for recipe, workers in rows for side in sides}
    for _ in range(arguments.rounds):
        for recipe, workers in rows:
            for side, measure in sides.items():
                times[f"{recipe} {workers} {side}"].append(measure(recipe, workers))
    print(f"pictures per second, {arguments.rounds} rounds in turn: median (least to greatest); median over rounds of the ratio")
    print(f"{'recipe':<16}{'workers':>8}  {'side':<16}{'median':>8}{'least':>8}{'greatest':>10}{'anact is':>10}")
    for recipe, workers in rows:
        base = times[f"{recipe} {workers} anact"]
        for side in sides:
            found = times[f"{recipe} {workers} {side}"]
            ratio = statistics.median(a / b for a, b in zip(base, found))
            numbers = f"{statistics.median(found):8.0f}{min(found):8.0f}{max(found):10.0f}"
            print(f"{recipe:<16}{workers:>8}  {side:<16}{numbers}{'' if side == 'anact' else f'{ratio:9.2f}x'}")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(times, file, indent=1)


if __name__ == "__main__":
    main()
