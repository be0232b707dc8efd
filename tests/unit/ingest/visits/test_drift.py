"""Drift: a site's pages have changed so that they can no longer be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.ingest.visits.drift import Tally, drift
from services.ingest.visits.kept_page import KeptPage, Oddity


@pytest.mark.parametrize(
    ("tally", "reason"),
    [
        (Tally(changed=3, emptied=3), "3 of 3 changed pages that had reviews have none now"),
        (Tally(changed=9, emptied=5), "5 of 9 changed pages"),
        (Tally(reviews=4, textless=6), "6 of 10 reviews have no text"),
        (Tally(textless=10), "10 of 10 reviews have no text"),
        (Tally(movies=10, untitled=6), "6 of 10 movies have no title"),
        (Tally(unreadable={"titles": (0, 9), "title": (3, 5)}), "3 of 5 pages of kind 'title'"),
    ],
)
def test_drift(tally: Tally, reason: str) -> None:
    error = drift(tally)
    assert error is not None
    assert reason in error


@pytest.mark.parametrize(
    "tally",
    [
        Tally(),
        Tally(movies=500, reviews=9_000, textless=9_000, changed=500, emptied=250),
        Tally(changed=2, emptied=2),  # two movies may well have lost their reviews
        Tally(changed=6, emptied=3),
        Tally(reviews=3, textless=6),  # too few to tell
        Tally(reviews=5, textless=5),
        Tally(movies=9, untitled=9),
        Tally(movies=20, untitled=10),
        Tally(unreadable={"title": (2, 2)}),
        Tally(unreadable={"title": (3, 6)}),
    ],
)
def test_no_drift(tally: Tally) -> None:
    assert drift(tally) is None


def test_an_operator_may_say_that_reviews_are_gone() -> None:
    assert drift(Tally(changed=9, emptied=9), allow_removals=True) is None
    assert drift(Tally(reviews=1, textless=19), allow_removals=True) is not None


def test_the_oddest_page_is_kept(tmp_path: Path) -> None:
    page = KeptPage(tmp_path, "run")
    assert not list(tmp_path.iterdir())
    page.offer(b"first", Oddity.NO_REVIEWS)
    page.offer(b"second", Oddity.NO_REVIEWS)
    page.offer(b"third", Oddity.REVIEWS_GONE)
    page.offer(b"fourth", Oddity.NO_TEXTS)
    assert page.path == tmp_path / "drift" / "run.html"
    assert page.path.read_bytes() == b"third"
    page.drop()
    page.drop()
    assert not list((tmp_path / "drift").iterdir())


def test_a_page_that_cannot_be_kept_does_not_end_the_crawl(tmp_path: Path) -> None:
    (tmp_path / "drift").write_text("in the way")
    KeptPage(tmp_path, "run").offer(b"page", Oddity.UNREADABLE)
    KeptPage(None, "run").offer(b"page", Oddity.UNREADABLE)
    assert KeptPage(None, "run").path is None
