"""The commands that are disturbed. Each knows how it is called, how it goes on, and what it leaves.

`place` is a folder of its own. `progress` says how far it is, up to `total`; `left` fails if anything there is half; `result` is what
has to have the same bits.
"""

import hashlib
import os
import re
import shutil

from . import whole
from .ground import check
from .server import Server

# Steps between checkpoints.
EVERY = 7
NETWORK = ["--model", "mlp", "--width", "96", "--batch", "50", "--test-images", "100", "--checkpoint-steps", str(EVERY)]
RUN = [*NETWORK, "--train-images", "1000", "--activation", "nrelu", "--epochs", "40", "--seed", "1", "--inspect-every", "50"]


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def checkpoints(run):
    """Names of the checkpoints, oldest first."""
    try:
        return sorted(name for name in os.listdir(os.path.join(run, "checkpoints")) if name.startswith("step-"))
    except FileNotFoundError:
        return []


def step(run):
    found = checkpoints(run)
    return int(found[-1].split("-")[1]) if found else -1


class Train:
    name = "train"
    end = 0

    def run(self, place):
        return os.path.join(place, "run")

    def prepare(self, ground, place):
        pass

    def first(self, place):
        return ["train", *RUN, "--plain", "--output", self.run(place)]

    def again(self, place):
        # Without a checkpoint there is nothing to resume, and a run that is not there is begun.
        if checkpoints(self.run(place)):
            return ["train", "--plain", "--resume", self.run(place)]
        shutil.rmtree(self.run(place), ignore_errors=True)
        return self.first(place)

    # Another process that wants the same.
    def rival(self, place):
        return ["train", "--plain", "--resume", self.run(place)]

    total = 720

    def progress(self, place):
        return step(self.run(place))

    def folder(self, place):
        """What a vanished folder takes with it."""
        return self.run(place)

    def left(self, place):
        run = self.run(place)
        if not os.path.exists(run):
            return "no folder"
        whole.files(run)
        found = checkpoints(run)
        at = f", {len(found)} checkpoints, the newest of step {step(run)}" if found else ""
        return f"every file whole{at}"

    def result(self, place):
        run = self.run(place)
        lines = whole.whole(os.path.join(run, "record.jsonl"))
        # A run that was resumed has the same epochs and the same end; times differ.
        numbers = [(line["epoch"], line["train"], line["validation"]) for line in lines if line["kind"] == "epoch"]
        layers = [line for line in lines if line["kind"] == "layers"]
        test = [line["test"] for line in lines if line["kind"] == "result"]
        check(len(test) == 1, f"{len(test)} results in the record")
        left = [name for folder in (run, os.path.join(run, "checkpoints")) for name in os.listdir(folder) if name.endswith(".tmp")]
        check(not left, f"what was being written is left: {left}")
        return [sha256(os.path.join(run, f)) for f in ["weights.safetensors", "best.safetensors"]], numbers, layers, test


class Compare:
    name = "compare"
    end = 0

    def prepare(self, ground, place):
        pass

    def output(self, place):
        return os.path.join(place, "comparison")

    def runs(self, place):
        folder = os.path.join(self.output(place), "runs")
        names = os.listdir(folder) if os.path.isdir(folder) else []
        return sorted(os.path.join(folder, n) for n in names if os.path.isdir(os.path.join(folder, n)))

    def first(self, place):
        options = [*NETWORK, "--train-images", "500", "--epochs", "20"]
        return ["compare", "--activations", "relu,nrelu", "--seeds", "1", *options, "--output", self.output(place)]

    again = first

    def rival(self, place):
        return ["run", "--plan", os.path.join(self.output(place), "plan.toml"), "--index", "1"]

    total = 360

    def progress(self, place):
        runs = self.runs(place)
        return sum(map(step, runs)) if runs else -1

    def folder(self, place):
        return self.runs(place)[0]

    def left(self, place):
        if not os.path.exists(self.output(place)):
            return "no folder"
        whole.files(self.output(place))
        steps = "; ".join(f"{os.path.basename(run)} at step {step(run)}" for run in self.runs(place))
        return f"every file whole: {steps or 'no run'}"

    def result(self, place):
        return [sha256(os.path.join(run, "weights.safetensors")) for run in self.runs(place)]


