"""Texts of our own that models are calibrated and tried on, short and long."""

from __future__ import annotations

from importlib import resources


def sample_texts(name: str) -> list[str]:
    """The lines of a bundled file."""
    return (resources.files(__name__) / name).read_text("utf-8").splitlines()
