"""Processes started, watched and ended; what a fault comes to."""

import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass, field

# Longer than any call here takes on a busy machine; a process that is still there then hangs.
LONGEST = 180


class Wrong(Exception):
    """Something is not as it should be."""


def check(holds, problem):
    if not holds:
        raise Wrong(problem)


@dataclass
class Outcome:
    """A row of the table."""

    fault: str
    command: str
    codes: list = field(default_factory=list)
    message: str = ""
    left: str = ""
    same: str = ""
    wrong: str = ""


class Process:
    """A call of the command, in a group of its own, with its output in files."""

    count = 0

    def __init__(self, ground, arguments, before=(), cwd=None, **environment):
        Process.count += 1
        base = os.path.join(ground.logs, f"{Process.count:04}")
        self.paths = base + ".out", base + ".err"
        self.arguments = arguments
        with open(self.paths[0], "wb") as out, open(self.paths[1], "wb") as err:
            self.child = subprocess.Popen(
                [*before, ground.anact, "--threads", "1", *arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=cwd, start_new_session=True,
                env={**os.environ, "RUST_BACKTRACE": "0", **environment},
            )
        self.pid = self.child.pid
        self.start = time.monotonic()

    def is_over(self):
        return self.child.poll() is not None

    def wait(self, longest=LONGEST):
        """The exit code; minus the signal, if one ended it."""
        try:
            self.child.wait(longest)
        except subprocess.TimeoutExpired:
            self.end_group()
            raise Wrong(f"still there after {longest} s: {' '.join(self.arguments)}") from None
        self.seconds = time.monotonic() - self.start
        # The children of a sweep end by their pipe; what they write may come a moment later.
        end = time.monotonic() + longest
        while group(self.pid):
            check(time.monotonic() < end, f"children are still there: {' '.join(self.arguments)}")
            time.sleep(0.02)
        return self.child.returncode

    def until(self, what, condition, longest=60):
        """Waits for a condition, while the process is at work."""
        end = time.monotonic() + longest
        while not condition():
            check(not self.is_over(), f"ended with {self.child.returncode} before {what}: {self.message()}")
            check(time.monotonic() < end, f"no {what} after {longest} s")
            time.sleep(0.005)

    def until_share(self, command, place, share):
        """Waits until a share of the command's work is done."""
        self.until(f"{share:.0%} of the work", lambda: command.progress(place) >= share * command.total)

    def end_group(self):
        """Ends it and all that it started, also what is stopped."""
        while found := group(self.pid):
            for pid in found:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.child.poll()
            time.sleep(0.01)
        self.child.wait()

    def out(self):
        return text(self.paths[0])

    def err(self):
        return text(self.paths[1])

    def message(self):
        """The line that says what was wrong."""
        lines = [line.strip() for line in self.err().splitlines() if line.strip()]
        for pattern in [r"^anact: ", r"^memory allocation", r"panicked at"]:
            for i, line in enumerate(lines):
                if re.search(pattern, line):
                    # A panic's words stand in the line after the place.
                    return " ".join(lines[i : i + 2]) if "panicked" in line else line
        return lines[-1] if lines else ""


def text(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def group(leader):
    """The living processes of a session that was started with `leader`."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == leader and fields[0] not in "ZX":
            found.append(int(name))
    return found


class Mount:
    """A file system in memory of `size`, e.g. "8m"."""

    def __init__(self, path, size):
        self.path = path
        os.makedirs(path)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for lazy in [], ["-l"]:
            if subprocess.run(["umount", *lazy, self.path], stderr=subprocess.DEVNULL).returncode == 0:
                break

    def remount(self, how):
        subprocess.run(["mount", "-o", f"remount,{how}", self.path], check=True)

    def leave_room(self, room):
        """Fills it but for `room` bytes with a file that is returned."""
        status = os.statvfs(self.path)
        ballast = os.path.join(self.path, "ballast")
        with open(ballast, "wb") as file:
            file.write(bytes(max(0, status.f_bavail * status.f_frsize - room)))
        return ballast


@dataclass
class Ground:
    """Where everything happens."""

    anact: str
    folder: str
    commands: list
    # What each command leaves when nobody disturbs it, and the seconds it takes, by its name.
    reference: dict = field(default_factory=dict)
    seconds: dict = field(default_factory=dict)
    # The row that is being made, so that what was seen before something was wrong is in the table.
    row: Outcome = None
    processes: list = field(default_factory=list)

    @property
    def logs(self):
        return os.path.join(self.folder, "output")

    def new(self, name):
        """A folder that is not there yet; its name is taken only once."""
        path = os.path.join(self.folder, f"{len(os.listdir(self.folder)):03}-{name.replace(' ', '-')}")
        os.makedirs(path)
        return path

    def call(self, arguments, **how):
        process = Process(self, arguments, **how)
        self.processes.append(process)
        return process

    def end_processes(self):
        """Ends what was started and is still there."""
        while self.processes:
            self.processes.pop().end_group()

    def finish(self, command, place, **how):
        """Goes on until the command is done, and compares what it leaves with what it leaves undisturbed."""
        process = self.call(command.again(place), **how)
        code = process.wait()
        self.row.codes.append(code)
        check(code == command.end, f"goes on with exit code {code}, not {command.end}: {process.message()}")
        whole = command.left(place)
        check(command.result(place) == self.reference[command.name], "other bits than undisturbed")
        self.row.same = "yes"
        return whole
