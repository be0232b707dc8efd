"""Turns a fetched picture into a small WebP picture, or refuses it. Pure.

Whatever its type is said to be, a picture is one that decodes as JPEG, PNG, WebP or GIF, of which
the first frame is taken. Its size in pixels is read from its head and checked before anything is
decoded, so that a small file cannot fill memory. Only the decoded pixels are kept: no metadata,
profile or script of the original is passed on.
"""

from __future__ import annotations

from io import BytesIO
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from shared.delivery.messages import MAX_POSTER_BYTES

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
MAX_PIXELS: Final = 16_000_000
MIN_SIDE: Final = 32
MAX_ASPECT: Final = 4.0
"""The longer side by the shorter one; banners and strips are no posters."""
MAX_SIZE: Final = (342, 684)
"""Largest width and height of the result, in pixels; TMDB's width for lists."""

_STEPS = ((1, 78), (1, 60), (1, 40), (1, 20), (2, 40), (4, 40))
"""By how much the sides are divided, and WebP's quality: tried until the result is small enough."""
_GROUND = (255, 255, 255)  # below what is transparent


class ImageRefused(ValueError):
    """Raised for bytes that are no usable picture; the message says why."""


def to_poster(body: bytes) -> bytes:
    """A picture as WebP of at most ``MAX_SIZE`` pixels and ``MAX_POSTER_BYTES`` bytes.

    Args:
        body: The picture as received.

    Raises:
        ImageRefused: it is not a picture, is damaged, or is too large, too small or too narrow.
    """
    try:
        with Image.open(BytesIO(body), formats=FORMATS) as image:
            _check_size(*image.size)
            # A JPEG is decoded at the smallest scale that is large enough.
            image.draft("RGB", (MAX_SIZE[0] * 2, MAX_SIZE[1] * 2))
            small = _small(image)
    except ImageRefused:
        raise
    except Image.DecompressionBombError as error:
        raise ImageRefused(f"more than {MAX_PIXELS} pixels") from error
    except UnidentifiedImageError as error:
        raise ImageRefused("not a JPEG, PNG, WebP or GIF picture") from error
    except Exception as error:  # each decoder raises different errors
        raise ImageRefused(f"a damaged picture: {error}") from error
    for divisor, quality in _STEPS:
        if divisor > 1:
            small.thumbnail((MAX_SIZE[0] // divisor, MAX_SIZE[1] // divisor))
        encoded = BytesIO()
        small.save(encoded, "WEBP", quality=quality, method=4)
        if encoded.tell() <= MAX_POSTER_BYTES:
            return encoded.getvalue()
    raise ImageRefused(f"more than {MAX_POSTER_BYTES} bytes, however it is compressed")


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ImageRefused(f"{width} by {height} pixels, more than {MAX_PIXELS}")
    if min(width, height) < MIN_SIDE:
        raise ImageRefused(f"{width} by {height} pixels, a side of less than {MIN_SIDE}")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise ImageRefused(f"{width} by {height} pixels, which is no poster's shape")


def _small(image: Image.Image) -> Image.Image:
    """The picture upright, in eight bits of red, green and blue, and not too large."""
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):  # 16 or 32 bits of grey, of which PNG uses 16
        upright = upright.convert("I").point(lambda value: value / 256).convert("L")
    if upright.mode in {"P", "LA", "PA", "RGBA"} or "transparency" in upright.info:
        upright = upright.convert("RGBA")
    upright.thumbnail(MAX_SIZE, Image.Resampling.LANCZOS)
    if upright.mode != "RGBA":
        return upright.convert("RGB")
    ground = Image.new("RGB", upright.size, _GROUND)
    ground.paste(upright, mask=upright.getchannel("A"))
    return ground
