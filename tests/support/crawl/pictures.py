"""Pictures as sites serve them, and bytes that only pretend to be pictures."""

from __future__ import annotations

import random
import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw


def drawn(width: int = 500, height: int = 750, *, seed: int = 1, mode: str = "RGB") -> Image.Image:
    """A picture of some coloured shapes, with soft edges as photographs have."""
    random_ = random.Random(seed)
    image = Image.new("RGB", (width, height), (40, 60, 90))
    pencil = ImageDraw.Draw(image)
    for _ in range(40):
        x, y = random_.randrange(width), random_.randrange(height)
        size = random_.randrange(10, max(width // 3, 11))
        colour = tuple(random_.randrange(256) for _ in range(3))
        pencil.ellipse((x, y, x + size, y + size), fill=colour)
    return image.convert(mode)


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """A picture in a format of Pillow."""
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def jpeg(*, seed: int = 1) -> bytes:
    """A poster of usual size."""
    return encoded(drawn(seed=seed), quality=85)


def png_bomb(width: int = 40_000, height: int = 40_000) -> bytes:
    """A PNG of a few hundred kilobytes that decodes to gigabytes."""
    packer = zlib.compressobj(9)
    row = bytes(1 + width // 8)  # one bit for each pixel
    data = b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(name, body) for name, body in ((b"IHDR", head), (b"IDAT", data), (b"IEND", b""))
    )


def animated_gif(frames: int = 3) -> bytes:
    """A GIF whose frames differ; the first one is red."""
    colours = ["red", "lime", "blue"]
    images = [Image.new("RGB", (200, 300), colours[n % 3]) for n in range(frames)]
    return encoded(images[0], "GIF", save_all=True, append_images=images[1:], duration=100)


def deep_png() -> bytes:
    """A PNG with 16 bits of grey: black on the left, white on the right."""
    values = [min(x * 330, 65_535) for x in range(200)] * 300
    image = Image.frombytes("I;16", (200, 300), struct.pack(f"<{len(values)}H", *values))
    return encoded(image, "PNG")


SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" width="300" height="450">
<script>fetch("http://169.254.169.254/")</script><rect width="300" height="450"/></svg>"""
HTML = b"<!doctype html><title>Log in</title><p>Please log in to see pictures.</p>"


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
