#!/usr/bin/env python3
"""Trains for a long time with everything on that could pile up, and looks whether anything does.

    tests/faults/soak.py ANACT MINUTES FOLDER [TRAIN-OPTIONS...]

ANACT is the command; FOLDER (new) takes the run and what is found: `soak.csv` with a row every 10 seconds, `soak.svg`, `soak.md`. The run
writes checkpoints, a log for tables and one for TensorBoard, and compares its layers with the theory; twice a minute another process
makes a report of it. TRAIN-OPTIONS, each with a value, take the place of those of the run. In the end it is stopped, and must go on from its checkpoint.

A slope is that of least squares after the warm-up (a tenth of the time, at least a minute), with its standard error, in which samples
that follow each other count as less than one each (by their correlation r: as (1 - r)/(1 + r)). Something is flat if its slope is within
its bound, below; it grows if the slope is beyond by more than two standard errors, and then the exit code is 1; in between the time was
too short to say. A machine that others use has no even pace, so a slow-down is looked for in steps by second of the process's own time.
"""

import contextlib
import csv
import math
import os
import signal
import subprocess
import sys
import time

EVERY = 10.0
REPORT_EVERY = 30.0
RUN = [
    "--model", "resnet8", "--width", "8", "--activation", "nswish", "--batch", "64", "--train-images", "2000", "--test-images", "200",
    "--epochs", "1000000", "--seed", "1", "--schedule", "constant", "--lr", "0.01",
    "--checkpoint-steps", "25", "--inspect-every", "100", "--log", "csv,tensorboard",
]

# Column, unit, what is flat by hour, whether that is a share of the mean; less than nothing of a rate is a slow-down.
BOUNDS = [
    ("rss_mb", "MB", 4.0, False),
    ("anonymous_mb", "MB", 4.0, False),
    ("open_files", "files", 0.5, False),
    ("threads", "threads", 0.5, False),
    ("steps_per_cpu_s", "% of the mean", 2.0, True),
    ("report_s", "% of the mean", None, True),
    ("steps_per_s", "% of the mean", None, True),
    ("folder_mb", "MB", None, False),
]


def pairs_of(words):
    return dict(zip(words[::2], words[1::2], strict=True))


