from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.retrieval.interpretation.lexicon import Lexicon, MovieNames
from shared.retrieval.interpretation.parts import Correction
from shared.retrieval.interpretation.spelling import Speller
from shared.retrieval.titles.titles import Titles

MOVIES = [
    MovieNames("Psycho", ("Horror",), ("Alfred Hitchcock",), ("Anthony Perkins",)),
    MovieNames("Schindler's List", ("Drama",), ("Steven Spielberg",), ("Liam Neeson",)),
]
VOCABULARY = {
    "thriller": 400, "relaxing": 90, "lonely": 300, "lovely": 200, "movie": 5000, "moive": 3,
    "psychological": 60, "lake": 70, "house": 900, "reader": 50, "mind": 900, "mend": 2,
    "sugar": 30, "slander": 9, "comedy": 2000, "sad": 900, "rare": 1,
    "detective": 150, "gangster": 99,
}  # fmt: skip
speller = Speller(VOCABULARY, Lexicon(MOVIES, Titles([])), frozenset({"reaper"}))


def corrected(text: str) -> str:
    return " ".join(speller.correct(text.split())[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a thriler", "a thriller"), ("hitchcok", "hitchcock"), ("speilberg", "spielberg"),
        ("hitchokc", "hitchcock"), ("realxing comdey", "relaxing comedy"),
        ("psycholgoicla", "psychological"), ("lonley", "lonely"), ("horrro", "horror"),
        ("olnely", "lonely"), ("moive", "movie"), ("by Speilberg", "by Spielberg"),
    ],
)  # fmt: skip
def test_slips_are_corrected(text: str, expected: str) -> None:
    assert corrected(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "thriller", "psycho", "lakehouse", "sade", "rar", "8mm 1990s", "reaper", "mend", "rare",
        "sugary", "xomedy", "asdfgh qwerty", "the Salander", "qwertyuiop", "", "feel-good",
        "thrillers", "slaender-man", "gengstar", "una hermosa pelicula comedi",
    ],
)  # fmt: skip
def test_other_words_stay(text: str) -> None:
    assert corrected(text) == text


def test_a_correction_says_what_was_written() -> None:
    words, corrections = speller.correct(["Thriler", "by", "hitchcok"])
    assert words == ["Thriller", "by", "hitchcock"]
    assert corrections == [Correction("Thriler", "Thriller"), Correction("hitchcok", "hitchcock")]


NAMED = {
    "hanks": 12, "hans": 21, "cary": 11, "carry": 90, "carey": 20, "tarkovsky": 2, "trite": 60,
    "rise": 300, "drove": 80, "wilder": 9, "milder": 70, "scorsese": 30, "amelie": 9, "tame": 50,
}  # fmt: skip
names = frozenset({"hanks", "hans", "cary", "carey", "tarkovsky", "wilder", "scorsese", "amelie"})
reviewed = Speller(NAMED, Lexicon(MOVIES, Titles([])), names=names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tom Hansk", "Tom Hanks"), ("tom hansk", "tom hanks"), ("Caryy Grant", "Cary Grant"),
        ("Andrei Tarkvsky", "Andrei Tarkovsky"), ("Billy Wilfer", "Billy Wilder"),
        ("Martin Sxorsese", "Martin Scorsese"), ("SXORSESE", "scorsese"), ("Amélei", "Amelie"),
        ("trites", "trites"), ("triste", "triste"), ("risa", "risa"), ("drôve", "drôve"),
        ("pelicula tirte", "pelicula tirte"),
        ("a movie about amor and tirte", "a movie about amor and trite"),
        ("Billy Tamee", "Billy Tamee"), ("the tamme", "the tame"),
    ],
)  # fmt: skip
def test_names_become_names_and_foreign_words_stay(text: str, expected: str) -> None:
    assert " ".join(reviewed.correct(text.split())[0]) == expected


def test_a_word_that_the_index_knows_stays() -> None:
    lexicon = Lexicon(MOVIES, Titles([]), {"thriler": 4}.get)  # type: ignore[arg-type]
    assert Speller({"thriller": 9}, lexicon).correct(["thriler"]) == (["thriler"], [])


@given(st.lists(st.text(max_size=12) | st.sampled_from(sorted(VOCABULARY)), max_size=9))
def test_known_words_never_change_and_correcting_twice_changes_nothing(words: list[str]) -> None:
    once, corrections = speller.correct(words)
    assert len(once) == len(words)
    for before, after in zip(words, once, strict=True):
        assert after == before or not speller.knows(before)
    assert [each.written for each in corrections] == [
        before for before, after in zip(words, once, strict=True) if before != after
    ]
    assert speller.correct(once) == (once, [])


@given(st.lists(st.text("abcdehiklmnorstvy", min_size=3, max_size=9), max_size=6), st.data())
def test_corrections_are_safe(known: list[str], data: st.DataObject) -> None:
    some = Speller(dict.fromkeys(known, 50), Lexicon([], Titles([])))
    text = st.lists(st.sampled_from(known) if known else st.just("none"), max_size=5)
    words = [word[:-1] + "x" for word in data.draw(text)]
    for each in some.correct(words)[1]:
        assert each.corrected in known
        assert each.corrected[0] in each.written[:2]
        assert abs(len(each.corrected) - len(each.written)) <= 2
