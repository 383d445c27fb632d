"""Less address space than is wanted: from the beginning, at limits between what the program alone takes and what the command does,
and from the middle on."""

import os
import resource
import subprocess

from . import whole
from .ground import check, group

FAULT = "memory limit"
# Limits besides those by which the least is found that is enough.
LIMITS = 5
MIB = 1 << 20


def outcomes(command):
    found = [(FAULT, from_the_beginning)]
    if command.name == "train":
        found.append(("memory limit below the plan", foretold))
    if command.name != "report":
        found.append(("memory limit, from the middle on", from_the_middle))
    return found


def from_the_beginning(ground, command, place):
    row = ground.row
    tried = []

    def try_with(limit):
        """Whether the command is done within so many MiB; whatever happens has to be in order."""
        work = os.path.join(place, f"limit-{limit}")
        os.makedirs(work)
        process = ground.call(command.first(work), before=["prlimit", f"--as={limit * MIB}"])
        code = process.wait()
        judge(row, command, process, code)
        left = command.left(work)
        is_done = succeeded(command, process, code)
        if not is_done:
            row.left = left
        tried.append(code)
        ground.finish(command, work)
        return is_done

    floor = program_alone(ground)
    low, high = floor, 1024
    while high - low > 2:
        # The middle by ratio, since a gigabyte is far more than anything here takes.
        middle = min(high - 1, max(low + 1, round((low * high) ** 0.5)))
        low, high = (low, middle) if try_with(middle) else (middle, high)
    for number in range(LIMITS):
        limit = floor + round((low - floor) * (number + 0.5) / LIMITS)
        if not os.path.exists(os.path.join(place, f"limit-{limit}")):
            try_with(limit)
    row.codes = [f"{code} ({tried.count(code)}x)" for code in sorted(set(tried))]
    row.message = f"{row.message or '(nothing fails)'} (wants {high} MiB, the program alone {floor})"


def from_the_middle(ground, command, place):
    row = ground.row
    work = os.path.join(place, "middle")
    os.makedirs(work)
    process = ground.call(command.first(work))
    # A run with a checkpoint, a download with bytes.
    process.until_share(command, work, 0.1 if command.name == "data fetch" else 0.0)
    before = command.progress(work)
    for pid in group(process.pid):
        # No more than it has.
        with open(f"/proc/{pid}/statm") as file:
            pages = int(file.read().split()[0])
        resource.prlimit(pid, resource.RLIMIT_AS, (pages * os.sysconf("SC_PAGESIZE"),) * 2)
    code = process.wait()
    judge(row, command, process, code)
    row.codes.append(code)
    row.left = command.left(work)
    row.message = row.message or "(has what it needs)"
    if not succeeded(command, process, code):
        check(command.progress(work) >= before, f"less than before is left: {command.progress(work)} of {before}")
    ground.finish(command, work)


def foretold(ground, _command, place):
    """A step that is known to take more than there is: said before it is taken."""
    row = ground.row
    work = os.path.join(place, "foretold")
    options = ["--model", "resnet8", "--batch", "128", "--train-images", "256", "--test-images", "100", "--epochs", "1"]
    arguments = ["train", *options, "--plain", "--output", work]
    process = ground.call(arguments, before=["prlimit", f"--as={120 * MIB}"])
    row.codes.append(process.wait())
    said = process.err()
    check(row.codes[-1] == -6, f"ends with {row.codes[-1]}: {said}")
    notes = [line for line in said.splitlines() if line.startswith("note: this run will take")]
    check(notes and "memory allocation" in said, f"does not foretell it: {said}")
    row.message = notes[0]
    row.left = f"every file whole: {whole.files(work)} files"
    row.codes.append(ground.call(["train", *options, "--plain", "--output", work + "-free"]).wait())
    check(row.codes[-1] == 0, "does not run without the limit")


def succeeded(command, process, code):
    # Of a download the end is a failure, too, but one of another kind.
    return code == command.end and (command.name != "data fetch" or "rejected" in process.err())


def judge(row, command, process, code):
    if succeeded(command, process, code):
        return
    # What foretells the end is not what says it.
    said = "\n".join(line for line in (process.err() + logs(process)).splitlines() if not line.startswith("note:"))
    # The allocator's abort; an error; a comparison whose runs were aborted.
    check(code in (-6, 1, 2), f"ends with {code}: {said[-800:]}")
    words = ["memory allocation of"] if code == -6 else ["memory", "allocat", "number of threads", "could start 0"]
    check(any(word in said for word in words), f"does not say what was wanted: {said[-800:]}")
    row.message = process.message()


def logs(process):
    """What the runs of a comparison said."""
    text = ""
    arguments = process.arguments
    if arguments[0] == "compare":
        folder = os.path.join(arguments[arguments.index("--output") + 1], "runs")
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            if name.endswith(".log"):
                text += open(os.path.join(folder, name), errors="replace").read()
    return text


def program_alone(ground):
    """The least address space in MiB in which the program says its version."""
    low, high = 4, 256
    while high - low > 1:
        middle = (low + high) // 2
        call = ["prlimit", f"--as={middle * MIB}", ground.anact, "--version"]
        is_enough = subprocess.run(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
        low, high = (low, middle) if is_enough else (middle, high)
    return high
