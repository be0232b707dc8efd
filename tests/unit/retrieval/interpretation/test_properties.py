"""What holds for every text."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.retrieval.filters import MovieFilter
from shared.retrieval.interpretation.interpreter import interpret
from shared.retrieval.interpretation.parts import Interpretation
from shared.retrieval.interpretation.spelling import Speller
from tests.unit.retrieval.interpretation.catalogue import FACTS, LEXICON, SPELLER, TITLES
from tests.unit.retrieval.interpretation.examples import LEFT_ALONE, UNDERSTOOD

EXAMPLES = [example.text for example in UNDERSTOOD] + list(LEFT_ALONE)
WORDS = sorted({word for text in EXAMPLES for word in text.split()})
INVENTED = ("zorblax", "quindle", "vrimp", "lostrum", "wexly")
GENRES = ("horror", "comedy", "western", "romance", "thriller", "musical", "animation", "sci-fi")

texts = st.one_of(
    st.text(max_size=60),
    st.sampled_from(EXAMPLES),
    st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join),
    st.lists(st.sampled_from(EXAMPLES), min_size=2, max_size=3).map(", ".join),
)


def read(text: str) -> Interpretation:
    return interpret(text, LEXICON, TITLES, SPELLER) or Interpretation(text=text)


@given(texts)
def test_any_text_is_read(text: str) -> None:
    assert isinstance(read(text), Interpretation)


@given(texts)
def test_what_remains_means_nothing_more(text: str) -> None:
    """Except that it can be a title, which only a whole text is."""
    first = read(text)
    if first.titles:
        return
    again = read(first.text)
    if again.titles:
        return
    assert again.text == first.text
    assert again.like == ()
    assert again.avoid is None
    # "funny, no comedy" contradicts itself: what is excluded stays so, and "funny" in the text.
    excluded = {("genre", genre) for genre in first.filters.genres_none}
    assert _parts(again.filters) - excluded <= _parts(first.filters)


@given(
    st.lists(st.sampled_from(EXAMPLES), min_size=1, max_size=2),
    st.lists(st.sampled_from(INVENTED), min_size=1, max_size=3, unique=True),
    st.data(),
)
def test_a_word_of_no_part_is_never_lost(
    chosen: list[str], invented: list[str], data: st.DataObject
) -> None:
    words = " ".join(chosen).split()
    for word in invented:
        words.insert(data.draw(st.integers(0, len(words))), word)
    result = interpret(" ".join(words), LEXICON, TITLES)
    if result is None or result.titles or result.like:
        return  # a title may be written with slips
    kept = f"{result.text} {result.avoid or ''}"
    assert [word for word in words if word in invented and word not in kept] == []
    in_text = [word.strip(",.") for word in result.text.split()]
    expected = [word for word in words if word in in_text and word in invented]
    assert [word for word in in_text if word in invented] == expected


@given(texts)
def test_what_remains_is_in_the_order_of_the_text(text: str) -> None:
    result = interpret(text, LEXICON, TITLES)
    if result is None:
        return
    characters = iter(text)
    assert all(letter in characters for letter in result.text if letter.isalnum())


@given(
    st.sampled_from((
        "no {}", "not {}", "not a {}", "nothing with {}", "without {}", "anything but {}",
        "not a {} movie", "no {} movies", "isn't a {}", "i don't want {}", "i hate {}", "never {}",
        "except {}", "minus {}", "less {}", "no more {}", "avoid {}", "not really {}",
        "not too much {}", "not another {}", "nothing like {}", "other than {}", "not even {}",
        "everything but {}", "please no {}", "sick of {}", "instead of {}", "rather than {}",
    )),
    st.sampled_from(GENRES),
    st.sampled_from(("", "something sad, ", "90s drama, ", "a movie by Spielberg but ", "hello, ")),
    st.sampled_from(("", " please", ", thanks", ", from the 90s", " tonight")),
)  # fmt: skip
def test_what_is_denied_is_never_asked_for(
    denial: str, genre: str, before: str, behind: str
) -> None:
    filters = read(before + denial.format(genre) + behind).filters
    name = LEXICON.genre(genre)
    assert name is not None
    assert name not in filters.genres_any + filters.genres_all


@given(
    st.integers(1900, 2039),
    st.sampled_from(("nothing {}", "not {}", "no movie {}", "{} is fine", "horror {}", "{}")),
    st.sampled_from(("before", "after", "since", "until", "older than", "newer than")),
)
def test_an_interval_is_on_the_side_that_is_said(year: int, frame: str, word: str) -> None:
    limits = read(frame.format(f"{word} {year}")).filters.year
    if limits.is_open:
        return
    earlier = word in {"before", "until", "older than"}
    denied = frame.startswith(("nothing", "not", "no "))
    assert (limits.gte is None) == (earlier != denied)


@given(texts)
def test_only_names_of_the_catalogue_are_asked_for(text: str) -> None:
    filters = read(text).filters
    genres = {genre for fact in FACTS for genre in fact.genres}
    people = {name for fact in FACTS for name in fact.people + fact.directors}
    assert {*filters.genres_any, *filters.genres_all, *filters.genres_none} <= genres
    assert not {*filters.genres_any, *filters.genres_all} & set(filters.genres_none)
    assert {*filters.people_any, *filters.directors_any} <= people


HOSTILE = (
    " ", "(", '"', "'", "\u0301", "e\u0301", "a", "a ", "a.", "a-", "-", "- ", "9", "9 ", "0-",
    "\n", ", ", "no ", "not ", "like ", "90s ", "the ", "by the ", "with ", "w/o ", "and ", "or ",
    "tom ", "horror, ", "2 hours and ", "between 1 and ", "than ", "1 hour ", "for my 6 ", "zz ",
    "\U0001f602",
)  # fmt: skip


def _calls(text: str) -> int:
    """How many functions it takes to read a text, with empty caches."""
    speller = Speller({"lonely": 9, "robots": 9}, LEXICON)
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        interpret(text, LEXICON, TITLES, speller)
    finally:
        sys.setprofile(before)
    return calls


@settings(max_examples=30)
@given(st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=3).map("".join))
def test_twice_the_text_takes_at_most_twice_the_work(unit: str) -> None:
    """Doubled once more, so that a rule that reads on once more does not count as quadratic."""
    short = (unit * 128)[:128]
    assert _calls(short * 4) <= 4 * 1.5 * _calls(short) + 2000


@pytest.mark.alone
@pytest.mark.parametrize("unit", HOSTILE)
def test_a_hostile_text_takes_milliseconds(unit: str) -> None:
    """Also in the parts of the work that are no calls, such as regular expressions."""
    text = (unit * 512)[:512]
    best = min(_seconds(text) for _ in range(5))
    assert best < 0.02


def _seconds(text: str) -> float:
    start = time.process_time()
    interpret(text, LEXICON, TITLES, SPELLER)
    return time.process_time() - start


def _parts(filters: MovieFilter) -> set[object]:
    """The conditions one by one; two genres that are both required are two conditions."""
    genres = {("genre", genre) for genre in filters.genres_any + filters.genres_all}
    others = replace(filters, genres_any=(), genres_all=())
    names = ("year", "runtime_minutes", "genres_none", "directors_any", "people_any",
             "countries_any", "languages_any")  # fmt: skip
    found: set[object] = {
        (name, value)
        for name in names
        if (value := getattr(others, name)) != getattr(MovieFilter(), name)
    }
    return found | genres
