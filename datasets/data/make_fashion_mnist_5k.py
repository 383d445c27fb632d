#!/usr/bin/env python3
"""Cut the first 5,000 training and 1,000 test images out of Fashion-MNIST.

    make_fashion_mnist_5k.py SOURCE_FOLDER

SOURCE_FOLDER holds the four official files `{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz`, for example
/usr/share/datasets/fashion-mnist of the Debian package `dataset-fashion-mnist`. The four short files are written
into `fashion-mnist-5k/` beside this script, and their SHA-256 digests are printed as the table of the README there.

The official raw files are identified by the MD5 their publishers list, because distributions repack the gzip
wrapper. Each short file is written by `gzip -9` with time stamp 0 and without a name, so a rerun with the same zlib
gives the same bytes; the digest of the raw bytes does not depend on zlib at all.
"""

import gzip
import hashlib
import io
import pathlib
import struct
import sys

# file name: (MD5 of the official raw file, records to keep, bytes of a record, words in the header)
FILES = {
    "train-images-idx3-ubyte": ("f4a8712d7a061bf5bd6d2ca38dc4d50a", 5000, 28 * 28, 4),
    "train-labels-idx1-ubyte": ("9018921c3c673c538a1fc5bad174d6f9", 5000, 1, 2),
    "t10k-images-idx3-ubyte": ("8181f5470baa50b63fa0f6fddb340f0a", 1000, 28 * 28, 4),
    "t10k-labels-idx1-ubyte": ("15d484375f8d13e6eb1aabb0c3f46965", 1000, 1, 2),
}


def shorten(raw, records, record_bytes, header_words):
    """The same IDX file with only its first `records` records."""
    header = list(struct.unpack_from(f">{header_words}I", raw))
    header[1] = records
    start = 4 * header_words
    return struct.pack(f">{header_words}I", *header) + raw[start : start + records * record_bytes]


def compress(raw):
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as out:
        out.write(raw)
    return buffer.getvalue()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    source = pathlib.Path(sys.argv[1])
    target = pathlib.Path(__file__).resolve().parent / "fashion-mnist-5k"
    for name, (md5, records, record_bytes, header_words) in FILES.items():
        raw = gzip.decompress((source / f"{name}.gz").read_bytes())
        found = hashlib.md5(raw).hexdigest()
        if found != md5:
            sys.exit(f"{source / name}.gz: the raw bytes have MD5 {found}, the official file has {md5}")
        short = shorten(raw, records, record_bytes, header_words)
        packed = compress(short)
        (target / f"{name}.gz").write_bytes(packed)
        print(f"| `{name}.gz` | {len(packed)} | {hashlib.sha256(packed).hexdigest()} | {hashlib.sha256(short).hexdigest()} |")


if __name__ == "__main__":
    main()
