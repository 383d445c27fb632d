#!/usr/bin/env python3
"""Train a CIFAR residual net in PyTorch by the recipe of `anact train`, and write a CSV that can be laid beside its `epochs.csv`.

  pip install torch numpy
  python3 train.py DATA OUT.csv --seed 1 [--model resnet20] [--activation relu] [--epochs 15] [--threads 2]

DATA holds data_batch_1..5.bin and test_batch.bin (the binary version of CIFAR-10). A tenth of each class is held out for
validation, drawn by the seed; the test images are read once, after the last epoch. The state is saved after every epoch
beside OUT.csv, and the same command goes on from there.

The recipe, as in anact's defaults: SGD with Nesterov momentum 0.9; weight decay 5e-4 on weights only; batches of 128, the last
one short; the rate rises in equal steps over one epoch and then falls along a cosine to 0; padded crops (4 black pixels) and
mirror images; per-channel mean and deviation of the training images; LeCun normal weights, biases 0.
"""

import argparse, csv, math, os, sys, time

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "steps"))
import networks



def read(path):
    records = np.fromfile(path, dtype=np.uint8).reshape(-1, 3073)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64)


def split(labels, seed):
    """Positions of the training and the validation images: a tenth of each class, drawn by the seed."""
    generator, held = np.random.default_rng(seed), []
    for label in range(10):
        places = np.flatnonzero(labels == label)
        held.append(generator.permutation(places)[: len(places) // 10])
    held = np.sort(np.concatenate(held))
    return np.setdiff1d(np.arange(len(labels)), held), held


def crops(images, generator):
    """A random crop of each padded image, and half of them mirrored."""
    count = len(images)
    padded = np.pad(images, ((0, 0), (0, 0), (4, 4), (4, 4)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (32, 32), axis=(2, 3))
    top, left = generator.integers(0, 9, count), generator.integers(0, 9, count)
    cut = windows[np.arange(count), :, top, left].copy()
    flip = generator.integers(0, 2, count) == 1
    cut[flip] = cut[flip, :, :, ::-1]
    return cut


def draw_weights(model):
    for module in model.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            fan_in = module.weight[0].numel()
            torch.nn.init.normal_(module.weight, std=fan_in**-0.5)
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)


@torch.no_grad()
def evaluate(model, images, labels, mean, deviation):
    model.eval()
    loss, correct = 0.0, 0
    for start in range(0, len(labels), 500):
        x = (torch.from_numpy(images[start : start + 500]).float() / 255 - mean) / deviation
        y = torch.from_numpy(labels[start : start + 500])
        logits = model(x)
        loss += F.cross_entropy(logits, y, reduction="sum").item()
        correct += (logits.argmax(1) == y).sum().item()
    model.train()
    return loss / len(labels), correct / len(labels)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--model", default="resnet20", choices=networks.MODELS)
    parser.add_argument("--activation", default="relu", choices=networks.ACTIVATIONS)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)

    batches = [read(os.path.join(o.data, f"data_batch_{i}.bin")) for i in range(1, 6)]
    images, labels = (np.concatenate(parts) for parts in zip(*batches))
    test_images, test_labels = read(os.path.join(o.data, "test_batch.bin"))
    chosen, held = split(labels, o.seed)
    train, validation = (images[chosen], labels[chosen]), (images[held], labels[held])
    pixels = train[0].transpose(1, 0, 2, 3).reshape(3, -1)
    mean = torch.tensor(pixels.mean(1) / 255, dtype=torch.float32).view(1, 3, 1, 1)
    deviation = torch.tensor(pixels.std(1) / 255, dtype=torch.float32).view(1, 3, 1, 1)

    model = networks.MODELS[o.model]((3, 32, 32), 10, networks.ACTIVATIONS[o.activation])
    draw_weights(model)
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": 5e-4}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=o.rate, momentum=0.9, nesterov=True)

    count = len(chosen)
    steps = math.ceil(count / o.batch)
    saved, first, rows = o.out + ".pt", 0, []
    if os.path.exists(saved):
        state = torch.load(saved, weights_only=False)
        first, rows = state["epoch"], state["rows"]
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
    head = ["epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "seconds", "cpu_seconds"]
    for epoch in range(first, o.epochs):
        generator = np.random.default_rng((o.seed, epoch))
        order = generator.permutation(count)
        start, cpu, loss_sum, correct = time.time(), time.process_time(), 0.0, 0
        for step in range(steps):
            t = epoch * steps + step
            rate = o.rate * ((t + 1) / steps if t < steps else 0.5 * (1 + math.cos(math.pi * (t - steps) / ((o.epochs - 1) * steps))))
            for group in optimizer.param_groups:
                group["lr"] = rate
            places = order[step * o.batch : (step + 1) * o.batch]
            x = (torch.from_numpy(crops(train[0][places], generator)).float() / 255 - mean) / deviation
            y = torch.from_numpy(train[1][places])
            optimizer.zero_grad()
            logits = model(x)
            loss = F.cross_entropy(logits, y)
            loss.backward()
            optimizer.step()
            loss_sum += loss.item() * len(y)
            correct += (logits.detach().argmax(1) == y).sum().item()
        seconds, cpu = time.time() - start, time.process_time() - cpu
        held_loss, held_accuracy = evaluate(model, *validation, mean, deviation)
        rows.append([epoch + 1, loss_sum / count, correct / count, held_loss, held_accuracy, round(seconds, 1), round(cpu, 1)])
        torch.save({"epoch": epoch + 1, "rows": rows, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, saved + ".new")
        os.replace(saved + ".new", saved)
        with open(o.out, "w", newline="") as f:
            csv.writer(f).writerows([head] + rows)
        print(*rows[-1], flush=True)
    loss, accuracy = evaluate(model, test_images, test_labels, mean, deviation)
    print(f"torch {torch.__version__} {o.model} {o.activation} seed {o.seed}: test loss {loss:.4f}, test accuracy {100 * accuracy:.2f} %", flush=True)


if __name__ == "__main__":
    main()
