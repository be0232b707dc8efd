"""The error for a page with an unknown structure."""

from __future__ import annotations


class PageUnreadable(ValueError):
    """Raised for a page that has neither the data nor the markup known for its kind of page."""
