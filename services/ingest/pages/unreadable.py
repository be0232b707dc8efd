"""The error of a page that is not what it should be."""

from __future__ import annotations


class PageUnreadable(ValueError):
    """A page has neither the data nor the markup that its kind of page is known to have."""
