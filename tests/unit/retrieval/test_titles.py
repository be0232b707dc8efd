from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.retrieval.titles.title_keys import folded, keys_of
from shared.retrieval.titles.titles import TitleMatch, Titles
from shared.text.terms import fold

MOVIES = [
    ("The Godfather", 1972, 9),
    ("The Godfather: Part II", 1974, 5),
    ("Amélie", 2001, 5),
    ("Alien", 1979, 5),
    ("Aliens", 1986, 6),
    ("The Lord of the Rings: The Two Towers", 2002, 5),
    ("8½", 1963, 5),
    ("Her", 2013, 5),
    ("WALL·E", 2008, 5),
    ("Pan's Labyrinth", 2006, 5),
    ("Pride & Prejudice", 2005, 5),
    ("The Matrix", 1999, 5),
    ("Rocky II", 1979, 5),
    ("Rocky III", 1982, 5),
    ("Se7en", 1995, 5),
    ("Heat", 1995, 5),
    ("Heat", 1986, 1),
    ("Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb", 1964, 5),
    ("Star Wars: Episode V - The Empire Strikes Back", 1980, 8),
    ("1917", 2019, 5),
    ("2001: A Space Odyssey", 1968, 5),
    ("Kramer vs. Kramer", 1979, 5),
    ("St. Elmo's Fire", 1985, 5),
    ("Maltese Falcon, The (a.k.a. Dangerous Female)", 1931, 5),
    ("Scary Movie", 2000, 5),
    ("Up", 2009, 5),
    ("It", 2017, 5),
    ("Big", 1988, 5),
    ("Without a Clue", 1988, 5),
    ("The Ninth Gate", 1999, 5),
    ("Not Another Teen Movie", 2001, 5),
    ("The Lego Movie", 2014, 5),
    ("12 Angry Men", 1957, 5),
    ("L'Avventura", 1960, 5),
    ("M*A*S*H", 1970, 5),
    ("Fantastic Four", 2005, 5),
    ("About a Boy", 2002, 5),
    ("$", 1971, 5),
    ("Die Hard", 1988, 5),
    ("Revenge: A Love Story", 2010, 5),
]
TITLES = [title for title, _, _ in MOVIES]
WORDS = frozenset({"about", "a", "boy", "dog", "the", "hard", "and", "funny", "sad"})
titles = Titles(
    enumerate(TITLES),
    [popularity for *_, popularity in MOVIES],
    [year for _, year, _ in MOVIES],
    lambda word: 9 * (word in WORDS),
)


def named(query: str) -> list[str]:
    return [TITLES[row] for row in titles.named(query)]


