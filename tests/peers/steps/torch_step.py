#!/usr/bin/env python3
"""What a training step takes in PyTorch: the same steps as `anact bench step`, printed under the same keys.

    python3 torch_step.py --model resnet20 --activation swish --batch 128 --steps 10

README.md beside this file says what is compared.
"""

import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F

import networks


def peak_rss_mb():
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", choices=networks.MODELS, required=True)
    parser.add_argument("--activation", choices=networks.ACTIVATIONS, default="relu")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--image-size", type=int, help="28 for mlp, else 32")
    parser.add_argument("--channels", type=int, help="1 for mlp, else 3")
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--fused-optimiser", action="store_true", help="torch.optim.SGD(fused=True)")
    a = parser.parse_args()
    if a.steps < 1:
        parser.error("--steps must be at least 1")

    usual = (1, 28) if a.model == "mlp" else (3, 32)
    size = a.image_size or usual[1]
    image = [a.channels or usual[0], size, size]
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    model = networks.MODELS[a.model](image, a.classes, networks.ACTIVATIONS[a.activation])
    images, labels = torch.randn(a.batch, *image), torch.randint(a.classes, (a.batch,))
    if a.channels_last:
        model, images = model.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    fused = True if a.fused_optimiser else None
    sgd = torch.optim.SGD(model.parameters(), lr=a.lr, momentum=0.9, weight_decay=5e-4, fused=fused)
    model.train()

    times, losses = [], []
    for _ in range(a.warmup + a.steps):
        start = time.perf_counter()
        # First, so that the gradients of the last step are not in memory during the forward pass.
        sgd.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(images), labels)
        forward = time.perf_counter()
        loss.backward()
        backward = time.perf_counter()
        sgd.step()
        end = time.perf_counter()
        losses.append(loss.item())
        times.append((end - start, forward - start, backward - forward, end - backward))
    peak = peak_rss_mb()
    whole, forward, backward, optimiser = (sorted(part) for part in zip(*times[a.warmup :]))
    quartiles = statistics.quantiles(whole, n=4, method="inclusive") if a.steps > 1 else whole * 3
    median = statistics.median(whole)
    result = {
        "torch": torch.__version__,
        "model": a.model,
        "activation": a.activation,
        "batch": a.batch,
        "image": image,
        "classes": a.classes,
        "threads": a.threads,
        "channels_last": a.channels_last,
        "warmup": a.warmup,
        "steps": a.steps,
        "parameters": sum(p.numel() for p in model.parameters()),
        "median_s": median,
        "spread_s": dict(zip(("least", "lower", "median", "upper", "greatest"), [whole[0], *quartiles, whole[-1]])),
        "forward_s": statistics.median(forward),
        "backward_s": statistics.median(backward),
        "optimiser_s": statistics.median(optimiser),
        "images_per_s": a.batch / median,
        "peak_rss_mb": peak,
        "loss_first": losses[0],
        "loss_last": losses[-1],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
