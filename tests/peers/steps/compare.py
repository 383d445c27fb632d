#!/usr/bin/env python3
"""Training steps in ANAct and in PyTorch, measured in turn on the same cores.

    pip install torch                                           # CPU builds are enough
    python3 compare.py path/to/anact                            # every row; some minutes
    python3 compare.py path/to/anact --only resnet20 --rounds 5 # one row
    python3 compare.py path/to/anact --gate                     # exit code 1 where ANAct is slower

README.md beside this file says what is compared.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# Name, what both sides are told, steps in a round: few where a step takes seconds.
ROWS = [
    ("resnet20", ["--model", "resnet20", "--activation", "swish", "--batch", "128"], 8),
    ("resnet18", ["--model", "resnet18", "--activation", "swish", "--batch", "128"], 3),
    ("resnet50", ["--model", "resnet50", "--activation", "swish", "--batch", "64"], 3),
    (
        "resnet18-64-nswish",
        ["--model", "resnet18", "--activation", "nswish", "--batch", "64", "--image-size", "64", "--classes", "200"],
        3,
    ),
    ("cnn", ["--model", "cnn", "--activation", "swish", "--batch", "128"], 10),
    ("mlp", ["--model", "mlp", "--activation", "swish", "--batch", "64"], 200),
]


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed")
    return json.loads(done.stdout.splitlines()[-1])


def sides(arguments, name):
    """What runs in a round, by name: ours, and PyTorch in each memory format."""
    torch = [sys.executable, os.path.join(HERE, "torch_step.py")]
    found = {}
    if arguments.anact:
        # `--execution=--exact` and the like reach our side only.
        found["anact"] = [arguments.anact, "bench", "step", "--json", *arguments.execution]
    if not arguments.without_torch:
        found["torch, contiguous"] = torch
        if name != "mlp":
            found["torch, channels last"] = [*torch, "--channels-last"]
    return found


def measure(arguments, name, options, steps):
    """Every side's results, round by round, A B A B."""
    steps = arguments.steps or steps
    options = [*options, "--steps", str(steps), "--warmup", str(arguments.warmup), "--threads", str(arguments.threads)]
    results = {}
    for _ in range(arguments.rounds):
        for side, command in sides(arguments, name).items():
            results.setdefault(side, []).append(run([*command, *options]))
    counts = {side: r[0]["parameters"] for side, r in results.items()}
    if len(set(counts.values())) != 1:
        sys.exit(f"{name}: the networks differ, parameters {counts}")
    return results


def summary(rounds):
    """Over rounds: the median of medians with the least and greatest of them, and the greatest memory."""
    times = [r["median_s"] for r in rounds]
    return {
        "median_s": statistics.median(times),
        "least_s": min(times),
        "greatest_s": max(times),
        "images_per_s": rounds[0]["batch"] / statistics.median(times),
        "peak_rss_mb": max(r["peak_rss_mb"] for r in rounds),
        "loss": [rounds[0]["loss_first"], rounds[0]["loss_last"]],
    }


def row(name, results):
    by_side = {side: summary(rounds) for side, rounds in results.items()}
    torch = [side for side in by_side if side.startswith("torch")]
    best = min(torch, key=lambda side: by_side[side]["median_s"], default=None)
    answer = {"row": name, "sides": by_side, "better_torch": best, "ratios": {}}
    for side in (side for side in by_side if best and not side.startswith("torch")):
        # Neighbours in time, so that what slows the machine down for a while slows both.
        pairs = [ours["median_s"] / theirs["median_s"] for ours, theirs in zip(results[side], results[best])]
        answer["ratios"][side] = {
            "time": statistics.median(pairs),
            "time_by_round": pairs,
            "memory": by_side[side]["peak_rss_mb"] / by_side[best]["peak_rss_mb"],
        }
    return answer


HEADER = ["step", "side", "ms", "least-greatest", "images/s", "peak MB", "time by torch's", "memory by torch's"]


def lines(answer):
    for side, s in answer["sides"].items():
        ratio = answer["ratios"].get(side)
        spread = f"{s['least_s'] * 1e3:.4g}-{s['greatest_s'] * 1e3:.4g}"
        cells = [answer["row"], side, f"{s['median_s'] * 1e3:.4g}", spread]
        cells += [f"{s['images_per_s']:.4g}", f"{s['peak_rss_mb']:.0f}"]
        if ratio:
            rounds = ", ".join(f"{r:.2f}" for r in ratio["time_by_round"])
            cells += [f"{ratio['time']:.2f} ({rounds})", f"{ratio['memory']:.2f}"]
        else:
            cells += ["better" if side == answer["better_torch"] else "", ""]
        yield "| " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("anact", nargs="?", help="the command; without it, only PyTorch is measured")
    parser.add_argument("--only", action="append", choices=[name for name, _, _ in ROWS])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, help="measured steps of a round, instead of each row's own number")
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--execution", action="append", default=[], help="an option for ours, as in --execution=--exact")
    parser.add_argument("--without-torch", action="store_true")
    parser.add_argument("--json", help="write everything to this file, every round with it")
    parser.add_argument("--gate", action="store_true", help="exit code 1 where ours takes longer or more memory")
    arguments = parser.parse_args()

    print(f"{arguments.threads} threads, {arguments.rounds} rounds in turn; ratios to the better of torch's formats\n")
    print("| " + " | ".join(HEADER) + " |")
    print("|---|---|---:|---:|---:|---:|---:|---:|", flush=True)
    everything, slower = [], []
    for name, options, steps in ROWS:
        if arguments.only and name not in arguments.only:
            continue
        results = measure(arguments, name, options, steps)
        answer = row(name, results)
        everything.append({**answer, "rounds": results})
        print("\n".join(lines(answer)), flush=True)
        ours = answer["ratios"].get("anact")
        if ours and not (ours["time"] < 1 and ours["memory"] < 1):
            slower.append(name)
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(everything, file, indent=1)
    if arguments.gate and slower:
        sys.exit(f"not better than PyTorch: {', '.join(slower)}")


if __name__ == "__main__":
    main()
