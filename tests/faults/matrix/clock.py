"""The clock of the day jumps back while the command works, and more before it goes on."""

import os
import signal
import subprocess
import time

from . import whole
from .commands import NETWORK, checkpoints, seconds_in
from .ground import check

FAULT = "clock jumps back"
DAY = 86_400


def outcomes(command):
    found = [(FAULT, jumps)]
    if command.name == "train":
        found.append(("clock jumps back, folders named by it", named_by_the_clock))
    return found


class Clock:
    """The clock of the day as the command sees it."""

    def __init__(self, place):
        library, self.path = os.path.join(place, "clock.so"), os.path.join(place, "offset")
        source = os.path.join(os.path.dirname(__file__), "clock.c")
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", f'-DCLOCK="{self.path}"', "-o", library, source], check=True)
        self.how = {"LD_PRELOAD": library}
        self.turn(0)

    def turn(self, to):
        with open(self.path + ".new", "w") as file:
            file.write(str(to))
        os.rename(self.path + ".new", self.path)


def jumps(ground, command, place):
    row, clock = ground.row, Clock(place)
    turn, how = clock.turn, clock.how
    work = os.path.join(place, "work")
    os.makedirs(work)
    process = ground.call(command.first(work), **how)
    if command.name in ("report", "data fetch"):
        time.sleep(0.3 * ground.seconds[command.name])
        turn(-400 * DAY)
        row.codes.append(process.wait())
        check(row.codes[-1] == command.end, f"ends with {row.codes[-1]}: {process.message()}")
        row.left, row.message = command.left(work), "(goes on)"
        check(command.result(work) == ground.reference[command.name], "other bits than undisturbed")
        row.same = "yes"
        return
    process.until_share(command, work, 0.2)
    turn(-DAY)
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGTERM)
    row.codes.append(process.wait())
    check(row.codes[-1] == 75, f"stops with {row.codes[-1]}, not 75: {process.message()}")
    row.message = process.message()
    row.left = command.left(work)
    runs = [command.run(work)] if command.name == "train" else command.runs(work)
    for run in runs:
        # The newest by its time is the oldest by its step.
        for age, name in enumerate(reversed(checkpoints(run))):
            folder = os.path.join(run, "checkpoints", name)
            for path in [folder, *(os.path.join(folder, file) for file in os.listdir(folder))]:
                os.utime(path, (1_000_000_000 + age * DAY,) * 2)
    turn(-30 * DAY)
    newest = max(int(name.split("-")[1]) for run in runs for name in checkpoints(run))
    process = ground.call(command.again(work), **how)
    row.codes.append(process.wait())
    check(row.codes[-1] == 0, f"goes on with {row.codes[-1]}: {process.message()}")
    check(command.result(work) == ground.reference[command.name], "other bits than undisturbed")
    row.same = "yes"
    said = process.out() + process.err()
    if command.name == "train":
        check(f"going on from step {newest} " in said, f"does not go on from step {newest}: {said[:300]}")
    check(not seconds_in(said), f"negative times: {seconds_in(said)}")
    for run in runs:
        whole.times(os.path.join(run, "record.jsonl"))
    page = os.path.join(place, "page.html")
    check(ground.call(["report", *runs, "--output", page], **how).wait() == 0, "no report of these runs")


def named_by_the_clock(ground, _command, place):
    """Two runs whose folders have the same name, since the clock went back: the second is refused, the first stays."""
    row, clock = ground.row, Clock(place)
    work = os.path.join(place, "work")
    os.makedirs(work)
    clock.turn("=1700000000")
    arguments = ["train", *NETWORK, "--train-images", "500", "--epochs", "1", "--plain"]
    for expected in (0, 2):
        process = ground.call(arguments, cwd=work, **clock.how)
        row.codes.append(process.wait())
        check(row.codes[-1] == expected, f"ends with {row.codes[-1]}, not {expected}: {process.message()}")
        runs = os.path.join(work, "runs")
        files = {n: os.stat(os.path.join(p, n)).st_mtime_ns for p, _, names in os.walk(runs) for n in names}
        if expected == 0:
            first = files
    check(files == first, "the second run has touched the first")
    row.message, row.left = process.message(), "the first run, untouched"
