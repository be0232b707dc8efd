"""Whether a sentence pans a movie."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.retrieval.evidence.evaluative import MERITS, PAN, PRAISE, WEAK_PAN
from shared.retrieval.evidence.families import plain, words_of
from shared.retrieval.evidence.polarity import is_low, is_pan

PANS = (
    "Joyless, glacial.",
    "The most overrated movie of the decade.",
    "A complete waste of time.",
    "I was bored from start to finish.",
    "Tedious and pretentious.",
    "It is not worth watching.",
    "I would not recommend it.",
    "The acting is terrible.",
    "A bad script and poor direction.",
    "This isn't entertaining.",
    "Not good.",
    "One of the worst films I ever saw.",
    "What a disappointment.",
    "It never works.",
    "It drags, and the ending is ridiculous.",
    "Dull, dull, dull!",
    "I hated every minute.",
    "Nobody enjoyed this.",
    "The jokes are lame and the plot is stupid.",
    "There is nothing original here.",
    "It is a mess of a film.",
    "I give it 2/10.",
    "3 out of 10 from me.",
    "It lacks depth.",
    "Sucks!",
    "A snooze without any chemistry.",
    "I couldn't recommend this less.",
    "It was underwhelming.",
    "Shallow, predictable, corny.",
    "So bland that I left.",
)
NO_PANS = (
    "A quiet walk along the sea.",
    "Never boring.",
    "There is not a dull moment.",
    "A terrible war, told without hatred.",
    "The city is ugly and the rain is cold.",
    "Brilliant, moving, perfect.",
    "The middle is slow, but the rest is great.",
    "It is not bad at all.",
    "A stupid king and a clever fool.",
    "He fails, and gets up again.",
    "I give it 9/10.",
    "It was 2/10/1999 when I saw it.",
    "Nothing here is boring or pretentious.",
    "The villain hates everybody.",
    "She is annoyed by her brother.",
    "You will not be disappointed.",
    "A wonderful film, if a little predictable.",
    "Two men on a slow boat.",
    "It tells of poor people in a poor town.",
    "No waste, no fat.",
    "They are bad men who do good.",
    "Some call it boring; I love it, it is beautiful and wise.",
    "Ein langweiliger Film.",
    "She makes a mess of the kitchen.",
    "The hero is weak.",
    "10 great songs.",
    "It isn't overlong.",
    "I was never bored.",
    "Not only good but great.",
    "It couldn't be better.",
)


def pans(sentence: str, rating: float | None = None) -> bool:
    return is_pan(plain(sentence), rating)


@pytest.mark.parametrize("sentence", PANS)
def test_a_pan_is_found(sentence: str) -> None:
    assert pans(sentence)


@pytest.mark.parametrize("sentence", NO_PANS)
def test_a_story_and_a_praise_are_no_pans(sentence: str) -> None:
    assert not pans(sentence)


def test_a_passage_of_a_praising_review_must_pan_more_plainly() -> None:
    sentence = "I was bored at first."
    assert pans(sentence)
    assert pans(sentence, 6.0)
    assert not pans(sentence, 9.0)
    assert pans("Boring, pretentious, dull.", 9.0)


def test_ratings() -> None:
    assert is_low(0.0)
    assert is_low(4.0)
    assert not is_low(4.5)
    assert not is_low(None)


_VALUED = PAN | WEAK_PAN | PRAISE | MERITS | {"10"}


@given(st.text("abcdefgh .,!", max_size=60))
def test_a_text_without_a_word_of_value_is_no_pan(text: str) -> None:
    if _VALUED.isdisjoint(words_of(text)):
        assert not pans(text)


@given(st.sampled_from(sorted(PAN)), st.sampled_from(("movie", "town", "evening")))
def test_praise_outweighs_a_word(word: str, noun: str) -> None:
    assert pans(f"a {word} {noun}")
    assert not pans(f"a {word} {noun}, beautiful and wonderful")
