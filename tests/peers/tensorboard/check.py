#!/usr/bin/env python3
"""Read ANAct's event files with TensorBoard and compare every number with the run's record.

    pip install tensorboard pillow
    python3 check.py path/to/anact [--folder KEEP]

README.md beside this file describes what is compared. Exit code 1 if anything differs.
"""

import argparse
import csv
import io
import json
import math
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import time

from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

OPTIONS = """--model resnet8 --width 4 --activation nswish --train-images 500 --test-images 100 --batch 20 --epochs 3
    --inspect-every 15 --checkpoint-steps 4 --mixup 0.4 --augment --seed 3""".split()

problems = []


def expect(is_right, what):
    if not is_right:
        problems.append(what)


def single(x):
    """The number as an event holds it."""
    return struct.unpack("<f", struct.pack("<f", x))[0]


def kill_and_resume(anact, run):
    """A run that is killed between two checkpoints, whose event file ends in half a record, and that goes on."""
    train = [anact, "train"]
    child = subprocess.Popen([*train, *OPTIONS, "--log", "csv,tensorboard", "--output", run], stdout=subprocess.DEVNULL)
    steps = run / "steps.csv"
    # In the second epoch, and not at a checkpoint.
    while child.poll() is None:
        taken = len(steps.read_text().splitlines()) - 1 if steps.exists() else 0
        if taken > 30 and taken % 4:
            child.send_signal(signal.SIGKILL)
            break
        time.sleep(0.001)
    expect(child.wait() == -signal.SIGKILL, "the run was over before it could be killed")
    (events,) = (run / "tensorboard").iterdir()
    written = events.read_bytes()
    events.write_bytes(written + written[:20])
    # And once more, when it is over: the test is made again.
    for _ in range(2):
        subprocess.run([*train, "--resume", run], check=True, stdout=subprocess.DEVNULL)


def scalars(events):
    """By tag, the values by step; none may stand there twice."""
    found = {}
    for tag in events.Tags()["scalars"]:
        values = found.setdefault(tag, {})
        for event in events.Scalars(tag):
            expect(event.step not in values, f"{tag} at {event.step}: two values")
            values[event.step] = event.value
    return found


def compare(tag, found, wanted):
    """The same steps and the same numbers."""
    expect(sorted(found) == sorted(wanted), f"{tag}: steps {sorted(found)}, want {sorted(wanted)}")
    for step in found.keys() & wanted.keys():
        expect(found[step] == single(wanted[step]), f"{tag} at {step}: {found[step]}, want {wanted[step]}")
    return len(wanted)


def wanted_scalars(record, steps):
    """What the record says, under the tags and at the steps that events have."""
    start = next(line for line in record if line["kind"] == "start")
    per_epoch, last = start["steps_per_epoch"], max(steps)
    wanted = {}

    def put(tag, step, value):
        if value is not None:
            wanted.setdefault(tag, {})[step] = value

    for line in record:
        if line["kind"] == "epoch":
            # What is known after an epoch's last step only stands one step further.
            at = line["epoch"] * per_epoch + 1
            for part in ("train", "validation"):
                for what, value in (line[part] or {}).items():
                    put(f"{what}/{part}", at, value)
            put("lr/train", at, line["lr"])
            put("images_per_s/train", at, line["images_per_s"])
            put("seconds/train", at, line["seconds"])
            put("data_wait_s/train", at, line["waited"])
        if line["kind"] == "layers" and line["when"] == "training":
            for row in line["rows"]:
                for tag, key in (("lambda", "kappa"), ("delta2", "delta"), ("weight_gradient2", "weight_gradient")):
                    put(f"{tag}/{row['layer']}", line["step"] + 1, row["measured"][key])
        if line["kind"] == "result":
            put("loss/test", last + 1, line["test"]["loss"])
            put("accuracy/test", last + 1, line["test"]["accuracy"])
            put("accuracy/test_top5", last + 1, line["test"]["top5"])
    looked_at = {line["step"] + 1 for line in record if line["kind"] == "layers" and line["when"] == "training"}
    for step, row in steps.items():
        if step % 10 == 0 or step in looked_at:
            put("loss/step", step, float(row["loss"]))
            put("lr/step", step, float(row["lr"]))
            put("images_per_s/step", step, float(row["images_per_s"]))
    return wanted, looked_at


