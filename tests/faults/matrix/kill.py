"""SIGKILL at moments spread over the call, each time gone on from what is left."""

import os
import random
import signal
import time

from .commands import EVERY, step
from .ground import check

FAULT = "kill -9"
KILLS = 6


def outcomes(_command):
    return [(FAULT, killed_again_and_again)]


def killed_again_and_again(ground, command, place):
    draw = random.Random(2)
    row = ground.row
    killed = 0
    for number in range(KILLS):
        process = ground.call(logged(command.again(place) if number else command.first(place)))
        if command.name == "report":
            # A page is made anew each time, so the moments are spread over the whole of it.
            time.sleep((number + draw.random()) / KILLS * ground.seconds[command.name])
        else:
            process.until_share(command, place, (number + draw.random()) / (KILLS + 1))
        if not process.is_over():
            os.kill(process.pid, signal.SIGKILL)
        row.codes.append(process.wait())
        killed += row.codes[-1] == -signal.SIGKILL
        row.left = command.left(place)
        if command.name == "train":
            check_age(command.run(place))
    # A page is made so fast that some come too late.
    check(killed >= 2, f"only {killed} of {KILLS} kills met the process")
    row.message = f"(killed {killed} times)"
    if command.name == "data fetch":
        have, command.server.ranges = len(command.part(place)), []
        ground.finish(command, place)
        command.check_ranges(have)
    else:
        ground.finish(command, place)


def logged(arguments):
    """Of a run that begins, with a row for every step on the disk, by which one sees how far it was."""
    return [*arguments, "--log", "csv"] if arguments[0] == "train" and "--resume" not in arguments else arguments


def check_age(run):
    """No more steps are lost than lie between two checkpoints."""
    try:
        with open(os.path.join(run, "steps.csv")) as file:
            rows = file.read().split("\n")[1:-1]
    except FileNotFoundError:
        return
    if rows:
        taken, kept = int(rows[-1].split(",")[0]), step(run)
        check(taken - kept <= EVERY, f"killed after step {taken}, the newest checkpoint is of step {kept}")
