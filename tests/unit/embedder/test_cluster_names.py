"""Clusters are named by words that tell them from the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from services.embedder.movie_map import cluster_names
from services.embedder.movie_map.cluster_names import WordCount


def names(films: Sequence[tuple[int, Sequence[str]]]) -> Mapping[int, tuple[str, ...]]:
    """Names of clusters; a film is the number of its cluster and the texts of its reviews."""
    words = WordCount(len(films))
    for row, (_, texts) in enumerate(films):
        words.add(row, texts)
    return words.names(np.array([number for number, _ in films], np.uint8))


SPACE = (3, ["A film of its time, with one spaceship and aliens.", "Cold, as space is."])
MUSICAL = (7, ["A film of songs, with its one dance.", "And one song too many."])
FILMS = [SPACE] * 6 + [MUSICAL] * 6


def test_words_that_all_films_share_name_nothing() -> None:
    found = names(FILMS)
    assert set(found) == {3, 7}
    assert not set(found[3]) & set(found[7])
    assert not {"film", "and", "its", "one"} & {word for said in found.values() for word in said}
    assert "songs" in found[7] or "song" in found[7]
    assert all(len(words) == 3 for words in found.values())


def test_forms_of_a_word_are_one_word_as_it_is_mostly_written() -> None:
    films = [(0, ["dreams of dreams", "a dreaming town"])] * 5 + [(1, ["wide awake"])] * 5
    assert [word for word in names(films)[0] if word.startswith("dream")] == ["dreams"]


def test_names_of_people_and_places_are_not_words() -> None:
    space = [(0, ["We see Ripley and the ship. Ripley runs."])] * 5
    sea = [(1, ["On the boat is Brody. Then Brody waits."])] * 5
    shown = {word for words in names(space + sea).values() for word in words}
    assert "ship" in shown
    assert not {"ripley", "brody", "Ripley", "Brody"} & shown


def test_one_film_however_much_is_written_of_it_names_no_cluster() -> None:
    loud = (0, ["zither " * 500] * 5)
    quiet = [(0, ["a gentle river"])] * 8
    rest = [(1, ["a harsh desert"])] * 8
    found = names([loud, *quiet, *rest])
    assert set(found[0]) == {"gentle", "river"}
    assert set(found[1]) == {"desert", "harsh"}


def test_what_a_few_films_of_a_small_cluster_share_is_chance() -> None:
    comedy = [(0, ["a comedy", "insurance" if n < 3 else "gags"]) for n in range(26)]
    rest = [(1, ["a comedy" if n % 4 == 0 else "a drama"]) for n in range(100)]
    assert names(comedy + rest)[0] == ("gags", "comedy")


def test_a_single_cluster_has_nothing_to_be_told_from() -> None:
    assert names([SPACE] * 3) == {3: ()}
    assert names([]) == {}


def test_words_of_any_script_are_words() -> None:
    films = [(0, ["тихая картина о море"])] * 5 + [(1, ["eine grelle Komödie"])] * 5
    assert "тихая" in names(films)[0]
    assert "grelle" in names(films)[1]


def test_of_a_large_catalogue_a_part_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_names, "MAX_FILMS", 4)
    monkeypatch.setattr(cluster_names, "MAX_CHARS", 60)
    words = WordCount(16)
    for row in range(16):
        words.add(row, [("space " if row % 8 else "sea ") * 15, "never read"])
    assert len(words._films) == 4
    assert set(words._lower) == {"space", "sea"}