def status(pid):
    with open(f"/proc/{pid}/status") as file:
        lines = dict(line.split(":", 1) for line in file if ":" in line)
    megabytes = {name: int(lines[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "RssAnon", "VmHWM")}
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return megabytes, int(lines["Threads"]), len(os.listdir(f"/proc/{pid}/fd")), cpu


def steps_of(run):
    """Steps taken, by the last whole row of the table of steps."""
    try:
        with open(os.path.join(run, "steps.csv"), "rb") as file:
            file.seek(max(0, os.path.getsize(file.name) - 4096))
            rows = file.read().split(b"\n")[:-1]
            return int(rows[-1].split(b",")[0])
    except (FileNotFoundError, ValueError, IndexError):
        return 0


def size_of(folder):
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.path.getsize(os.path.join(path, name))
            except FileNotFoundError:
                pass
    return total / 1e6


def fit(xs, ys):
    """Slope and its standard error."""
    n = len(xs)
    if n < 8:
        return float("nan"), float("inf")
    mx, my = sum(xs) / n, sum(ys) / n
    sxx = sum((x - mx) ** 2 for x in xs)
    slope = sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sxx
    rest = [y - my - slope * (x - mx) for x, y in zip(xs, ys)]
    squares = sum(r * r for r in rest)
    if squares == 0:
        return slope, 0.0
    r = max(0.0, min(0.99, sum(a * b for a, b in zip(rest, rest[1:])) / squares))
    return slope, math.sqrt(squares / (n - 2) / sxx * (1 + r) / (1 - r))


def verdict(samples, slope, error, bound, is_rate):
    if bound is None:
        return "–", False
    # Ten minutes at least: fewer hold a step or two, of which no error says anything.
    if samples < 60:
        return "too short to say", False
    beyond = -slope if is_rate else slope
    if beyond - 2 * error > bound:
        return ("slows down" if is_rate else "grows"), True
    return ("flat" if beyond + 2 * error <= bound else "too short to say"), False


def panels(rows, warm_up, path):
    """Curves under each other, each with its own axis."""
    width, height, left, gap = 760, 110, 80, 34
    shown = [
        ("rss_mb", "resident, MB"), ("open_files", "open files"), ("threads", "threads"),
        ("steps_per_cpu_s", "steps by second of its own time"), ("steps_per_s", "steps by second"), ("folder_mb", "folder, MB"),
    ]
    total = len(shown) * (height + gap) + 40
    last = rows[-1]["seconds"] or 1.0
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{total}" viewBox="0 0 {width} {total}" '
        'font-family="sans-serif" font-size="12" fill="#222">',
        f'<rect width="{width}" height="{total}" fill="#fff"/>',
    ]
    inner = width - left - 20
    for i, (name, label) in enumerate(shown):
        top = 24 + i * (height + gap)
        points = [(row["seconds"], row[name]) for row in rows if not math.isnan(row[name])]
        most = max((y for _, y in points), default=1.0)
        # From zero: what is flat looks flat.
        most = most * 1.1 or 1.0
        out.append(f'<text x="{left}" y="{top - 6}" font-weight="bold">{label}</text>')
        out.append(f'<rect x="{left}" y="{top}" width="{inner}" height="{height}" fill="none" stroke="#bbb"/>')
        warm = inner * min(1.0, warm_up / last)
        out.append(f'<rect x="{left}" y="{top}" width="{warm:.1f}" height="{height}" fill="#eee"/>')
        for tick in (0.0, 0.5, 1.0):
            y = top + height * (1 - tick)
            out.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{most * tick:.4g}</text>')
        line = " ".join(f"{left + inner * x / last:.1f},{top + height * (1 - y / most):.1f}" for x, y in points)
        out.append(f'<polyline points="{line}" fill="none" stroke="#1f5fa8" stroke-width="1.5"/>')
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = left + inner * tick
        out.append(f'<text x="{x:.1f}" y="{total - 8}" text-anchor="middle">{last * tick / 60:.3g} min</text>')
    out.append("</svg>")
    with open(path, "w") as file:
        file.write("\n".join(out) + "\n")


