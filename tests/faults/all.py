#!/usr/bin/env python3
"""Disturbs training, comparing, fetching and reporting by faults of the machine, and looks each time what the command says, what is
left on the disk, and whether it goes on to the same bits.

    tests/faults/all.py ANACT FOLDER [FAULT...]

ANACT is the command; FOLDER (new) takes the runs: a folder in memory, such as one in /dev/shm, spares the disk some thousand
flushes. A FAULT is one of kill, stop, full, read_only, vanished, clock, memory, or one of these with a command, such as
`memory:data-fetch`; without any, all. Prints a table in Markdown; where an outcome is another than it should be, the row says so, the
others are tried all the same, and the exit code is 1. Needs Linux, the right to mount, `prlimit` and a C compiler; takes about five
minutes. `test_outcomes.py` beside it tests how outcomes are tried.
"""

import importlib
import os
import sys
import time

from matrix.commands import all_commands
from matrix.ground import Ground, Outcome, Wrong, check

FAULTS = ["kill", "stop", "full", "read_only", "vanished", "clock", "memory"]


def word(command):
    """A command's name in one word."""
    return command.name.replace(" ", "-")


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


def rows(ground, module, command):
    """The rows of one fault for one command: every outcome is tried by itself, whatever became of those before, and leaves no process."""
    for fault, attempt in module.outcomes(command):
        ground.row = Outcome(fault, command.name)
        try:
            attempt(ground, command, ground.new(f"{fault} {command.name}"))
        except Exception as error:
            # What nobody foresaw is wrong, too, and says what it is.
            ground.row.wrong = str(error) if isinstance(error, Wrong) else f"{type(error).__name__}: {error}"
        finally:
            ground.end_processes()
        yield ground.row


def cell(text):
    return " ".join(str(text).split()).replace("|", "\\|")


def printed(ground, row):
    message = row.message.removeprefix("anact: ").replace(ground.folder, "…")
    message = message if len(message) < 160 else message[:157] + "…"
    same = f"WRONG: {row.wrong}" if row.wrong else row.same
    codes = ", ".join(map(str, row.codes))
    print("|", " | ".join(map(cell, [row.fault, row.command, codes, message, row.left, same])), "|", flush=True)


def main(arguments):
    commands = all_commands()
    chosen = [(fault, command) for fault in FAULTS for command in commands]
    legal = {*FAULTS, *(f"{fault}:{word(command)}" for fault, command in chosen)}
    if len(arguments) < 2 or not set(arguments[2:]) <= legal:
        sys.exit(__doc__)
    if arguments[2:]:
        chosen = [(f, c) for f, c in chosen if {f, f"{f}:{word(c)}"} & set(arguments[2:])]
    folder = os.path.realpath(arguments[1])
    os.makedirs(os.path.join(folder, "output"))
    ground = Ground(os.path.realpath(arguments[0]), folder, commands)
    start = time.monotonic()
    try:
        for command in commands:
            if any(command is c for _, c in chosen):
                undisturbed(ground, command)
    except Wrong as wrong:
        sys.exit(f"nothing can be tried: {wrong}")
    finally:
        ground.end_processes()
    print("| fault | command | exit codes | what it says | left on the disk | the same bits afterwards |")
    print("|---|---|---|---|---|---|", flush=True)
    failed = 0
    for fault, command in chosen:
        for row in rows(ground, importlib.import_module(f"matrix.{fault}"), command):
            failed += bool(row.wrong)
            printed(ground, row)
    print(f"\n{time.monotonic() - start:.0f} s; " + (f"{failed} rows are wrong" if failed else "every outcome is as it should be"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
