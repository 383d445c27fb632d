"""Whether files are whole, by their own content: no file is taken for whole because it is there."""

import json
import os
import re
import struct
import tomllib

from .ground import Wrong, check


def safetensors(data):
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    ends = [tensor["data_offsets"][1] for tensor in header.values()]
    return len(data) == 8 + length + max(ends, default=0)


ENDINGS = {
    ".safetensors": safetensors,
    ".json": lambda data: json.loads(data) is not None,
    ".toml": lambda data: tomllib.loads(data.decode()) is not None,
    ".svg": lambda data: data.rstrip().endswith(b"</svg>"),
    ".html": lambda data: data.rstrip().endswith(b"</html>"),
    ".csv": lambda data: data.endswith(b"\n"),
}

# What only grows, and is cut to its last whole line when a run goes on; and what is empty, or a checkpoint's own.
GROWING = {"record.jsonl", "steps.csv"}
# The state of a checkpoint carries its digest, and is judged by the command when it goes on.
OTHERS = {"run.lock", "state"}


def files(folder):
    """Looks at every file of a folder, but for those under temporary names, and says how many there are."""
    count = 0
    for path, folders, names in os.walk(folder):
        # What is half-written begins with a dot and is nobody's.
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.startswith(".") or name.endswith(".log") or name in OTHERS:
                continue
            whole(os.path.join(path, name))
            count += 1
    return count


def whole(path):
    with open(path, "rb") as file:
        data = file.read()
    name = os.path.basename(path)
    if name in GROWING:
        lines = data.split(b"\n")[:-1]
        return [json.loads(line) for line in lines] if name.endswith(".jsonl") else lines
    looks = ENDINGS.get(os.path.splitext(name)[1])
    if looks is None:
        raise Wrong(f"what is {path}?")
    try:
        good = looks(data)
    except (ValueError, struct.error, IndexError) as error:
        raise Wrong(f"{path} is not whole: {error}") from None
    check(good, f"{path} is not whole ({len(data)} bytes)")
    return data


def times(record):
    """Every duration and rate of a record is a number from 0 on, or unknown."""
    with open(record, encoding="utf-8") as file:
        text = file.read()
    found = re.findall(r'"(seconds|waited|images_per_s)":([^,}]+)', text)
    check(found, f"{record} has no times")
    for name, value in found:
        check(value == "null" or float(value) >= 0, f"{record}: {name} is {value}")
    return [float(value) for name, value in found if name == "seconds" and value != "null"]