def check_histograms(events, record, looked_at):
    rows = {
        (line["step"] + 1, row["layer"]): row["measured"]["weight_gradient"]
        for line in record
        if line["kind"] == "layers" and line["when"] == "training"
        for row in line["rows"]
    }
    parameters = next(line["parameters"] for line in record if line["kind"] == "start")
    elements = {}
    compared = 0
    for tag in events.Tags()["histograms"]:
        found = events.Histograms(tag)
        expect({event.step for event in found} == looked_at, f"{tag}: steps {[event.step for event in found]}")
        for event in found:
            h = event.histogram_value
            elements[event.step] = elements.get(event.step, 0) + h.num
            expect(sum(h.bucket) == h.num, f"{tag} at {event.step}: buckets hold {sum(h.bucket)} of {h.num}")
            layer = tag.removeprefix("gradient/").removesuffix(".weight")
            wanted = rows.get((event.step, layer))
            if wanted is not None and tag.endswith(".weight"):
                compared += 1
                found_mean = h.sum_squares / h.num
                expect(math.isclose(found_mean, wanted, rel_tol=1e-5), f"{tag} at {event.step}: {found_mean}, want {wanted}")
    for step in looked_at:
        expect(elements.get(step) == parameters, f"histograms at {step} hold {elements.get(step)} of {parameters} elements")
    expect(compared == len(rows), f"{compared} of {len(rows)} weights have a histogram")
    return compared


def check_images(events, last):
    expect(sorted(events.Tags()["images"]) == ["confusion", "first_batch"], f"images: {events.Tags()['images']}")
    for tag, step in (("first_batch", 0), ("confusion", last + 1)):
        (image,) = events.Images(tag)
        picture = Image.open(io.BytesIO(image.encoded_image_string))
        picture.load()
        expect(image.step == step, f"{tag} is at step {image.step}, want {step}")
        expect(picture.size == (image.width, image.height), f"{tag}: {picture.size} is not {image.width, image.height}")


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("anact", type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("--folder", help="where the runs are kept")
    arguments = parser.parse_args()
    folder = pathlib.Path(arguments.folder or tempfile.mkdtemp())
    run, plain = folder / "logged", folder / "plain"
    kill_and_resume(arguments.anact, run)
    subprocess.run([arguments.anact, "train", *OPTIONS, "--output", plain], check=True, stdout=subprocess.DEVNULL)
    record, other = ([json.loads(line) for line in open(path / "record.jsonl")] for path in (run, plain))
    expect(record[-1]["weights_sha256"] == other[-1]["weights_sha256"], "logs changed the weights")

    steps = rows(run / "steps.csv")
    numbers = [int(row["step"]) for row in steps]
    expect(numbers == list(range(1, len(numbers) + 1)), f"steps.csv: steps {numbers}")
    steps = {int(row["step"]): row for row in steps}
    epochs = [line for line in record if line["kind"] == "epoch"]
    for row, line in zip(rows(run / "epochs.csv"), epochs, strict=True):
        for key, value in (("epoch", line["epoch"]), ("train_loss", line["train"]["loss"]), ("lr", line["lr"])):
            expect(float(row[key]) == value, f"epochs.csv, epoch {row['epoch']}: {key} is {row[key]}, want {value}")

    # A size of 0 keeps every event.
    events = EventAccumulator(str(run / "tensorboard"), size_guidance=dict.fromkeys(("scalars", "histograms", "images"), 0))
    events.Reload()
    files = len(list((run / "tensorboard").iterdir()))
    expect(files == 3, f"{files} event files, want 3")
    wanted, looked_at = wanted_scalars(record, steps)
    found = scalars(events)
    expect(found.keys() == wanted.keys(), f"tags: {sorted(found.keys() ^ wanted.keys())} are on one side only")
    compared = sum(compare(tag, found.get(tag, {}), wanted[tag]) for tag in wanted)
    weights = check_histograms(events, record, looked_at)
    check_images(events, max(steps))
    print(f"{compared} scalars under {len(wanted)} tags, {weights} histograms of weights, 2 images, {len(steps)} rows of steps")
    for problem in problems:
        print("DIFFERS:", problem)
    print("TensorBoard reads what the record says" if not problems else f"{len(problems)} differences")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
