"""The pictures of the README: complete, and small enough for a slow connection."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

from tests.e2e.screenshots import FOLDER, MAX_BYTES, SHOTS

README = Path(__file__).parents[3] / "README.md"
MAX_TOTAL_BYTES = 1_000_000


def test_the_pictures_are_complete_and_small() -> None:
    sizes = {path: path.stat().st_size for path in FOLDER.iterdir()}
    assert set(sizes) == {shot.path for shot in SHOTS}
    assert max(sizes.values()) <= MAX_BYTES
    assert sum(sizes.values()) <= MAX_TOTAL_BYTES
    for shot in SHOTS:
        with Image.open(shot.path) as picture:
            assert picture.width == shot.width


def test_the_pictures_of_the_readme_exist() -> None:
    for name in re.findall(r"docs/screenshots/([\w.-]+)", README.read_text()):
        assert (FOLDER / name).exists(), name
