"""Small pictures in every encoding that is read, and their pixels as Pillow sees them.

    python make_pictures.py        (Pillow 12 with libjpeg-turbo; writes into this folder)

`NAME.EXT` is the picture and `NAME.raw` its pixels, rows of pixels of one or three bytes. Pillow cannot write an
interlaced PNG, so that one is put together here from the format's description.
"""

import struct
import zlib
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
WIDTH, HEIGHT = 21, 13


def pixel(x, y):
    """Smooth, and different in every direction and channel: a swap of anything is noticed."""
    return (20 + 9 * x + 2 * y, 230 - 4 * x - 9 * y, 40 + 3 * x + 11 * y)


def colour():
    image = Image.new("RGB", (WIDTH, HEIGHT))
    image.putdata([pixel(x, y) for y in range(HEIGHT) for x in range(WIDTH)])
    return image


def save(name, image, mode, **options):
    path = HERE / name
    image.save(path, **options)
    # Of 16 bits the upper eight, by hand: Pillow's own conversion clips.
    seen = Image.open(path)
    raw = bytes(v >> 8 for v in seen.getdata()) if seen.mode.startswith("I") else seen.convert(mode).tobytes()
    path.with_suffix(".raw").write_bytes(raw)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def interlaced():
    """Adam7: seven passes, each a picture of every so many columns and rows, rows with filter type 0 before them."""
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = b""
    for x0, y0, dx, dy in passes:
        for y in range(y0, HEIGHT, dy):
            row = bytes(v for x in range(x0, WIDTH, dx) for v in pixel(x, y))
            rows += b"\0" + row if row else b""
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 1)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (HERE / "interlaced.png").write_bytes(data)
    seen = Image.open(HERE / "interlaced.png")
    assert seen.tobytes() == colour().tobytes()
    (HERE / "interlaced.raw").write_bytes(seen.tobytes())


def main():
    rgb = colour()
    save("colour444.jpg", rgb, "RGB", quality=92, subsampling="4:4:4")
    save("colour420.jpg", rgb, "RGB", quality=92, subsampling="4:2:0")
    save("progressive.jpg", rgb, "RGB", quality=92, subsampling="4:2:0", progressive=True)
    save("gray.jpg", rgb.convert("L"), "L", quality=92)
    rgb.convert("CMYK").save(HERE / "cmyk.jpg", quality=80)
    save("colour.png", rgb, "RGB")
    save("luma.png", rgb.convert("L"), "L")
    save("bits.png", rgb.convert("1"), "L")
    save("palette.png", rgb.quantize(16), "RGB")
    alpha = rgb.copy()
    alpha.putalpha(Image.linear_gradient("L").resize((WIDTH, HEIGHT)))
    save("alpha.png", alpha, "RGB")
    save("grayalpha.png", alpha.convert("LA"), "L")
    deep = Image.new("I;16", (WIDTH, HEIGHT))
    deep.putdata([2777 * x + 311 * y for y in range(HEIGHT) for x in range(WIDTH)])
    save("sixteen.png", deep, "L")
    interlaced()


main()
