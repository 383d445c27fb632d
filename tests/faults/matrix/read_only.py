"""A file system that is read-only: before the command begins, and for what it would go on with."""

import os
import signal

from .ground import Mount, check

FAULT = "read-only folder"


def outcomes(command):
    found = [(FAULT, before_it_begins)]
    if command.name in ("train", "compare"):
        found.append(("read-only folder of a stopped run", stopped_run))
    if command.name == "compare":
        found.append(("read-only folder with runs", runs_to_read))
    return found


def before_it_begins(ground, command, place):
    row = ground.row
    with Mount(os.path.join(place, "mount"), "16m") as mount:
        arguments = command.first(mount.path)
        mount.remount("ro")
        refused(ground, row, command, arguments)
        row.left = command.left(mount.path)
        if command.name == "report":
            check(row.left == "the old page", f"there is {row.left}, not the old page")
        else:
            check(not os.listdir(mount.path), "something is there")
        mount.remount("rw")
        ground.finish(command, mount.path)


def stopped_run(ground, command, place):
    """What was stopped in the middle cannot go on, and nothing of it is touched."""
    row = ground.row
    with Mount(os.path.join(place, "mount"), "16m") as mount:
        process = ground.call(command.first(mount.path))
        process.until_share(command, mount.path, 0.2)
        os.kill(process.pid, signal.SIGTERM)
        code = process.wait()
        check(code == 75, f"stops with {code}, not 75: {process.message()}")
        before = command.progress(mount.path)
        check(before >= 0.2 * command.total, f"it has stopped at {before} of {command.total}")
        mount.remount("ro")
        refused(ground, row, command, command.again(mount.path))
        row.left = command.left(mount.path)
        check(command.progress(mount.path) == before, "something of it was touched")
        mount.remount("rw")
        ground.finish(command, mount.path)


def runs_to_read(ground, command, place):
    row = ground.row
    row.command = "report, eval"
    with Mount(os.path.join(place, "mount"), "16m") as mount:
        code = ground.call(command.first(mount.path)).wait()
        check(code == command.end, f"the runs to read end with {code}")
        mount.remount("ro")
        page = os.path.join(place, "page.html")
        for arguments in (
            ["report", mount.path, "--output", page],
            ["compare", mount.path],
            ["eval", command.runs(mount.path)[0]],
        ):
            process = ground.call(arguments)
            row.codes.append(process.wait())
            check(row.codes[-1] == 0, f"{arguments[0]} cannot read there: {process.message()}")
        row.left, row.message, row.same = "as it was", "(nothing: they only read)", "yes"


def refused(ground, row, command, arguments):
    process = ground.call(arguments)
    code = process.wait()
    row.codes.append(code)
    row.message = process.message()
    # Where a comparison finds its plan, it is its runs that fail.
    allowed = [1, 2] if command.name == "compare" else [2]
    check(code in allowed, f"ends with {code}, not 2: {row.message}")
    check("Read-only" in process.err(), f"does not say that it is read-only: {process.err()}")
