"""The folder is removed while the command works in it: a clear end, and no half folder in its place."""

import os
import shutil
import time

from .ground import check

FAULT = "vanished folder"


def outcomes(command):
    if command.name == "report":
        return [("vanished folder of the page", vanished_page), ("vanished runs", vanished_runs)]
    found = [(FAULT, vanished)]
    if command.name == "compare":
        found.append(("vanished folder of all runs", whole_comparison))
    return found


def vanished_page(ground, command, place):
    row = ground.row
    first = ground.call(command.first(place))
    check(first.wait() == 0, f"no page to begin with: {first.message()}")
    shutil.rmtree(command.folder(place))
    process = ground.call(["report", command.runs, "--output", command.page(place)])
    ended(row, process, [2])
    row.left = command.left(place)
    check(row.left == "no page", f"there is {row.left}")
    ground.finish(command, place)


def vanished(ground, command, place):
    row = ground.row
    process = ground.call(command.first(place))
    process.until_share(command, place, 0.2)
    folder = command.folder(place)
    shutil.rmtree(folder, ignore_errors=True)
    # What the process wrote meanwhile may have kept the folder.
    shutil.rmtree(folder, ignore_errors=True)
    ended(row, process, {"train": [2], "compare": [1], "data fetch": [1]}[command.name])
    check(not os.path.exists(folder), f"there is something at {folder} again: {tree(folder)}")
    row.left = command.left(place)
    ground.finish(command, place)


def whole_comparison(ground, command, place):
    """Plan, runs and logs are gone: nothing is begun in their place."""
    row = ground.row
    process = ground.call(command.first(place))
    process.until_share(command, place, 0.2)
    for _ in range(2):
        shutil.rmtree(command.output(place), ignore_errors=True)
    ended(row, process, [1, 2])
    check(not os.path.exists(command.output(place)), f"there is something again: {tree(command.output(place))}")
    row.left = command.left(place)
    ground.finish(command, place)


def vanished_runs(ground, command, place):
    """Runs that go while they are read: the page is whole, or there is an error that names what went."""
    row = ground.row
    whole = 0
    for number in range(6):
        runs = os.path.join(place, f"runs-{number}")
        page = os.path.join(place, f"page-{number}.html")
        shutil.copytree(command.runs, runs)
        process = ground.call(["report", runs, "--output", page])
        time.sleep(number / 6 * ground.seconds[command.name])
        shutil.rmtree(runs)
        code = process.wait()
        row.codes.append(code)
        if code == 0:
            whole += 1
            check(open(page).read().rstrip().endswith("</html>"), "half a page")
        else:
            check(code == 2 and runs in process.err(), f"ends with {code}: {process.err()}")
            check(not os.path.exists(page), "a page in spite of the error")
            row.message = process.message()
    row.left = f"{whole} whole pages, otherwise none"


def ended(row, process, allowed):
    code = process.wait()
    row.codes.append(code)
    row.message = process.message()
    check(code in allowed, f"ends with {code}, not {allowed}: {row.message}")
    # A comparison points to the words of its runs.
    check("No such file" in process.err() or "removed" in process.err(), f"unclear: {process.err()}")


def tree(folder):
    return [os.path.join(path, name) for path, _, names in os.walk(folder) for name in names]
