"""People and genres that a typed text begins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.retrieval.suggestions import NameSuggestions
from shared.retrieval.titles.title_keys import joined
from shared.snapshot.files.facts import CatalogueFacts

FACTS = (
    CatalogueFacts(genres=("Sci-Fi", "Drama"), directors=("Agnès Varda",), people=("Ang Lee",)),
    CatalogueFacts(genres=("Sci-Fi",), directors=("Alfred Hitchcock",), people=("Tippi Hedren",)),
    CatalogueFacts(genres=("Drama",), directors=("Alfred Hitchcock",), people=("Leelee Sobieski",)),
    CatalogueFacts(genres=("Thriller",), directors=("Leelee Sobieski", "Leelee Sobieski")),
    CatalogueFacts(genres=("drama",), directors=("AGNES VARDA",), people=("Spike Lee",)),
    CatalogueFacts(genres=("Drama",), directors=("Agnès Varda",)),
)
names = NameSuggestions(FACTS)


def suggested(text: str, most: int = 5) -> list[str]:
    return [each.name for each in names.suggest(text, most)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("alf", "Alfred Hitchcock"),
        ("hitch", "Alfred Hitchcock"),
        ("alfred hit", "Alfred Hitchcock"),
        ("Hitchcock, Al", "Alfred Hitchcock"),
        ("alfredhitch", "Alfred Hitchcock"),
        ("VARDA", "Agnès Varda"),
        ("agnes", "Agnès Varda"),
        ("agnés v", "Agnès Varda"),
        ("sci", "Sci-Fi"),
        ("scifi", "Sci-Fi"),
        ("science fic", "Sci-Fi"),
        ("thrillers", "Thriller"),
    ],
)
def test_a_name_is_found_from_any_of_its_words(text: str, name: str) -> None:
    assert suggested(text) == [name]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hitchcok", "Alfred Hitchcock"),
        ("hitchcoock", "Alfred Hitchcock"),
        ("hithc", "Alfred Hitchcock"),
        ("hxtch", "Alfred Hitchcock"),
        ("ihtchcock", "Alfred Hitchcock"),
        ("alfrd hitchcock", "Alfred Hitchcock"),
        ("alfred hitchcok", "Alfred Hitchcock"),
        ("sobeski", "Leelee Sobieski"),
        ("thriler", "Thriller"),
        ("hitchcork", "Alfred Hitchcock"),
        ("xitchcock", None),  # another first letter
        ("hichcok", None),  # two slips
        ("hedn", None),  # too short
        ("", None),
        ("!?", None),
    ],
)
def test_a_slip_is_forgiven(text: str, name: str | None) -> None:
    assert suggested(text) == ([name] if name else [])


def test_genres_come_first_then_whole_words_then_those_of_more_movies() -> None:
    assert suggested("lee") == ["Ang Lee", "Spike Lee", "Leelee Sobieski"]
    assert suggested("s", 2)[0] == "Sci-Fi"
    assert [each.kind for each in names.suggest("s", 4)] == ["genre"] * 2 + ["person"] * 2
    assert suggested("h") == ["Alfred Hitchcock", "Tippi Hedren"]
    assert suggested("s", 0) == []


def test_movies_are_counted_once() -> None:
    suggestions = [each for text in "dls" for each in names.suggest(text, 20)]
    kinds = {each.name: (each.kind, each.movies) for each in suggestions}
    assert kinds["Leelee Sobieski"] == ("person", 2)
    assert kinds["Sci-Fi"] == ("genre", 2)
    assert kinds["Drama"] == ("genre", 3)


@given(st.text(max_size=300), st.integers(0, 5))
def test_any_text_is_answered(text: str, most: int) -> None:
    assert len(names.suggest(text, most)) <= most


@given(st.sampled_from(sorted({name for fact in FACTS for name in fact.directors})), st.data())
def test_every_beginning_from_two_letters_finds_the_name(name: str, data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(name.split()))
    beginning = word[: data.draw(st.integers(2, len(word)))]
    assert joined(name) in {joined(each.name) for each in names.suggest(beginning, 20)}
