"""SIGKILL at moments spread over the call, each time gone on from what is left."""

import os
import random
import signal
import time

from .ground import check

FAULT = "kill -9"
KILLS = 6


def outcomes(ground, command, place):
    draw = random.Random(2)
    row = ground.row
    killed = 0
    for number in range(KILLS):
        process = ground.call(command.again(place) if number else command.first(place))
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
    # A page is made so fast that some come too late.
    check(killed >= 2, f"only {killed} of {KILLS} kills met the process")
    row.message = f"(killed {killed} times)"
    if command.name == "data fetch":
        have, command.server.ranges = len(command.part(place)), []
        ground.finish(command, place)
        command.check_ranges(have)
    else:
        ground.finish(command, place)
    yield row
