#!/usr/bin/env python3
"""Write a checkpoint as version 1 lays it out, from the description of the format alone.

  python3 make_checkpoint.py          # rewrites checkpoint/step-0000000300-epoch-00002/

The envelope is that of bench-harness/src/checkpoint/envelope.rs; the state inside is bincode 2 in its standard configuration
(https://github.com/bincode-org/bincode/blob/v2.0.1/docs/spec.md): integers of variable length, f64 of 8 bytes, all
little-endian; a sequence after its length, fields and arrays one after the other. The weights are a safetensors file. No program
of this repository is involved.
"""

import hashlib, json, os, struct


def integer(x):
    for limit, mark, code in [(251, b"", "<B"), (1 << 16, b"\xfb", "<H"), (1 << 32, b"\xfc", "<I"), (1 << 64, b"\xfd", "<Q")]:
        if x < limit:
            return mark + struct.pack(code, x)


def real(x):
    return struct.pack("<d", x)


def text(x):
    return integer(len(x.encode())) + x.encode()


def sequence(items):
    return integer(len(items)) + b"".join(items)


def some(x):
    return b"\1" + x


def metrics(loss, accuracy):
    return real(loss) + real(accuracy)


def epoch(number, train, validation, lr, seconds, waited, rate):
    held = some(metrics(*validation)) if validation else b"\0"
    return integer(number) + metrics(*train) + held + b"".join(map(real, (lr, seconds, waited, rate)))


values = struct.pack("<4f", 0.5, -0.0, 1.0, 2.0**-149)
header = json.dumps({"fc.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}, separators=(",", ":")).encode()
header += b" " * (-len(header) % 8)
weights = struct.pack("<Q", len(header)) + header + values

state = b"".join([
    text("0.1.0"),                                              # version
    text('{"model":"cnn","note":"ρ′"}'),                        # settings
    text("cifar10"),                                            # data: name, images, samples, normalisation
    b"".join(map(integer, (45_000, 5_000, 10_000))),
    bytes(range(32)),
    sequence([real(0.5) + real(0.25), real(-0.0) + real(1e300)]),
    integer(300), integer(2), integer(250),                     # position: step, epoch, batch
    real(16_000.0), real(70.0), integer(32_000),                    # its tally: loss, correct, samples
    real(1.5), real(0.125),                                     # its seconds, waited
    sequence([
        epoch(1, (2.25, 0.25), (2.0, 0.3125), 0.1, 60.5, 0.5, 750.0),
        epoch(2, (1.25, 0.5), None, 0.05, 61.0, 0.25, 740.0),
    ]),
    some(integer(1) + real(0.3125) + real(2.0) + text("ab" * 32)),  # best: epoch, accuracy, loss, weights_sha256
    integer(70_000_000_000),                                    # record_bytes
    sequence([text("weights.safetensors") + hashlib.sha256(weights).digest()]),
])
envelope = b"ANCKPT\0" + struct.pack("<HBQ", 1, 1, len(state)) + state
folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "checkpoint", "step-0000000300-epoch-00002")
os.makedirs(folder, exist_ok=True)
for name, data in [("state", envelope + hashlib.sha256(envelope).digest()), ("weights.safetensors", weights)]:
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)
