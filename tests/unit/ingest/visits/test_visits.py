"""What ingest remembers of a source: for which run, for how long, and after which accident."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.ingest.sources.sources import SchemaOrgSource
from services.ingest.visits.page_results import FetchedPage, Findings, Link, Visit
from services.ingest.visits.visits import Visits, fingerprint_of, open_visits
from services.ingest.visits.visits_file import FILE, finished_pages

THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BODY = {"body": "text"}


def _url(name: str) -> str:
    return f"http://films.example/{name}"


def _page(name: str) -> FetchedPage:
    return FetchedPage(_url(name), _url(name), f'"{name}"')


def _visit(
    name: str = "a", *, pages: int = 1, items: Sequence[str] = ("review/r1",), reviews: int = 1
) -> Visit:
    return Visit(
        link=Link(_url(name), "page", "what is said of it"),
        pages=tuple(_page(f"{name}{n or ''}") for n in range(pages)),
        links=(Link(_url("next"), "page"), Link(_url("title"), "title", '["tt1"]')),
        depth=3,
        fetched_at=THEN,
        digest=f"{name}-{reviews}",
        findings=Findings(movies=1, untitled=0, reviews=reviews, textless=2),
        items=tuple(items),
    )


def _open(
    folder: Path | None, run: str, baseline: str | None = None, fingerprint: str = "f"
) -> Visits:
    return open_visits(folder, run, baseline=baseline, fingerprint=fingerprint)


def _recorded(folder: Path, run: str, *visits: Visit) -> None:
    """A run that sent what its visits name, and then ended."""
    opened = _open(folder, run)
    for visit in visits:
        opened.confirm(visit.items, [visit])
    opened.close()


def test_a_visit_is_read_back_whole_by_the_next_run(tmp_path: Path) -> None:
    visit = _visit(pages=3)
    _recorded(tmp_path, "one", visit)
    two = _open(tmp_path, "two", baseline="one")
    assert two.baseline_visit(_url("a")) == visit
    assert two.baseline_visit(_url("a") + "#fragment") is not None
    assert two.baseline_visit(_url("b")) is None
    assert not two.has_visited(_url("a"))
    assert list(two.of_this_run()) == []
    two.close()


def test_an_attempt_goes_on_where_the_last_one_was(tmp_path: Path) -> None:
    visit = _visit(pages=2, items=("movie/m", "review/r1"))
    _recorded(tmp_path, "one", visit)
    again = _open(tmp_path, "one")
    assert list(again.of_this_run()) == [visit]
    assert again.has_visited(_url("a"))
    assert again.baseline_visit(_url("a")) is None
    assert sorted(again.sent_items()) == ["movie/m", "review/r1"]
    assert again.pages == 2
    again.close()
    assert finished_pages(tmp_path, "one") == 1
    assert finished_pages(tmp_path, "two") == 0
    assert finished_pages(tmp_path / "nowhere", "one") == 0


@pytest.mark.parametrize(
    ("baseline", "fingerprint"), [(None, "f"), ("another", "f"), ("one", "other")]
)
def test_what_is_no_baseline_is_not_relied_on(
    tmp_path: Path, baseline: str | None, fingerprint: str
) -> None:
    _recorded(tmp_path, "one", _visit())
    two = _open(tmp_path, "two", baseline=baseline, fingerprint=fingerprint)
    assert two.baseline_visit(_url("a")) is None
    assert list(two.sent_items()) == []
    two.close()


def test_another_fingerprint_voids_the_visits_of_the_run_itself_but_not_its_ledger(
    tmp_path: Path,
) -> None:
    _recorded(tmp_path, "one", _visit())
    again = _open(tmp_path, "one", fingerprint="other")
    assert list(again.of_this_run()) == []
    assert not again.has_visited(_url("a"))
    assert list(again.sent_items()) == ["review/r1"]
    again.close()


def test_kept_visits_belong_to_the_run_and_their_items_are_told_once(tmp_path: Path) -> None:
    first = _visit("a", items=("movie/m", "review/r1", "review/r2"))
    second = _visit("b", items=("movie/m", "review/r3"))
    _recorded(tmp_path, "one", first, second, _visit("c", items=("review/r4",)))
    two = _open(tmp_path, "two", baseline="one")
    two.keep(first)
    two.keep(second)
    assert two.has_visited(_url("a"))
    assert (two.kept_reviews, two.pages) == (3, 2)
    assert list(two.kept_items()) == ["movie/m", "review/r1", "review/r2", "review/r3"]
    two.close()
    again = _open(tmp_path, "two", baseline="one")
    assert (again.kept_reviews, again.pages) == (3, 2)
    again.confirm(["movie/m", "review/r3"])  # another page had them too, and sent them
    assert list(again.kept_items()) == ["review/r1", "review/r2"]
    again.close()
    three = _open(tmp_path, "three", baseline="two")
    assert three.baseline_visit(_url("a")) == first
    assert three.baseline_visit(_url("c")) is None  # the second run has not seen it
    assert list(three.kept_items()) == []
    three.close()


def test_a_page_that_was_redirected_is_known_by_both_urls(tmp_path: Path) -> None:
    moved = replace(_visit(), pages=(FetchedPage(_url("a"), _url("there"), '"e"'),))
    _recorded(tmp_path, "one", moved)
    two = _open(tmp_path, "two", baseline="one")
    there = two.baseline_visit(_url("there"))
    assert there is not None
    assert there.link.url == _url("there")
    two.keep(there)
    assert two.has_visited(_url("there"))
    assert not two.has_visited(_url("a"))  # where that leads is not known before it is asked
    two.close()


def test_what_is_held_survives_until_it_is_confirmed(tmp_path: Path) -> None:
    one = _open(tmp_path, "one")
    one.hold([("review/r1", BODY), ("review/r2", BODY)])
    one.close()  # as a kill would
    again = _open(tmp_path, "one")
    assert again.held() == [("review/r1", BODY), ("review/r2", BODY)]
    assert list(again.sent_items()) == []
    assert again.confirm(["review/r1", "review/r2"]) == ["review/r1", "review/r2"]
    assert again.held() == []
    assert again.confirm(["review/r2", "review/r3"]) == ["review/r3"]
    assert list(again.sent_items()) == ["review/r1", "review/r2", "review/r3"]
    again.close()


def test_another_run_does_not_send_what_was_held(tmp_path: Path) -> None:
    one = _open(tmp_path, "one")
    one.hold([("review/r1", BODY)])
    one.close()
    two = _open(tmp_path, "two", baseline="one")
    assert two.held() == []
    two.close()


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    one = _open(tmp_path, "one")
    one.hold([("review/r1", BODY)])
    broken = replace(_visit(), digest=None)  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError):
        one.confirm(["review/r1"], [broken])
    assert list(one.sent_items()) == []
    assert one.held() == [("review/r1", BODY)]
    assert not one.has_visited(_url("a"))
    one.close()


@pytest.mark.parametrize("damage", ["garbage", "truncated", "header", "page", "format"])
def test_a_damaged_file_is_set_aside_and_costs_a_full_crawl(tmp_path: Path, damage: str) -> None:
    _recorded(tmp_path, "one", *(_visit(f"page{n}") for n in range(300)))
    path = tmp_path / FILE
    content = bytearray(path.read_bytes())
    if damage == "garbage":
        content = bytearray(b"these are no visits" * 500)
    elif damage == "truncated":
        content = content[: len(content) // 2]
    elif damage == "header":
        content[:16] = b"\0" * 16
    elif damage == "page":
        content[8192:16384] = b"\xff" * 8192
    else:
        content[60:64] = (99).to_bytes(4, "big")  # SQLite's user_version
    path.write_bytes(content)
    two = _open(tmp_path, "two", baseline="one")
    assert two.baseline_visit(_url("page1")) is None
    two.record(_visit())
    two.close()
    assert (tmp_path / f"{FILE}.damaged").read_bytes() == bytes(content)
    again = _open(tmp_path, "two", baseline="one")
    assert again.has_visited(_url("a"))
    again.close()


def test_a_damaged_row_is_as_if_it_had_never_been(tmp_path: Path) -> None:
    _recorded(tmp_path, "one", _visit("a"), _visit("b"))
    db = sqlite3.connect(tmp_path / FILE)
    [content] = db.execute("SELECT content FROM visits WHERE url = ?", (_url("a"),)).fetchone()
    flipped = bytes([*content[:-6], content[-6] ^ 1, *content[-5:]])
    db.execute("UPDATE visits SET content = ? WHERE url = ?", (flipped, _url("a")))
    db.commit()
    db.close()
    again = _open(tmp_path, "one")
    assert [visit.link.url for visit in again.of_this_run()] == [_url("b")]
    assert not again.has_visited(_url("a"))
    again.close()
    two = _open(tmp_path, "two", baseline="one")
    assert two.baseline_visit(_url("a")) is None
    assert two.baseline_visit(_url("b")) is not None
    two.close()


def test_a_file_that_is_busy_is_not_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.ingest.visits.visits_file.BUSY_TIMEOUT_S", 0.05)
    _recorded(tmp_path, "one", _visit())
    holder = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        _open(tmp_path, "two", baseline="one")
    holder.close()
    two = _open(tmp_path, "two", baseline="one")
    assert two.baseline_visit(_url("a")) is not None
    two.close()


def test_emptied_pages_are_told_from_unchanged_and_new_ones(tmp_path: Path) -> None:
    _recorded(tmp_path, "one", *(_visit(name, reviews=2) for name in "abc"))
    two = _open(tmp_path, "two", baseline="one")
    two.record(_visit("a", reviews=0, items=()))
    two.record(_visit("b", reviews=2))  # read again, and the same
    two.record(_visit("new", reviews=0, items=()))
    known = two.baseline_visit(_url("c"))
    assert known is not None
    two.keep(known)
    tally = two.tally({"page": 1})
    assert (tally.changed, tally.emptied) == (1, 1)
    assert (tally.movies, tally.reviews, tally.textless) == (3, 2, 6)
    assert tally.unreadable == {"page": (1, 4)}
    two.close()


def test_a_run_that_failed_does_not_make_emptied_pages_normal(tmp_path: Path) -> None:
    _recorded(tmp_path, "one", _visit("a", reviews=2), _visit("b", reviews=2))
    two = _open(tmp_path, "two", baseline="one")
    two.record(_visit("a", reviews=0, items=()))
    two.close()
    three = _open(tmp_path, "three", baseline=None)  # as the second has failed
    assert three.baseline_visit(_url("b")) is None
    three.record(_visit("a", reviews=0, items=()))
    three.record(_visit("b", reviews=2))  # as the baseline had it
    assert (three.tally().changed, three.tally().emptied) == (1, 1)
    three.close()
    four = _open(tmp_path, "four", baseline="three")  # an operator has accepted it
    four.record(_visit("a", reviews=0, items=()))
    assert four.tally().changed == 0
    four.close()


def test_memory_stays_flat(tmp_path: Path) -> None:
    one = _open(tmp_path, "one")
    links = tuple(Link(_url(f"film/{n}"), "page") for n in range(60))
    for n in range(600):
        visit = replace(
            _visit(f"p{n}", items=tuple(f"review/{n}-{k}" for k in range(10))), links=links
        )
        one.confirm(visit.items, [visit])
    one.close()
    tracemalloc.start()
    two = _open(tmp_path, "two", baseline="one")
    for n in range(600):
        known = two.baseline_visit(_url(f"p{n}"))
        assert known is not None
        two.keep(known)
    assert sum(1 for _ in two.kept_items()) == 6_000
    two.close()
    three = _open(tmp_path, "two", baseline="one")
    assert sum(len(visit.links) for visit in three.of_this_run()) == 36_000
    three.close()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A portion of visits, and no more: all of them would be some 8 MB.
    assert peak < 2_500_000


def test_nothing_outlives_the_process_without_a_folder() -> None:
    visits = _open(None, "one")
    visits.confirm(["review/r1"], [_visit()])
    assert visits.has_visited(_url("a"))
    visits.close()


def test_the_fingerprint_is_of_what_pages_yield() -> None:
    def site(**fields: object) -> SchemaOrgSource:
        return SchemaOrgSource.model_validate(
            {"name": "s", "spider": "schema_org", "start_urls": ["https://a.example/"], **fields}
        )

    plain = fingerprint_of(site())
    manners = {"delay_s": 9.0, "max_pages": 7, "every": "24h", "time_limit": "1h", "max_depth": 9}
    assert fingerprint_of(site(**manners)) == plain
    assert fingerprint_of(site(reviews_per_movie=5)) != plain
    assert fingerprint_of(site(start_urls=["https://b.example/"])) != plain
