"""The error for a data set that cannot be read at all."""

from __future__ import annotations


class DatasetInvalid(ValueError):
    """Raised when a file of a dataset cannot be read; the message names the file and the reason."""