def report(anact, run, page):
    """Seconds, the most memory in MB, and whether the page is whole."""
    start = time.monotonic()
    child = subprocess.Popen([anact, "--threads", "1", "report", run, "--output", page],
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = child.stderr.read().decode(errors="replace")
    _, code, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(code)
    if child.returncode != 0:
        sys.exit(f"the report of a run at work ends with {child.returncode}: {said}")
    with open(page, "rb") as file:
        if not file.read().rstrip().endswith(b"</html>"):
            sys.exit("the page is not whole")
    return time.monotonic() - start, usage.ru_maxrss * 1024 / 1e6


def main(arguments):
    if len(arguments) < 3:
        sys.exit(__doc__)
    anact, minutes, folder = os.path.realpath(arguments[0]), float(arguments[1]), os.path.realpath(arguments[2])
    os.makedirs(folder)
    run = os.path.join(folder, "run")
    log = open(os.path.join(folder, "output.txt"), "wb")
    options = {**pairs_of(RUN), **pairs_of(arguments[3:])}
    words = [word for pair in options.items() for word in pair]
    command = [anact, "--threads", "1", "train", *words, "--plain", "--output", run]
    warm_up = max(60.0, 6.0 * minutes)
    with started(command, log) as child:
        rows = sampled(anact, child, minutes, folder)
        child.send_signal(signal.SIGTERM)
        code = child.wait(300)
    if code != 75:
        sys.exit(f"the run stops with {code}, not 75; see {log.name}")
    goes_on(anact, run, log)
    text, failed = findings(rows, warm_up, minutes)
    with open(os.path.join(folder, "soak.md"), "w") as file:
        file.write(text)
    panels(rows, warm_up, os.path.join(folder, "soak.svg"))
    print(text)
    return failed


@contextlib.contextmanager
def started(command, log):
    """A process that does not outlive what is done with it: nobody else would end a run of a million epochs."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def sampled(anact, child, minutes, folder):
    """A row every so many seconds, in `soak.csv` too."""
    run, page = os.path.join(folder, "run"), os.path.join(folder, "report.html")
    rows, start, next_report = [], time.monotonic(), REPORT_EVERY
    before = (0.0, 0, 0.0)
    reported, memory_of_report = float("nan"), float("nan")
    with open(os.path.join(folder, "soak.csv"), "w", newline="") as file:
        table = None
        while (now := time.monotonic() - start) < 60 * minutes:
            time.sleep(max(0.0, EVERY - now % EVERY))
            if child.poll() is not None:
                sys.exit(f"the run has ended by itself with {child.returncode}; see output.txt")
            megabytes, threads, files, cpu = status(child.pid)
            seconds, steps = time.monotonic() - start, steps_of(run)
            taken = steps - before[1]
            row = {
                "seconds": round(seconds, 2), "steps": steps,
                "rss_mb": megabytes["VmRSS"], "anonymous_mb": megabytes["RssAnon"], "peak_mb": megabytes["VmHWM"],
                "open_files": files, "threads": threads,
                "steps_per_s": taken / (seconds - before[0]),
                "steps_per_cpu_s": taken / (cpu - before[2]) if cpu > before[2] else float("nan"),
                "folder_mb": size_of(run), "report_s": reported, "report_mb": memory_of_report,
            }
            before = (seconds, steps, cpu)
            rows.append(row)
            if table is None:
                table = csv.DictWriter(file, row.keys())
                table.writeheader()
            table.writerow({k: v if isinstance(v, int) else f"{v:.4f}" for k, v in row.items()})
            file.flush()
            reported = float("nan")
            if seconds >= next_report and os.path.exists(os.path.join(run, "record.jsonl")):
                reported, memory_of_report = report(anact, run, page)
                next_report += REPORT_EVERY
    return rows


def goes_on(anact, run, log):
    """The run takes some more steps from where it stopped."""
    steps = steps_of(run)
    with started([anact, "--threads", "1", "train", "--plain", "--resume", run], log) as child:
        end = time.monotonic() + 300
        while steps_of(run) < steps + 30:
            if child.poll() is not None or time.monotonic() > end:
                sys.exit(f"the run does not go on; see {log.name}")
            time.sleep(0.1)
        child.send_signal(signal.SIGTERM)
        if (code := child.wait(300)) != 75:
            sys.exit(f"the run that went on stops with {code}, not 75; see {log.name}")


def findings(rows, warm_up, minutes):
    kept = [row for row in rows if row["seconds"] >= warm_up]
    steps = rows[-1]["steps"]
    lines = [
        f"{minutes:g} minutes, {steps} steps, {len(rows)} samples, {len(kept)} of them after the warm-up; it stopped with a checkpoint and went on.",
        "",
        "| | mean | slope by hour ± s.e. | flat is | |",
        "|---|---|---|---|---|",
    ]
    failed = 0
    for name, unit, bound, is_share in BOUNDS:
        pairs = [(row["seconds"] / 3600, row[name]) for row in kept if not math.isnan(row[name])]
        xs, ys = [x for x, _ in pairs], [y for _, y in pairs]
        mean = sum(ys) / len(ys) if ys else float("nan")
        slope, error = fit(xs, ys)
        if is_share and mean:
            slope, error = 100 * slope / mean, 100 * error / mean
        words, is_wrong = verdict(len(xs), slope, error, bound, is_share)
        failed |= is_wrong
        flat = "" if bound is None else (f"at least −{bound:g} {unit}" if is_share else f"at most {bound:g} {unit}")
        lines.append(f"| {name} | {mean:.4g} | {slope:+.3g} ± {error:.2g} {unit} | {flat} | {words} |")
    return "\n".join(lines) + "\n", int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
