"""SIGSTOP to everything for some seconds; another process that wants the same is told so; then SIGCONT."""

import os
import signal
import time

from . import whole
from .ground import check, group

FAULT = "SIGSTOP, SIGCONT"
STOPPED = 4.0


def outcomes(_command):
    return [(FAULT, stopped)]


def stopped(ground, command, place):
    row = ground.row
    process = ground.call(command.first(place))
    if command.name == "report":
        time.sleep(0.5 * ground.seconds[command.name])
    else:
        process.until_share(command, place, 0.2)
    for pid in group(process.pid):
        os.kill(pid, signal.SIGSTOP)
    time.sleep(STOPPED / 2)
    row.left = command.left(place)
    if hasattr(command, "rival"):
        rival = ground.call(command.rival(place))
        code = rival.wait(60)
        row.message = rival.message()
        row.codes.append(code)
        check(code == 75, f"another process ends with {code}, not 75: {row.message}")
        check("another process" in row.message, f"does not say who has it: {row.message}")
    time.sleep(STOPPED / 2)
    for pid in group(process.pid):
        os.kill(pid, signal.SIGCONT)
    code = process.wait()
    row.codes.append(code)
    check(code == command.end, f"ends with {code}, not {command.end}: {process.message()}")
    command.left(place)
    check(command.result(place) == ground.reference[command.name], "other bits than undisturbed")
    row.same = "yes"
    runs = {"train": lambda: [command.run(place)], "compare": lambda: command.runs(place)}
    for run in runs.get(command.name, list)():
        seconds = whole.times(os.path.join(run, "record.jsonl"))
        check(max(seconds) < STOPPED / 2, f"the stop counts as training: an epoch of {max(seconds):.1f} s")
