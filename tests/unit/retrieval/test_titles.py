from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.retrieval.titles import Titles, normal

FILMS = [
    "The Godfather",
    "The Godfather: Part II",
    "Amélie",
    "Alien",
    "Aliens",
    "The Lord of the Rings: The Two Towers",
    "8½",
    "Her",
    "WALL·E",
]
titles = Titles(enumerate(FILMS), [9, 5, 5, 5, 6, 5, 5, 5, 5])


def named(query: str) -> list[str]:
    return [FILMS[row] for row in titles.named(query)]


def suggested(query: str, most: int = 5) -> list[str]:
    return [FILMS[row] for row in titles.suggest(query, most)]


def test_a_whole_title_names_its_movie() -> None:
    assert named("alien") == ["Alien"]
    assert named("the godfather") == ["The Godfather"]
    assert named("GODFATHER") == ["The Godfather"]
    assert named("amelie") == ["Amélie"]
    assert named("wall-e") == ["WALL·E"]
    assert named("her") == ["Her"]


def test_two_words_that_begin_a_title_name_it() -> None:
    assert named("lord of the rings") == ["The Lord of the Rings: The Two Towers"]
    assert named("the godfather part") == ["The Godfather: Part II"]
    assert named("lord") == []


def test_a_description_names_nothing() -> None:
    assert named("a film about an alien on a ship") == []
    assert named("") == []
    assert named("?!") == []


def test_suggestions_complete_words_of_titles() -> None:
    assert suggested("ali") == ["Aliens", "Alien"]
    assert suggested("the godf") == ["The Godfather", "The Godfather: Part II"]
    assert suggested("amé") == ["Amélie"]
    assert suggested("ring") == ["The Lord of the Rings: The Two Towers"]
    assert suggested("8") == ["8½"]
    assert suggested("zzz") == []
    assert len(suggested("a", 2)) == 2


@given(st.text(max_size=60))
def test_every_title_is_found_and_completed_by_its_beginnings(title: str) -> None:
    one = Titles([(0, title)])
    if not normal(title):
        assert one.named(title) == []
        return
    assert one.named(title) == [0]
    for length in range(1, len(normal(title)) + 1):
        prefix = normal(title)[:length]
        if normal(prefix) == prefix:
            assert one.suggest(prefix, 3) == [0]
