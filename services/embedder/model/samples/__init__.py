"""Bundled texts of various lengths, written for this project, to calibrate and test graphs."""

from __future__ import annotations

from importlib import resources


def sample_texts(name: str) -> list[str]:
    """Return the texts of a bundled file, one for each line."""
    return (resources.files(__name__) / name).read_text("utf-8").splitlines()
