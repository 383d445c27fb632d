#!/usr/bin/env python3
"""The compilers that the dependencies ask for, the newest first; fails if one asks for more than the workspace does.

    tests/package/rust_versions.py
"""
import json
import subprocess
import sys


def version(text):
    return tuple(int(part) for part in text.split(".")) + (0,) * (2 - text.count("."))


def main():
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--all-features"]
    metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    ours = {p["rust_version"] for p in metadata["packages"] if p["source"] is None}
    assert len(ours) == 1, f"the crates of the workspace ask for different compilers: {ours}"
    limit = ours.pop()
    others = [p for p in metadata["packages"] if p["source"] is not None]
    asking = sorted((p for p in others if p["rust_version"]), key=lambda p: version(p["rust_version"]), reverse=True)
    print(f"rust-version of the workspace: {limit}; {len(others)} packages, {len(others) - len(asking)} of which do not say")
    for package in asking[:10]:
        print(f"  {package['rust_version']:8} {package['name']} {package['version']}")
    return any(version(p["rust_version"]) > version(limit) for p in asking)


if __name__ == "__main__":
    sys.exit(main())
