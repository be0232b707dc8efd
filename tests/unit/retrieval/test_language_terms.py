"""The terms of catalogues in other languages than English."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text.function_words import FUNCTION_WORDS
from shared.text.language_terms import MAX_TERM_CHARS, lowered, without_accents
from shared.text.languages import ENGLISH, LANGUAGES, PAIRED, SEVERAL, SNOWBALL, known_language
from shared.text.terms import fold, terms

SAME = {
    "ca": "trist trista tristos",
    "cs": "smutný smutná smutné/přátelství přátelstvím",
    "da": "film filmen filmene/venskab venskabet",
    "de": "traurig traurige trauriger traurigen TRAURIGEN/Haus Häuser Häusern/Kind Kinder Kindern/"
    "groß große gross grosse/Geschichte Geschichten/lieben liebe liebt?",
    "el": "φίλος φίλοι",
    "es": "triste tristes/película películas pelicula peliculas PELÍCULAS/"
    "canción canciones cancion/emoción emociones emocionante/"
    "educación educaciones educacion/niño niños niña",
    "fi": "elokuva elokuvan elokuvat/ystävä ystävän ystävät",
    "fr": "triste tristes/chanson chansons/élève élèves eleve/émouvant émouvante émouvants/"
    "amour l'amour d'amour L’Amour",
    "hu": "szomorú szomorúak",
    "it": "triste tristi/canzone canzoni/amore l'amore dell'amore/bello bella belli belle",
    "nl": "vriend vrienden/droevig droevige",
    "no": "film filmen filmene/trist triste",
    "pl": "smutny smutna smutne/przyjaźń przyjaźni",
    "pt": "triste tristes/canção canções/emoção emoções/menino meninos menina",
    "ro": "trist tristă triste/film filmul filme",
    "ru": "грустный грустная грустные ГРУСТНЫЙ/фильм фильма фильмы/город города городе",
    "sv": "film filmen filmer filmerna/sorglig sorgliga",
    "tr": "film filmler filmi?",
}
"""Forms that are one term; forms with a question mark are not decided."""
DIFFERENT = {
    "de": "Haus Hase/Liebe Leben/schön schon?/Kind Kino",
    "es": "casa caso?/triste tres/niño nido/amor amargo",
    "fr": "pain peine/main mien/car cour/mer mère?",
    "it": "casa cosa/mare madre",
    "ru": "город горе/фильм фильтр",
}


def _groups(table: dict[str, str]) -> list[tuple[str, list[str]]]:
    groups = [
        (language, [word for word in group.split() if not word.endswith("?")])
        for language, line in table.items()
        for group in line.split("/")
    ]
    return [(language, group) for language, group in groups if len(group) > 1]


@pytest.mark.parametrize(("language", "forms"), _groups(SAME), ids=str)
def test_forms_of_a_word_are_one_term(language: str, forms: list[str]) -> None:
    found = {form: terms(form, language) for form in forms}
    assert len({tuple(each) for each in found.values()}) == 1, found
    assert all(len(each) == 1 for each in found.values())


@pytest.mark.parametrize(("language", "words"), _groups(DIFFERENT), ids=str)
def test_different_words_are_different_terms(language: str, words: list[str]) -> None:
    assert len({*terms(" ".join(words), language)}) == len(words)


def test_the_stems_of_an_installed_library_are_those_of_existing_indexes() -> None:
    """Another version of PyStemmer that makes others needs a new ``terms.VERSION``."""
    assert terms("Las canciones más tristes emocionaron a todas las niñas", "es") == [
        "cancion", "mas", "trist", "emocion", "tod", "nin",
    ]  # fmt: skip
    assert terms("Die spannendsten Geschichten der Großstädte", "de") == [
        "spannend", "geschicht", "grossstadt",
    ]  # fmt: skip
    assert terms("Les héroïnes courageuses s'évadaient", "fr") == ["heroin", "courag", "evad"]
    assert terms("Грустные истории о потерянной дружбе", "ru") == [
        "грустн", "истор", "потеря", "дружб",
    ]  # fmt: skip


@pytest.mark.parametrize("language", sorted(FUNCTION_WORDS))
def test_words_that_deny_are_never_left_out(language: str) -> None:
    lists = FUNCTION_WORDS[language]
    assert lists.denials
    assert not lists.denials & lists.left_out
    for word in lists.denials:
        assert terms(word, language), word
    for word in lists.left_out:
        assert not terms(word, language), word


def test_the_lists_are_in_lower_case_and_of_known_languages() -> None:
    assert FUNCTION_WORDS.keys() <= LANGUAGES
    for language, lists in FUNCTION_WORDS.items():
        for word in frozenset.union(*lists):
            assert word == lowered(word, language)


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        ("ja", "静かな映画", ["静か", "かな", "な映", "映画"]),
        ("ja", "Café が", ["cafe", "が"]),
        ("zh", "电影 2001", ["电影", "2001"]),
        ("ko", "한국 영화를", ["한국", "영화", "화를"]),
        ("th", "ดี", ["ดี"]),
    ],
)
def test_writing_without_a_stemmer_is_found_by_pairs(
    language: str, text: str, found: list[str]
) -> None:
    assert terms(text, language) == found


@pytest.mark.parametrize("language", sorted(LANGUAGES - PAIRED))
def test_vowel_signs_do_not_cut_words(language: str) -> None:
    assert len(terms("फिल्में", language)) == (1 if language != ENGLISH else 2)


def test_capitals_of_turkish_have_their_own_small_letters() -> None:
    assert terms("IŞIK", "tr") == terms("ışık", "tr")
    assert terms("İstanbul", "tr") == terms("istanbul", "tr") == terms("İstanbul'da", "tr")


def test_a_catalogue_in_several_languages_keeps_words_whole() -> None:
    assert terms("Die Häuser, the houses", SEVERAL) == ["die", "hauser", "the", "houses"]


def test_an_emoji_is_a_term_without_its_english_name() -> None:
    assert terms("¡Bú! 👻", "es") == ["bu", "👻"]


@given(st.text(max_size=120), st.sampled_from(sorted(LANGUAGES)))
def test_terms_have_no_space_and_case_counts_for_nothing(text: str, language: str) -> None:
    found = terms(text, language)
    for term in found:
        assert term
        assert not any(char.isspace() for char in term)
        assert len(term) <= MAX_TERM_CHARS
    assert found == terms(text, language)
    assert [term for term in found if term.isascii()] == [
        term for term in terms(lowered(text, language), language) if term.isascii()
    ]


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing(text: str) -> None:
    folded = without_accents(text)
    assert without_accents(folded) == folded
    assert fold(fold(text)) == fold(text)


def test_a_code_that_is_no_language_is_refused() -> None:
    assert known_language("es") == "es"
    with pytest.raises(ValueError, match="no such language; one of ar, bg"):
        known_language("sp")
    with pytest.raises(KeyError):
        terms("hola", "sp")


def test_every_language_has_its_stemmer() -> None:
    for language in SNOWBALL:
        assert isinstance(terms("film 1999", language), list)