def suggested(query: str, most: int = 5) -> list[str]:
    return [TITLES[row] for row in titles.suggest(query, most)]


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("GODFATHER", "The Godfather"), ("god father", "The Godfather"),
        ("thegodfather", "The Godfather"), ("the godfather part two", "The Godfather: Part II"),
        ("Godfather 2", "The Godfather: Part II"), ("amelie", "Amélie"), ("wall-e", "WALL·E"),
        ("walle", "WALL·E"), ("pans labyrinth", "Pan's Labyrinth"),
        ("Pan’s Labyrinth", "Pan's Labyrinth"), ("pride and prejudice", "Pride & Prejudice"),
        ("Pride + Prejudice", "Pride & Prejudice"), ("Matrix, The", "The Matrix"),
        ("matrix", "The Matrix"), ("matrix the", "The Matrix"), ("rocky 2", "Rocky II"),
        ("Rocky two", "Rocky II"), ("rocky iii", "Rocky III"), ("seven", "Se7en"),
        ("se7en", "Se7en"), ("8 1/2", "8½"), ("eight and a half", "8½"), ("81⁄2", "8½"),
        ("doctor strangelove", TITLES[17]), ("kramer versus kramer", "Kramer vs. Kramer"),
        ("saint elmos fire", "St. Elmo's Fire"), ("the maltese falcon", TITLES[23]),
        ("dangerous female", TITLES[23]), ("twelve angry men", "12 Angry Men"),
        ("avventura", "L'Avventura"), ("mash", "M*A*S*H"), ("m.a.s.h.", "M*A*S*H"),
        ("fant4stic four", "Fantastic Four"), ("the 9th gate", "The Ninth Gate"), ("$", "$"),
        ("two thousand and one a space odyssey", "2001: A Space Odyssey"),
    ],
)  # fmt: skip
def test_a_title_is_found_by_every_way_to_write_it(query: str, title: str) -> None:
    assert named(query)[0] == title
    assert titles.find(query)[0].distance == 0


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("amlie", "Amélie"), ("the godfahter", "The Godfather"), ("dei hard", "Die Hard"),
        ("pans labirynth", "Pan's Labyrinth"), ("prid and predjudice", "Pride & Prejudice"),
        ("kramer vs kraner", "Kramer vs. Kramer"), ("teh matrix", "The Matrix"),
        ("not anothr ten movie", "Not Another Teen Movie"), ("the matrxi 1999", "The Matrix"),
    ],
)  # fmt: skip
def test_a_title_is_found_with_slips(query: str, title: str) -> None:
    assert named(query)[0] == title
    assert 0 < titles.find(query)[0].distance <= 2


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("the movie alien", "Alien"), ("that movie called her", "Her"), ("up the movie", "Up"),
        ("matrix film", "The Matrix"), ("looking for the matrix", "The Matrix"),
        ("i want to see se7en again", "Se7en"), ("where can i watch amelie", "Amélie"),
        ('the film "die hard"', "Die Hard"), ("the lego movie", "The Lego Movie"),
        ("scary movie", "Scary Movie"), ("I'm looking for that movie called heta 1995", ""),
    ],
)  # fmt: skip
def test_a_title_is_found_in_a_frame(query: str, title: str) -> None:
    assert named(query)[:1] == ([title] if title else [])


def test_the_year_behind_a_title_decides() -> None:
    assert titles.find("heat 1995")[0].row == 15
    assert titles.find("heat (1986)")[0].row == 16
    assert titles.find("heat")[0].row == 15
    assert titles.find("the movie heat from 1986")[0].row == 16
    assert named("1917") == ["1917"]
    assert named("2001 a space odyssey") == ["2001: A Space Odyssey"]
    assert named("2001") == ["2001: A Space Odyssey"]
    assert named("the matrxi 1950") == []


def test_two_words_that_begin_a_title_name_it() -> None:
    assert named("lord of the rings") == ["The Lord of the Rings: The Two Towers"]
    assert named("the godfather part") == ["The Godfather: Part II"]
    assert named("starwars") == ["Star Wars: Episode V - The Empire Strikes Back"]
    assert named("empire strikes back") == ["Star Wars: Episode V - The Empire Strikes Back"]
    assert not titles.find("star wars")[0].is_whole
    assert named("lord") == []


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("alien 1", "Alien"), ("the matrix one", "The Matrix"), ("Die Hard I", "Die Hard"),
        ("the godfather part 1", "The Godfather"), ("the movie alien 1", "Alien"),
        ("the matrix, part one", "The Matrix"), ("her one", ""), ("alien 3", ""), ("1", ""),
    ],
)  # fmt: skip
def test_the_first_of_a_series_needs_no_number_in_its_title(query: str, title: str) -> None:
    assert named(query)[:1] == ([title] if title else [])


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("pan's", False), ("star wars", True), ("not another teen", True), ("teen movie", False),
        ("die hard", False), ("di", False), ("", False), ("the godfather part", True),
    ],
)  # fmt: skip
def test_the_beginning_of_a_title_ends_with_a_word(text: str, begins: bool) -> None:
    assert titles.begins(text) == begins


