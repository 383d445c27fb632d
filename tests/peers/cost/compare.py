#!/usr/bin/env python3
"""What a node of the graph and a training step cost in ANAct and in PyTorch, measured in turn on the same cores.

    pip install torch                                       # CPU builds are enough
    python3 compare.py path/to/anact                        # prints two tables
    python3 compare.py path/to/anact --batch 32 --rounds 1  # quicker

README.md beside this file says what is measured.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys


def child(code, *arguments):
    """Runs a function of this file in a fresh process; answers what it printed as JSON and its peak memory."""
    return run([sys.executable, __file__, "--child", code, *map(str, arguments)])


def run(command):
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} failed")
    lines = [line for line in output.splitlines() if line.startswith("{")]
    return (json.loads(lines[-1]) if lines else {}), usage.ru_maxrss * 1024


def torch_chain(nodes):
    """A chain of additions of single float64 numbers, forward and backward."""
    import time

    import torch

    torch.set_num_threads(1)
    x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)

    def resident():
        with open("/proc/self/status") as status:
            return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in status if line.startswith("Vm")}

    # First, while nothing else has left memory behind.
    before = resident()["VmRSS"]
    y = x
    for _ in range(nodes):
        y = y + x
    y.backward()
    peak = resident()["VmHWM"]
    del y
    x.grad = None
    times = []
    for _ in range(5):
        start = time.perf_counter()
        y = x
        for _ in range(nodes):
            y = y + x
        forward = time.perf_counter()
        y.backward()
        backward = time.perf_counter()
        del y
        x.grad = None
        times.append(((forward - start) * 1e9 / nodes, (backward - forward) * 1e9 / nodes))
    middle = sorted(times, key=sum)[len(times) // 2]
    print(json.dumps({"forward": middle[0], "backward": middle[1], "bytes": (peak - before) / nodes}))


def torch_step(batch, steps, *shape):
    """Training steps of the small-image resnet18 with SiLU on random images, in channels-last format."""
    import torch
    import torch.nn.functional as F

    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "gradients"))
    import compare as networks

    torch.set_default_dtype(torch.float32)
    torch.set_num_threads(os.cpu_count())
    torch.manual_seed(0)
    depths, width, block = networks.MODELS["resnet18"]
    model = networks.ResNet(depths, width, torch.nn.SiLU, *block)
    model.conv1 = torch.nn.Conv2d(shape[0], width, 3, padding=1, bias=False)
    model = model.to(memory_format=torch.channels_last)
    images = torch.randn(batch, *shape).to(memory_format=torch.channels_last)
    labels = torch.randint(10, (batch,))
    sgd = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    for _ in range(steps):
        sgd.zero_grad(set_to_none=True)
        F.cross_entropy(model(images), labels).backward()
        sgd.step()


def torch_import():
    import torch  # noqa: F401


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("anact")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--data", help="folder of the CIFAR-10 binary files; without it, images of 1x28x28 are built in")
    arguments = parser.parse_args()

    print(f"chains of {arguments.nodes} additions of single numbers (f64): nanoseconds per node")
    print(f"{'round':>5}  {'anact forward':>13}  {'backward':>8}  {'torch forward':>13}  {'backward':>8}  {'ratio':>5}")
    ratios = []
    for number in range(arguments.rounds):
        ours, _ = run([arguments.anact, "--threads", "1", "bench", "tape", "--length", str(arguments.nodes), "--json"])
        add = next(chain for chain in ours["chains"] if chain["op"] == "add")["median"]
        theirs, _ = child("chain", arguments.nodes)
        ratio = (add["forward"] + add["backward"]) / (theirs["forward"] + theirs["backward"])
        ratios.append(ratio)
        print(
            f"{number + 1:>5}  {add['forward']:>13.0f}  {add['backward']:>8.0f}"
            f"  {theirs['forward']:>13.0f}  {theirs['backward']:>8.0f}  {ratio:>5.2f}"
        )
    print(f"median ratio {statistics.median(ratios):.2f}")
    print(f"bytes per node beyond its number: anact {ours['bytes_per_node']:.0f}, torch {theirs['bytes'] - 8:.0f}\n")

    shape = (3, 32, 32) if arguments.data else (1, 28, 28)
    print(f"three training steps of resnet18 with SiLU, batch {arguments.batch}, images {shape}: peak memory of the process, MB")
    print(f"{'round':>5}  {'anact':>6}  {'torch':>6}  {'ratio':>5}")
    command = [arguments.anact, "inspect", "--model", "resnet18", "--activation", "swish", "--memory"]
    command += ["--batch", str(arguments.batch), "--step", "2", "--augment", "false"]
    command += ["--dataset", "cifar10", "--data", arguments.data] if arguments.data else []
    for number in range(arguments.rounds):
        _, ours = run(command)
        _, theirs = child("step", arguments.batch, 3, *shape)
        print(f"{number + 1:>5}  {ours / 1e6:>6.0f}  {theirs / 1e6:>6.0f}  {ours / theirs:>5.2f}")
    _, empty = child("import")
    print(f"of which a process that only imports torch takes {empty / 1e6:.0f} MB")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        {"chain": torch_chain, "step": torch_step, "import": torch_import}[sys.argv[2]](*map(int, sys.argv[3:]))
    else:
        main()
