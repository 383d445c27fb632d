#!/usr/bin/env python3
"""Disturbs training, comparing, fetching and reporting by faults of the machine, and looks each time what the command says, what is
left on the disk, and whether it goes on to the same bits.

    tests/faults/all.py ANACT FOLDER [FAULT...]

ANACT is the command; FOLDER (new) takes the runs: a folder in memory, such as one in /dev/shm, spares the disk some thousand
flushes. A FAULT is one of kill, stop, full, read_only, vanished, clock, memory; without any, all. Prints a table in Markdown; where
an outcome is another than it should be, the row says so and the exit code is 1. Needs Linux, the right to mount, `prlimit` and a C
compiler; takes about five minutes.
"""

import importlib
import os
import subprocess
import sys
import time

from matrix.commands import all_commands
from matrix.ground import Ground, Outcome, Wrong, check

FAULTS = ["kill", "stop", "full", "read_only", "vanished", "clock", "memory"]


def undisturbed(ground, command):
    place = ground.new(f"undisturbed {command.name}")
    command.prepare(ground, place)
    process = ground.call(command.first(place))
    code = process.wait()
    check(code == command.end, f"{command.name} undisturbed ends with {code}: {process.err()}")
    ground.seconds[command.name] = process.seconds
    ground.reference[command.name] = command.result(place)
    # The same once more, or nothing could be compared.
    place = ground.new(f"undisturbed again {command.name}")
    check(ground.call(command.first(place)).wait() == command.end, "not twice")
    check(command.result(place) == ground.reference[command.name], f"{command.name} has other bits the second time")


def rows(ground, fault, command):
    """The rows of one fault for one command; the last one says what was wrong, if anything was."""
    module = importlib.import_module(f"matrix.{fault}")
    ground.row = Outcome(module.FAULT, command.name)
    try:
        yield from module.outcomes(ground, command, ground.new(f"{fault} {command.name}"))
    except (Wrong, OSError, subprocess.CalledProcessError) as wrong:
        ground.row.wrong = str(wrong)
        yield ground.row


def cell(text):
    return " ".join(str(text).split()).replace("|", "\\|")


def main(arguments):
    if len(arguments) < 2 or not set(arguments[2:]) <= set(FAULTS):
        sys.exit(__doc__)
    folder = os.path.realpath(arguments[1])
    os.makedirs(os.path.join(folder, "output"))
    ground = Ground(os.path.realpath(arguments[0]), folder, all_commands())
    start = time.monotonic()
    try:
        for command in ground.commands:
            undisturbed(ground, command)
    except Wrong as wrong:
        sys.exit(f"nothing can be tried: {wrong}")
    print("| fault | command | exit codes | what it says | left on the disk | the same bits afterwards |")
    print("|---|---|---|---|---|---|", flush=True)
    failed = 0
    for fault in arguments[2:] or FAULTS:
        for command in ground.commands:
            for row in rows(ground, fault, command):
                failed += bool(row.wrong)
                message = row.message.removeprefix("anact: ").replace(ground.folder, "…")
                message = message if len(message) < 160 else message[:157] + "…"
                same = f"WRONG: {row.wrong}" if row.wrong else row.same
                codes = ", ".join(map(str, row.codes))
                print("|", " | ".join(map(cell, [row.fault, row.command, codes, message, row.left, same])), "|", flush=True)
    print(f"\n{time.monotonic() - start:.0f} s; " + (f"{failed} rows are wrong" if failed else "every outcome is as it should be"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
