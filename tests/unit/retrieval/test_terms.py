from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text.terms import MAX_TERM_CHARS, fold, stem, terms


@pytest.mark.parametrize(
    ("words", "term"),
    [
        (("film", "films", "film's", "films'"), "film"),
        (("movie", "movies"), "movi"),
        (("story", "stories"), "stori"),
        (("stop", "stops", "stopped", "stopping"), "stop"),
        (("love", "loves", "loved", "loving"), "lov"),
        (("haunt", "haunted", "haunting"), "haunt"),
    ],
)
def test_forms_of_a_word_are_one_term(words: tuple[str, ...], term: str) -> None:
    assert {found for word in words for found in terms(word)} == {term}


@pytest.mark.parametrize("word", ["sing", "bed", "class", "bus", "this", "red", "king", "ring"])
def test_what_only_looks_like_an_ending_stays(word: str) -> None:
    assert stem(word) in {word, "clas"}


def test_case_accents_and_stopwords_count_for_nothing() -> None:
    assert terms("The Café of AMÉLIE") == terms("cafe amelie")
    assert fold("Ärger über Öl") == "arger uber ol"


def test_other_writing_is_not_lost() -> None:
    assert terms("Тихий фильм") == ["тихии", "фильм"]
    assert terms("静かな映画") == ["静か", "かな", "な映", "映画"]
    assert set(terms("映画")) <= set(terms("静かな映画"))


@given(st.text(max_size=200))
def test_terms_have_no_space_and_are_stable(text: str) -> None:
    found = terms(text)
    for term in found:
        assert term
        assert not any(char.isspace() for char in term)
        assert len(term) <= MAX_TERM_CHARS
    assert terms(text.upper()) == terms(text.upper().lower())
    assert found == terms(text)
