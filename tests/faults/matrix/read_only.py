"""A file system that is read-only: before the command begins, and for what it would go on with."""

import os
import signal

from .ground import Mount, Outcome, check

FAULT = "read-only folder"


def outcomes(ground, command, place):
    row = ground.row
    with Mount(os.path.join(place, "mount"), "16m") as mount:
        arguments = command.first(mount.path)
        mount.remount("ro")
        refused(ground, row, command, arguments)
        row.left = command.left(mount.path)
        if command.name != "report":
            check(not os.listdir(mount.path), "something is there")
        mount.remount("rw")
        if command.name in ("train", "compare"):
            # What was stopped in the middle cannot go on, and nothing of it is touched.
            process = ground.call(command.first(mount.path))
            process.until_share(command, mount.path, 0.2)
            os.kill(process.pid, signal.SIGTERM)
            code = process.wait()
            check(code == 75, f"stops with {code}, not 75: {process.message()}")
            mount.remount("ro")
            row.same = "(nothing was begun)"
            yield row
            ground.row = row = Outcome("read-only folder of a stopped run", command.name)
            refused(ground, row, command, command.again(mount.path))
            row.left = command.left(mount.path)
            mount.remount("rw")
        ground.finish(command, mount.path)
        yield row
        if command.name == "compare":
            mount.remount("ro")
            ground.row = row = Outcome("read-only folder with runs", "report, eval")
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
            yield row


def refused(ground, row, command, arguments):
    process = ground.call(arguments)
    code = process.wait()
    row.codes.append(code)
    row.message = process.message()
    # Where a comparison finds its plan, it is its runs that fail.
    allowed = [1, 2] if command.name == "compare" else [2]
    check(code in allowed, f"ends with {code}, not 2: {row.message}")
    check("Read-only" in process.err(), f"does not say that it is read-only: {process.err()}")
