"""Texts in other languages: titles, names, years and slips are read, and no English rule is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.retrieval.filters import EVERYTHING, MovieFilter, Range
from shared.retrieval.interpretation.interpreter import interpret
from shared.retrieval.interpretation.parts import Correction, Interpretation
from shared.retrieval.interpretation.spelling import Speller
from tests.unit.retrieval.interpretation.catalogue import LEXICON, ROWS, TITLES

VOCABULARIES = {
    "es": {"triste": 9, "película": 9, "comedia": 9, "amistad": 9, "sangre": 9, "hermosa": 4},
    "de": {"traurig": 9, "komödie": 9, "freundschaft": 9, "spannend": 9, "blut": 4},
    "fr": {"triste": 9, "comédie": 9, "amitié": 9, "pain": 4, "main": 4, "voiture": 4},
    "ru": {"грустный": 9, "тихий": 9, "комедия": 9},
}
SPELLERS = {
    language: Speller(words, LEXICON, language=language) for language, words in VOCABULARIES.items()
}
UNTOUCHED = [
    ("es", "triste"),
    ("es", "no quiero una comedia"),
    ("es", "no horror"),
    ("es", "no"),
    ("es", "car"),
    ("es", "drama"),
    ("es", "comedia sin sangre"),
    ("es", "una película antes de 1990"),
    ("es", "antes 1990"),
    ("es", "1990 en adelante"),
    ("es", "sin Steven Spielberg"),
    ("es", "tan triste like Heat"),
    ("de", "die"),
    ("de", "not"),
    ("de", "also traurig"),
    ("de", "ein Film nicht von Steven Spielberg"),
    ("de", "nach 1990"),
    ("de", "kein 1990"),
    ("de", "rat"),
    ("fr", "pain"),
    ("fr", "main"),
    ("fr", "car"),
    ("fr", "la main dans le pain"),
    ("fr", "avant 1990"),
    ("fr", "ce n'est pas Steven Spielberg"),
    ("ru", "тихий"),
    ("ru", "не Steven Spielberg"),
    ("ja", "静かな Steven Spielberg"),  # no word of Japanese that denies is known
    ("mul", "no horror"),
]


@pytest.mark.parametrize(("language", "text"), UNTOUCHED)
def test_no_english_rule_reads_another_language(language: str, text: str) -> None:
    assert interpret(text, LEXICON, TITLES, SPELLERS.get(language), language) is None


@pytest.mark.parametrize(
    "text",
    ["no quiero una comedia", "una película triste sin drama", "etwas mit der Komödie also not"],
)
def test_nor_does_it_in_a_catalogue_in_english(text: str) -> None:
    speller = Speller({"trite": 90, "quiet": 90}, LEXICON)
    assert interpret(text, LEXICON, TITLES, speller) is None


def test_a_text_that_is_surely_in_english_is_read_everywhere() -> None:
    text = "a comedy from the 90s, with no romance"
    expected = MovieFilter(year=Range(1990, 1999), genres_any=("Comedy",), genres_none=("Romance",))
    for language in ("en", "es", "mul"):
        result = interpret(text, LEXICON, TITLES, SPELLERS.get(language), language)
        assert result is not None
        assert result.filters == expected


@pytest.mark.parametrize("language", ["es", "de", "fr", "ru", "ja", "mul"])
@pytest.mark.parametrize(
    ("text", "title"),
    [("amelie", "Amélie"), ("Amélie 2001", "Amélie"), ("das boot", "Das Boot"),
     ("Spirted Away", "Spirited Away"), ("1917", "1917")],
)  # fmt: skip
def test_titles_are_found(language: str, text: str, title: str) -> None:
    result = interpret(text, LEXICON, TITLES, SPELLERS.get(language), language)
    assert result is not None
    assert result.titles[0] == ROWS[title]
    assert result.filters == EVERYTHING


@pytest.mark.parametrize(
    ("language", "text", "rest", "filters"),
    [
        ("es", "películas de Steven Spielberg", "películas",
         MovieFilter(people_any=("Steven Spielberg",))),
        ("es", "steven spielberg 1993", "",
         MovieFilter(people_any=("Steven Spielberg",), year=Range(1993, 1993))),
        ("es", "algo triste, 1994", "algo triste", MovieFilter(year=Range(1994, 1994))),
        ("es", "drama 1994", "drama", MovieFilter(year=Range(1994, 1994))),
        ("de", "traurige Filme mit Al Pacino 1990-1999", "traurige Filme",
         MovieFilter(people_any=("Al Pacino",), year=Range(1990, 1999))),
        ("fr", "une comédie d'Audrey Tautou", None, EVERYTHING),
        ("fr", "triste, Audrey Tautou", "triste", MovieFilter(people_any=("Audrey Tautou",))),
        ("ru", "Keanu Reeves", "", MovieFilter(people_any=("Keanu Reeves",))),
    ],
)  # fmt: skip
def test_full_names_and_clear_years_are_constraints(
    language: str, text: str, rest: str | None, filters: MovieFilter
) -> None:
    result = interpret(text, LEXICON, TITLES, SPELLERS.get(language), language)
    if rest is None:
        assert result is None
        return
    assert result is not None
    assert (result.text, result.filters, result.avoid) == (rest, filters, None)


@pytest.mark.parametrize(
    ("language", "text", "corrected"),
    [
        ("es", "una pelicula trsite", Correction("trsite", "triste")),
        ("es", "la pelíclua", Correction("pelíclua", "película")),
        ("de", "eine Komödei", Correction("Komödei", "Komödie")),
        ("ru", "грусный", Correction("грусный", "грустный")),
    ],
)
def test_slips_are_corrected_by_the_words_of_the_catalogue(
    language: str, text: str, corrected: Correction
) -> None:
    result = interpret(text, LEXICON, TITLES, SPELLERS[language], language)
    assert result is not None
    assert result.corrections == (corrected,)
    assert result.text == text.replace(corrected.written, corrected.corrected)


def test_a_name_with_a_slip_is_no_constraint() -> None:
    assert interpret("triste, Steven Spielburg", LEXICON, TITLES, None, "es") is None


def test_words_of_another_language_are_no_slips() -> None:
    text = "the trite jokes of the man and of his dog"
    result = interpret(text, LEXICON, TITLES, SPELLERS["es"], "es")
    assert result is None or not result.corrections


WORDS = [
    *(
        [
            "una",
            "película",
            "triste",
            "sin",
            "sangre",
            "con",
            "de",
            "no",
            "die",
            "main",
            "car",
            "pain",
            "1990",
            "1990-1999",
            "drama",
        ]
    ),
    *(["Steven", "Spielberg", "nicht", "mit", "Heat", "Amélie", ",", "not", "like", "trsite"]),
]


@given(st.lists(st.sampled_from(WORDS), max_size=9), st.sampled_from(["es", "de", "fr", "mul"]))
def test_any_text_is_read_and_what_is_left_means_nothing_more(
    words: list[str], language: str
) -> None:
    text = " ".join(words)
    result = interpret(text, LEXICON, TITLES, SPELLERS.get(language), language)
    rest = Interpretation(text) if result is None else result
    for word in words:
        if word not in {"Steven", "Spielberg", ",", "trsite"} and not word[:1].isdigit():
            corrected = [each.written for each in rest.corrections]
            assert word in rest.text or word in {"una", "con", "de", "mit", "die", *corrected}
    again = interpret(rest.text, LEXICON, TITLES, SPELLERS.get(language), language)
    assert again is None or again.filters == EVERYTHING