@pytest.mark.parametrize(
    "query",
    [
        "a film about an alien on a ship", "", "?!", "a scary movie", "a funny movie", "big movie",
        "heat movie", "looking for it", "hot", "hear", "ups", "hers", "a movie about a dog",
        "about a dog", "big and funny", "a love story", "rocky 4", "the movie", "not a teen movie",
        "something with a clue", "movies like her",
    ],
)  # fmt: skip
def test_a_description_names_nothing(query: str) -> None:
    assert named(query) == []


@pytest.mark.parametrize("title", ["Up", "It", "Her", "Big", "Heat", "Without a Clue", "1917"])
def test_a_common_word_is_a_title_when_it_is_all_of_the_text(title: str) -> None:
    assert TITLES[titles.find(title.lower())[0].row] == title


def test_exact_reads_no_slips_and_near_does() -> None:
    assert titles.exact("amelie") == [2]
    assert titles.exact("amlie") == []
    assert titles.near("amlie") == [2]
    assert titles.exact("heat 1986") == [16, 15]
    assert titles.exact("star wars") == [18]


def test_suggestions_complete_words_of_titles() -> None:
    assert suggested("ali") == ["Aliens", "Alien"]
    assert suggested("the godf") == ["The Godfather", "The Godfather: Part II"]
    assert suggested("amé") == ["Amélie"]
    assert suggested("ring") == ["The Lord of the Rings: The Two Towers"]
    assert suggested("8") == ["8½"]
    assert suggested("zzz") == []
    assert len(suggested("a", 2)) == 2


@pytest.mark.parametrize(
    ("prefix", "title"),
    [
        ("god fa", "The Godfather"), ("starw", TITLES[18]), ("pride and pre", "Pride & Prejudice"),
        ("pans lab", "Pan's Labyrinth"), ("wal e", "WALL·E"), ("rocky two", "Rocky II"),
        ("strnagel", TITLES[17]), ("labirynth", "Pan's Labyrinth"), ("eihgt and a ha", ""),
        ("lord of rings", TITLES[5]), ("matirx", "The Matrix"), ("kramer versus", TITLES[21]),
    ],
)  # fmt: skip
def test_suggestions_forgive(prefix: str, title: str) -> None:
    assert suggested(prefix, 1) == ([title] if title else [])


@given(st.lists(st.text(max_size=40), max_size=8))
def test_every_title_is_found_exactly(written: list[str]) -> None:
    some = Titles(enumerate(written))
    for row, title in enumerate(written):
        if not keys_of(title):
            assert some.find(title) == []
            continue
        found = some.find(title)
        assert TitleMatch(row, 0, True) in found
        assert found[0].distance == 0
        assert found[0].is_whole
        assert row in some.exact(title)


@given(st.sampled_from(TITLES) | st.text(max_size=60))
def test_folding_changes_no_match(text: str) -> None:
    assert titles.exact(folded(text)) == titles.exact(text)
    assert titles.exact(fold(text)) == titles.exact(text)


@given(st.text(max_size=400), st.integers(1, 9))
def test_no_text_fails(text: str, most: int) -> None:
    titles.find(text)
    titles.near(text)
    assert len(titles.suggest(text, most)) <= most


@given(st.text(max_size=60))
def test_a_title_is_completed_by_its_beginnings(title: str) -> None:
    one = Titles([(0, title)])
    key = keys_of(title)[0].text if keys_of(title) else ""
    for length in range(1, len(key) + 1):
        if keys_of(key[:length])[:1] == [(key[:length], 0)]:
            assert one.suggest(key[:length], 3) == [0]


@pytest.mark.alone
def test_a_text_that_is_no_title_costs_little() -> None:
    many = Titles((n, f"{TITLES[n % len(TITLES)]} {n // len(TITLES)}") for n in range(10_000))
    text = "a warm and funny comedy about two old friends who travel home"
    many.find(text)
    started = time.thread_time()
    for _ in range(100):
        many.find(text)
    assert (time.thread_time() - started) / 100 < 0.001
