"""Archives as Python's `zipfile` and `tarfile` and as GNU tar write them, for `src/container/tests/python.rs`.

    python3 make_archives.py        (3.11 and GNU tar 1.34 wrote the files that are here)

Each holds FILES, whatever else is in it; the sparse ones hold a file of a megabyte that ends in b"two".
"""

import gzip
import io
import os
import pathlib
import stat
import subprocess
import tarfile
import tempfile
import zipfile

HERE = pathlib.Path(__file__).parent
ONE = "some/" + "long/" * 30 + "näme.x"
FILES = {ONE: b"one" * 100, "two.x": b"two"}


class Pipe(io.RawIOBase):
    """A file that cannot seek, so that lengths and checksums are known, and written, behind the members alone."""

    def __init__(self):
        self.bytes = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.bytes += bytes(data)
        return len(data)


def info(name):
    found = zipfile.ZipInfo(name, (2024, 5, 17, 12, 0, 0))
    found.external_attr = (stat.S_IFREG | 0o644) << 16
    found.compress_type = zipfile.ZIP_DEFLATED
    return found


def zip_of(name, wide=False, stream=False, more=lambda archive: None):
    output = Pipe() if stream else io.BytesIO()
    # Whatever does not fit below this limit goes into zip64's fields: lengths, places and the end record.
    zipfile.ZIP64_LIMIT = 50 if wide else (1 << 31) - 1
    with zipfile.ZipFile(output, "w") as archive:
        for file, data in FILES.items():
            with archive.open(info(file), "w", force_zip64=wide) as member:
                member.write(data)
        more(archive)
    (HERE / name).write_bytes(bytes(output.bytes) if stream else output.getvalue())


def link(archive):
    found = info("link.x")
    found.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(found, "two.x")


def tar_of(name, kind, files=FILES, more=lambda archive: None):
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=kind) as archive:
        for file, data in files.items():
            found = tarfile.TarInfo(file)
            found.size = len(data)
            # A fraction of a second becomes a record of its own in pax.
            found.mtime = 1715947200.25 if kind == tarfile.PAX_FORMAT else 1715947200
            archive.addfile(found, io.BytesIO(data))
        more(archive)
    (HERE / name).write_bytes(gzip.compress(output.getvalue(), mtime=0))


def links(kind):
    def add(archive):
        found = tarfile.TarInfo("link.x")
        found.type, found.linkname = kind, ONE
        archive.addfile(found)

    return add


def sparse(name, kind):
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "two.x"), "wb") as file:
            file.seek(1 << 20)
            file.write(b"two")
        command = ["tar", "--sparse", f"--format={kind}", "-C", folder, "-c", "two.x", "-f"]
        plain = os.path.join(folder, "out.tar")
        subprocess.run([*command, plain, "--mtime=@1715947200", "--owner=0", "--group=0"], check=True)
        (HERE / name).write_bytes(gzip.compress(pathlib.Path(plain).read_bytes(), mtime=0))


zip_of("plain.zip")
zip_of("streamed.zip", stream=True)
zip_of("wide.zip", wide=True)
zip_of("wide_streamed.zip", wide=True, stream=True)
zip_of("linked.zip", more=link)
for name, kind in [("pax", tarfile.PAX_FORMAT), ("gnu", tarfile.GNU_FORMAT)]:
    tar_of(f"{name}.tgz", kind)
    tar_of(f"{name}_hard.tgz", kind, more=links(tarfile.LNKTYPE))
    tar_of(f"{name}_symbolic.tgz", kind, more=links(tarfile.SYMTYPE))
tar_of("ustar.tgz", tarfile.USTAR_FORMAT)
tar_of("fifo.tgz", tarfile.GNU_FORMAT, more=links(tarfile.FIFOTYPE))
sparse("sparse_gnu.tgz", "gnu")
sparse("sparse_pax.tgz", "pax")