class Fetch:
    """Of the archive that a server here has; its bytes are none of the official ones, so that in the end it lies beside, whole,
    as rejected, and no file has the official name."""

    name = "data fetch"
    end = 1

    FILE = "train-images-idx3-ubyte.gz"

    def prepare(self, ground, place):
        self.server = Server()

    def to(self, place):
        return os.path.join(place, "data")

    def first(self, place):
        patience = ["--attempts", "2", "--stall-timeout", "20"]
        return ["data", "fetch", "kmnist", "--to", self.to(place), "--url", self.server.url, *patience]

    again = rival = first

    def path(self, place, ending=""):
        return os.path.join(self.to(place), self.FILE + ending)

    def part(self, place):
        try:
            with open(self.path(place, ".part"), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""

    @property
    def total(self):
        return len(self.server.content)

    def progress(self, place):
        return os.path.getsize(self.path(place, ".part")) if os.path.exists(self.path(place, ".part")) else 0

    def folder(self, place):
        return self.to(place)

    def left(self, place):
        check(not os.path.exists(self.path(place)), "a file that is not the official one has its name")
        part = self.part(place)
        check(self.server.content.startswith(part), "the part is no beginning of what the server has")
        rejected = self.path(place, ".rejected")
        if os.path.exists(rejected):
            check(sha256(rejected) == hashlib.sha256(self.server.content).hexdigest(), "other bytes than the server's")
            return "all bytes, as rejected"
        if not os.path.exists(self.to(place)):
            return "no folder"
        return f"a beginning of {len(part) >> 10} KiB" if part else "nothing"

    def result(self, place):
        return sha256(self.path(place, ".rejected"))

    def check_ranges(self, have):
        """The first answer after a fault has to begin where the part ended."""
        asked = self.server.ranges[0] if self.server.ranges else None
        check(asked == have, f"asked for bytes from {asked}, with {have} there")


class Report:
    name = "report"
    end = 0

    def prepare(self, ground, place):
        """Finished runs, and a page of theirs under another title: the old page."""
        if not hasattr(self, "runs"):
            self.runs = os.path.join(ground.folder, "finished")
            options = [*NETWORK, "--train-images", "500", "--epochs", "4", "--inspect-every", "5"]
            arguments = ["compare", "--activations", "relu,nrelu,swish,nswish", "--seeds", "2", *options]
            code = ground.call([*arguments, "--output", self.runs]).wait()
            check(code == 0, f"the runs to report end with {code}")
        self.old = os.path.join(ground.folder, "old.html")
        if not os.path.exists(self.old):
            check(ground.call(["report", self.runs, "--title", "old", "--output", self.old]).wait() == 0, "no old page")

    def page(self, place):
        return os.path.join(place, "pages", "report.html")

    def first(self, place):
        os.makedirs(os.path.dirname(self.page(place)), exist_ok=True)
        if not os.path.exists(self.page(place)):
            try:
                shutil.copy(self.old, self.page(place))
            except OSError:
                pass
        return ["report", self.runs, "--output", self.page(place)]

    again = first

    def progress(self, place):
        raise NotImplementedError("a page is there or not")

    def folder(self, place):
        return os.path.dirname(self.page(place))

    def left(self, place):
        if not os.path.exists(self.page(place)):
            return "no page"
        data = whole.whole(self.page(place))
        return "the old page" if b"<title>old</title>" in data else "the new page"

    def result(self, place):
        return sha256(self.page(place))


def all_commands():
    return [Train(), Compare(), Fetch(), Report()]


def seconds_in(text):
    """Negative times in something that people read."""
    return re.findall(r"-\d+(?:\.\d+)? ?(?:s|min|h)\b", text)
