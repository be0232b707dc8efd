from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.text.passages import Span, sentences, split


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def pieces(text: str, limit: int = 6) -> list[str]:
    return [text[slice(*span)] for span in split([text], words, limit)[0]]


def test_sentences_are_packed_up_to_the_limit() -> None:
    assert pieces("One two. Three four. Five six seven. Eight.") == [
        "One two. Three four.",
        "Five six seven. Eight.",
    ]


def test_glued_sentences_are_taken_apart() -> None:
    text = "It was slow.Then it was over!The end"
    assert [text[slice(*s)] for s in sentences(text)] == [
        "It was slow.",
        "Then it was over!",
        "The end",
    ]


def test_what_only_looks_like_an_end_stays_together() -> None:
    for text in ("It scored 7.5 of 10", "See imdb.com for more", "The U.S.A"):
        assert sentences(text) == [Span(0, len(text))]


def test_quotes_belong_to_their_sentence() -> None:
    text = 'He said "no." She left.'
    assert [text[slice(*s)] for s in sentences(text)] == ['He said "no."', "She left."]


def test_a_long_sentence_is_cut_between_words() -> None:
    assert pieces("a b c d e f g h. I j.", 3) == ["a b c", "d e f", "g h.", "I j."]


def test_languages_without_spaces_are_cut_at_their_full_stops() -> None:
    text = "とても静か。美しい映画。"
    assert [text[slice(*s)] for s in sentences(text)] == ["とても静か。", "美しい映画。"]


def test_texts_do_not_run_into_each_other() -> None:
    assert split(["One two.", "Three."], words, 10) == [[Span(0, 8)], [Span(0, 6)]]


def test_an_empty_text_has_no_passages() -> None:
    assert split(["", "  \n "], words, 5) == [[], []]


@given(st.lists(st.text(alphabet="aB. !?\n\"'c。é", max_size=80), max_size=4), st.integers(1, 8))
def test_nothing_is_lost_and_only_single_words_exceed_the_limit(
    texts: list[str], limit: int
) -> None:
    for text, spans in zip(texts, split(texts, words, limit), strict=True):
        covered = "".join(text[slice(*span)] for span in spans)
        assert "".join(covered.split()) == "".join(text.split())
        assert all(a.end <= b.start for a, b in pairwise(spans))
        for span in spans:
            passage = text[slice(*span)]
            assert passage == passage.strip()
            assert len(passage.split()) <= limit


@given(st.text(max_size=200))
def test_any_text_is_covered(text: str) -> None:
    [spans] = split([text], words, 4)
    covered = "".join(text[slice(*span)] for span in spans)
    assert "".join(covered.split()) == "".join(text.split())
