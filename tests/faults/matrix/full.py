"""A file system that becomes full under the command; room is made, and it goes on."""

import os
import re

from .ground import Mount, check

FAULT = "full disk"

# Room in bytes: for a few checkpoints, one run of two, half of the archive, half of the page.
ROOM = {"train": 1_900_000, "compare": 2_600_000, "data fetch": 1_500_000, "report": 60_000}


def outcomes(_command):
    return [(FAULT, full)]


def full(ground, command, place):
    row = ground.row
    with Mount(os.path.join(place, "mount"), "12m") as mount:
        # The old page is there before.
        arguments = command.first(mount.path)
        ballast = mount.leave_room(ROOM[command.name])
        process = ground.call(arguments)
        code = process.wait()
        row.codes.append(code)
        row.message = process.message()
        said = process.err()
        # A comparison goes on with its other runs and says how many failed.
        expected = 1 if command.name == "compare" else 2
        check(code == expected, f"ends with {code}, not {expected}: {row.message}")
        check("No space left" in said or "disk is full" in said, f"does not say that the disk is full: {said}")
        # The file that was being written, and what to do about it.
        check(re.search(re.escape(mount.path) + r"/\S+", said), f"does not name the file: {said}")
        check(re.search(r"\b(make room|with room made)\b", said), f"does not say what to do: {said}")
        row.left = command.left(mount.path)
        if command.name == "report":
            check(row.left == "the old page", f"there is {row.left}, not the old page")
        else:
            # A run that lost all of its checkpoints would come to the same bits, from the beginning.
            check(command.progress(mount.path) > 0, "nothing to go on from is left")
        os.remove(ballast)
        if command.name == "data fetch":
            have, command.server.ranges = len(command.part(mount.path)), []
            ground.finish(command, mount.path)
            command.check_ranges(have)
        else:
            ground.finish(command, mount.path)
