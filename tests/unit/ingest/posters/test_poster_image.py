"""Pictures become small WebP pictures, and what is no poster is refused with the reason."""

from __future__ import annotations

import tracemalloc
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.ingest.posters.poster_image import MAX_SIZE, ImageRefused, to_poster
from shared.delivery.messages import MAX_POSTER_BYTES
from tests.support.crawl.pictures import (
    HTML,
    SVG,
    animated_gif,
    deep_png,
    drawn,
    encoded,
    jpeg,
    png_bomb,
)


def opened(image: bytes) -> Image.Image:
    picture = Image.open(BytesIO(image))
    picture.load()
    return picture


def colour(image: bytes, x: int = 100, y: int = 150) -> tuple[int, int, int]:
    pixel = opened(image).getpixel((x, y))
    assert isinstance(pixel, tuple)
    red, green, blue = pixel
    return red, green, blue


def test_a_poster_is_made_small_and_keeps_its_shape() -> None:
    poster = to_poster(encoded(drawn(2000, 3000), quality=92))
    picture = opened(poster)
    assert (picture.format, picture.mode, picture.size) == ("WEBP", "RGB", (342, 513))
    assert len(poster) < 30_000


def test_a_small_picture_is_not_enlarged() -> None:
    assert opened(to_poster(encoded(drawn(92, 138), "PNG"))).size == (92, 138)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_usual_formats_are_read(kind: str) -> None:
    assert opened(to_poster(encoded(drawn(), kind))).size == (342, 513)


def test_of_an_animation_the_first_frame_is_shown() -> None:
    red, green, blue = colour(to_poster(animated_gif()))
    assert red > 230
    assert max(green, blue) < 30


def test_colours_of_print_become_those_of_a_screen() -> None:
    red, green, blue = colour(to_poster(encoded(Image.new("CMYK", (200, 300), (0, 255, 255, 0)))))
    assert red > 200
    assert max(green, blue) < 60


def test_sixteen_bits_become_eight() -> None:
    poster = to_poster(deep_png())
    dark, middle, light = (colour(poster, x)[0] for x in (2, 100, 197))
    assert dark < 12
    assert 110 < middle < 145
    assert light > 243


def test_what_is_transparent_is_white() -> None:
    clear = Image.new("RGBA", (200, 300), (255, 0, 0, 0))
    assert min(colour(to_poster(encoded(clear, "PNG")))) > 245
    indexed = Image.new("P", (200, 300), 0)
    assert min(colour(to_poster(encoded(indexed, "PNG", transparency=0)))) > 245


def test_a_picture_that_lies_on_its_side_is_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert opened(to_poster(encoded(drawn(300, 200), exif=exif.tobytes()))).size == (200, 300)


def test_no_metadata_is_passed_on() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret description"
    poster = to_poster(encoded(drawn(), exif=exif.tobytes(), comment=b"a secret comment"))
    assert b"secret" not in poster
    assert not opened(poster).getexif()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(png_bomb(), "more than 16000000", id="bomb"),
        pytest.param(png_bomb(6_000, 6_000), "more than 16000000", id="too-large"),
        pytest.param(SVG, "not a JPEG, PNG, WebP or GIF", id="svg-with-a-script"),
        pytest.param(HTML, "not a JPEG, PNG, WebP or GIF", id="html"),
        pytest.param(b"", "not a JPEG, PNG, WebP or GIF", id="nothing"),
        pytest.param(jpeg()[: len(jpeg()) // 2], "a damaged picture", id="half-a-jpeg"),
        pytest.param(
            encoded(drawn(), "PNG")[:-3_000], "a damaged picture", id="png-without-its-end"
        ),
        pytest.param(encoded(drawn(), "BMP"), "not a JPEG, PNG, WebP or GIF", id="bmp"),
        pytest.param(encoded(drawn(), "TIFF"), "not a JPEG, PNG, WebP or GIF", id="tiff"),
        pytest.param(encoded(Image.new("RGB", (1, 1)), "GIF"), "a side of less than", id="pixel"),
        pytest.param(encoded(drawn(900, 90)), "no poster's shape", id="banner"),
    ],
)
def test_what_is_no_poster_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(ImageRefused, match=why):
        to_poster(body)


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    bomb = png_bomb()
    assert len(bomb) < 1_000_000
    tracemalloc.start()
    with pytest.raises(ImageRefused):
        to_poster(bomb)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 10_000_000


def test_noise_is_compressed_until_it_fits() -> None:
    noise = Image.effect_noise((342, 684), 200).convert("RGB")
    assert len(to_poster(encoded(noise, "PNG"))) <= MAX_POSTER_BYTES


@given(st.binary(max_size=200), st.integers(0, 60_000))
def test_no_damage_raises_another_error(noise: bytes, at: int) -> None:
    whole = jpeg()
    damaged = whole[:at] + noise + whole[at + len(noise) :]
    try:
        width, height = opened(to_poster(damaged)).size
    except ImageRefused:
        return
    assert width <= MAX_SIZE[0]
    assert height <= MAX_SIZE[1]
