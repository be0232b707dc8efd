"""How the rules work together, and what they make of judged asks."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from shared.retrieval.filters import EVERYTHING, MovieFilter, Range
from shared.retrieval.interpretation.interpreter import MOST_CONTENT_WORDS, interpret
from shared.retrieval.interpretation.lexicon import Lexicon, MovieNames
from shared.retrieval.interpretation.parts import Correction, Interpretation
from shared.retrieval.interpretation.spelling import Speller
from shared.retrieval.titles.titles import Titles
from tests.unit.retrieval.interpretation.catalogue import LEXICON, ROWS, SPELLER, TITLES

LONG = (
    "a western hero and horror of the french thriller writer who never met the comedy troupe "
    "without a musical from Japan in the winter before 1970 or under two hours"
)


def filters(text: str) -> MovieFilter:
    result = interpret(text, LEXICON, TITLES)
    return result.filters if result else EVERYTHING


def test_a_description_states_no_constraint() -> None:
    assert interpret(LONG, LEXICON, TITLES) is None


def test_a_genre_counts_in_a_list_of_wishes_only() -> None:
    words = ["lighthouse"] * MOST_CONTENT_WORDS
    assert filters(" ".join([*words[1:], "thriller"])).genres_any == ("Thriller",)
    assert filters(" ".join([*words, "thriller"])) == EVERYTHING


def test_a_title_hides_every_other_meaning() -> None:
    result = interpret("Not Another Teen Movie", LEXICON, TITLES)
    assert result is not None
    assert result.titles == (ROWS["Not Another Teen Movie"],)
    assert result.filters == EVERYTHING
    assert result.text == "Not Another Teen Movie"


def test_a_title_that_is_left_over_is_found_within_the_constraints() -> None:
    result = interpret("Heat by Michael Mann", LEXICON, TITLES)
    assert result is not None
    assert result.titles == (ROWS["Heat"],)
    assert result.filters.directors_any == ("Michael Mann",)


def test_a_corrected_word_has_the_meaning_of_the_right_one() -> None:
    result = interpret("a comdy about lonley robots", LEXICON, TITLES, SPELLER)
    assert result is not None
    assert result.filters.genres_any == ("Comedy",)
    assert result.text == "lonely robots"
    assert set(result.corrections) == {
        Correction("comdy", "comedy"),
        Correction("lonley", "lonely"),
    }


def test_a_title_with_a_slip_is_surer_than_other_words() -> None:
    speller = Speller({"suited": 900}, LEXICON)
    assert speller.correct(["srited"])[0] == ["suited"]
    result = interpret("srited away", LEXICON, TITLES, speller)
    assert result == Interpretation("srited away", titles=(ROWS["Spirited Away"],))


def test_a_wish_is_surer_than_a_title_with_a_slip() -> None:
    result = interpret("korean thriler", LEXICON, TITLES, SPELLER)
    assert result is not None
    assert result.titles == ()
    assert result.filters.genres_any == ("Thriller",)


def test_two_conditions_of_a_kind_hold_together() -> None:
    assert filters("comedy after 1990, before 2000").year == Range(1991, 1999)
    assert filters("horror, 70s, 90s").year == Range(1970, 1999)
    assert filters("thriller over 90 minutes, under two hours").runtime_minutes == Range(91, 119)


def test_genres_that_the_catalogue_lacks_stay_in_the_text() -> None:
    lexicon = Lexicon([MovieNames("Heat")], Titles([(0, "Heat")]))
    result = interpret("90s thriller", lexicon, Titles([(0, "Heat")]))
    assert result is not None
    assert result.text == "thriller"
    assert result.filters == MovieFilter(year=Range(1990, 1999))


@pytest.mark.alone
def test_thirty_words_take_less_than_a_millisecond() -> None:
    assert len(LONG.split()) == 30
    best = min(_seconds(LONG) for _ in range(20))
    assert best < 0.001


def _seconds(text: str) -> float:
    start = time.process_time()
    interpret(text, LEXICON, TITLES, SPELLER)
    return time.process_time() - start


@pytest.mark.data
def test_asks_are_understood_as_they_are_judged(real_data: Path) -> None:
    """The share of asks whose filters are exactly what their judge requires."""
    lexicon, titles = _catalogue(real_data)
    asks = [json.loads(line) for line in _lines(real_data, "imdb75k-asks")]
    right = [
        ask
        for ask in asks
        if _required(interpret(ask["text"], lexicon, titles)) == _judged(ask["must"])
    ]
    assert len(right) >= 0.95 * len(asks)


@pytest.mark.data
@pytest.mark.parametrize("queries", ["imdb75k-plot", "imdb500-plot", "imdb500-foreign"])
def test_descriptions_are_left_alone(queries: str, real_data: Path) -> None:
    lexicon, titles = _catalogue(real_data)
    texts = [json.loads(line)["text"] for line in _lines(real_data, queries)]
    read = [text for text in texts if interpret(text, lexicon, titles) is not None]
    assert len(read) <= 0.01 * len(texts)


def _lines(data: Path, queries: str) -> list[str]:
    return (data / "queries" / queries / "queries.jsonl").read_text("utf-8").splitlines()


def _catalogue(data: Path) -> tuple[Lexicon, Titles]:
    parquet = pytest.importorskip("pyarrow.parquet")
    movies = parquet.read_table(data / "imdb75k" / "movies.parquet").to_pylist()
    titles = Titles(
        ((row, movie["title"]) for row, movie in enumerate(movies) if movie["title"]),
        [movie["review_count"] for movie in movies],
        [movie["year"] for movie in movies],
    )
    names = (MovieNames(movie["title"], tuple(movie["genres"] or ())) for movie in movies)
    return Lexicon(names, titles), titles


def _required(result: Interpretation | None) -> tuple[Any, ...]:
    read = result.filters if result else EVERYTHING
    every = read.genres_all + (read.genres_any if len(read.genres_any) == 1 else ())
    return (read.year.gte or 0, read.year.lte or 2100, {*every}, {*read.genres_none})


def _judged(must: dict[str, Any]) -> tuple[Any, ...]:
    low, high = must.get("year", (0, 2100))
    return (low, high, {*must.get("genres", ())}, {*must.get("not_genres", ())})
