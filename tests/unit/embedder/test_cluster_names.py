"""Clusters are named by words that distinguish them from the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from services.embedder.movie_map import cluster_names
from services.embedder.movie_map.cluster_names import WordCount


def names(
    movies: Sequence[tuple[int, Sequence[str]]], language: str = "en"
) -> Mapping[int, tuple[str, ...]]:
    """Names of clusters; a movie is given by its cluster's number and its texts."""
    words = WordCount(len(movies), language)
    for row, (_, texts) in enumerate(movies):
        words.add(row, texts)
    return words.names(np.array([number for number, _ in movies], np.uint8))


SPACE = (3, ["A film of its time, with one spaceship and aliens.", "Cold, as space is."])
MUSICAL = (7, ["A film of songs, with its one dance.", "And one song too many."])
MOVIES = [SPACE] * 6 + [MUSICAL] * 6


def test_words_that_all_movies_share_name_nothing() -> None:
    words_of = names(MOVIES)
    assert set(words_of) == {3, 7}
    assert not set(words_of[3]) & set(words_of[7])
    assert not {"film", "and", "its", "one"} & {
        word for words in words_of.values() for word in words
    }
    assert "songs" in words_of[7] or "song" in words_of[7]
    assert all(len(words) == 3 for words in words_of.values())


def test_forms_of_a_word_are_one_word_as_it_is_mostly_written() -> None:
    movies = [(0, ["dreams of dreams", "a dreaming town"])] * 5 + [(1, ["wide awake"])] * 5
    assert [word for word in names(movies)[0] if word.startswith("dream")] == ["dreams"]


def test_names_of_people_and_places_are_not_words() -> None:
    space = [(0, ["We see Ripley and the ship. Ripley runs."])] * 5
    sea = [(1, ["On the boat is Brody. Then Brody waits."])] * 5
    shown = {word for words in names(space + sea).values() for word in words}
    assert "ship" in shown
    assert not {"ripley", "brody", "Ripley", "Brody"} & shown


def test_one_movie_with_many_reviews_names_no_cluster() -> None:
    loud = (0, ["zither " * 500] * 5)
    quiet = [(0, ["a gentle river"])] * 8
    rest = [(1, ["a harsh desert"])] * 8
    words_of = names([loud, *quiet, *rest])
    assert set(words_of[0]) == {"gentle", "river"}
    assert set(words_of[1]) == {"desert", "harsh"}


def test_what_a_few_movies_of_a_small_cluster_share_is_chance() -> None:
    comedy = [(0, ["a comedy", "insurance" if n < 3 else "gags"]) for n in range(26)]
    rest = [(1, ["a comedy" if n % 4 == 0 else "a drama"]) for n in range(100)]
    assert names(comedy + rest)[0] == ("gags", "comedy")


def test_a_single_cluster_has_no_name() -> None:
    assert names([SPACE] * 3) == {3: ()}
    assert names([]) == {}


def test_words_of_any_script_are_words() -> None:
    movies = [(0, ["тихая картина о море"])] * 5 + [(1, ["eine grelle Komödie"])] * 5
    assert "тихая" in names(movies)[0]
    assert "grelle" in names(movies)[1]


def test_forms_of_a_word_are_joined_and_everyday_words_left_out_by_language() -> None:
    sad = ["una de las canciones tristes", "esa canción triste para los otros"]
    movies = [(0, [sad[n % 2]]) for n in range(6)] + [(1, ["una risa con el perro"])] * 6
    words_of = names(movies, "es")
    assert sorted(word[:5] for word in words_of[0]) == ["canci", "trist"]
    assert set(words_of[1]) == {"risa", "perro"}


def test_only_a_part_of_a_large_catalogue_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_names, "MAX_MOVIES", 4)
    monkeypatch.setattr(cluster_names, "MAX_CHARS", 60)
    words = WordCount(16)
    for row in range(16):
        words.add(row, [("space " if row % 8 else "sea ") * 15, "never read"])
    assert len(words._movies) == 4
    assert set(words._lower) == {"space", "sea"}
