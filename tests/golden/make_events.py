"""Writes events/torch.tfevents: an event file by torch's own writer, which tests compare with ours field by field.

    python3 -m pip install torch tensorboard pillow && python3 make_events.py
"""

import pathlib
import tempfile

import numpy
from torch.utils.tensorboard import SummaryWriter

TARGET = pathlib.Path(__file__).parent / "events" / "torch.tfevents"
# Of the values, sums and sums of squares are exact in any order.
ADJACENT = numpy.array([1.0, 1.0625, 1.125, 1.1875, 1.25, 1.3125])
SPREAD = numpy.array([-1.5, -0.5, -0.25, 0.0, 0.0, 2.0**-8, 0.25, 0.25, 1.75]) * 2.0**-37
TIME = 1_700_000_000.25

with tempfile.TemporaryDirectory() as folder:
    writer = SummaryWriter(folder)
    writer.add_scalar("loss/train", 0.1, 3, walltime=TIME)
    writer.add_scalar("loss/train", -1.5e-30, 300, walltime=TIME)
    writer.add_scalar("loss/train", 0.0, 2**40, walltime=TIME)
    writer.add_scalar("loss/train", float("nan"), 2**40 + 1, walltime=TIME)
    writer.add_scalar("loss/train", float("-inf"), 2**40 + 2, walltime=TIME)
    writer.add_histogram("adjacent", ADJACENT, 7, bins="tensorflow", walltime=TIME)
    writer.add_histogram("spread", SPREAD, 8, bins="tensorflow", walltime=TIME)
    picture = numpy.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[0, 0, 0], [9, 8, 7], [255, 255, 255]]], "uint8")
    writer.add_image("é", picture, 9, walltime=TIME, dataformats="HWC")
    writer.close()
    (written,) = pathlib.Path(folder).iterdir()
    TARGET.write_bytes(written.read_bytes())
