"""Which texts are moods, and which tones they ask for."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.retrieval.moods.feelings import FEELINGS
from shared.retrieval.moods.mood_reader import MOST_WORDS, read_mood, tones_of
from shared.retrieval.moods.occasions import OCCASIONS
from shared.retrieval.moods.tones import TONES

PHRASES = [phrase for of in (*OCCASIONS, *FEELINGS) for phrase in of.phrases.split("|")]
MOODS = [
    ("a rainy Sunday with the whole family", {"warm", "family"}, {"violent", "scary", "bleak"}),
    ("I can't sleep", {"light", "warm"}, {"scary", "tense"}),
    ("hungover on the sofa", {"light", "funny"}, {"bleak"}),
    ("my boyfriend left me", {"warm", "funny"}, {"sad", "bleak"}),
    ("movie night with pizza and beer", {"funny", "action"}, {"slow"}),
    ("something for our first date", {"romantic"}, {"violent"}),
    ("watching with my grandparents", {"warm", "light"}, {"violent", "sexy"}),
    ("what can my 7-year-old watch?", {"family"}, {"scary"}),
    ("I had a fight with my best friend", {"warm"}, {"sad"}),
    ("makes me hungry", {"culinary"}, set()),
    ("edge-of-your-seat tension", {"tense"}, set()),
    ("blow my mind", {"mind-bending"}, set()),
    ("I want a good cry", {"sad", "moving"}, {"funny"}),
    ("restores faith in people", {"inspiring", "hopeful"}, {"bleak"}),
    ("bittersweet and lonely", {"melancholy"}, {"action"}),
    ("feel-good, heartwarming", {"warm"}, {"bleak"}),
    ("dark humour", {"black comedy"}, set()),
    ("trust no one", {"paranoid"}, set()),
]  # fmt: skip
TOPICS = [
    "korean thriller", "zombie movie", "courtroom drama", "western showdown", "romance",
    "the battle of Stalingrad", "a chess player", "Tom Hanks", "heist", "space", "", "?!",
    "a divorced father and his son",  # about the movie's people, and not about who asks
    "children of a village in Iran", "pizza delivery", "two friends in Paris",
    "a party that gets out of hand",
]  # fmt: skip


@pytest.mark.parametrize(("text", "sought", "shunned"), MOODS)
def test_a_mood_asks_for_tones(text: str, sought: set[str], shunned: set[str]) -> None:
    mood = read_mood(text)
    assert mood is not None
    assert sought <= mood.sought.keys()
    assert shunned <= mood.shunned.keys()
    assert not mood.sought.keys() & mood.shunned.keys()
    assert 0.4 < mood.share <= 1


@pytest.mark.parametrize("text", TOPICS)
def test_a_topic_is_no_mood(text: str) -> None:
    assert read_mood(text) is None


def test_a_description_is_no_mood() -> None:
    text = "A sad boy and his funny, scary, heartwarming grandmother cry and laugh in the rain"
    assert len(text.split()) > MOST_WORDS
    assert read_mood(text) is None
    assert not tones_of(text)


def test_the_more_of_the_text_is_a_mood_the_more_it_counts() -> None:
    texts = ("funny", "funny gangsters", "funny gangsters in Chicago with machine guns")
    shares = [mood.share for text in texts if (mood := read_mood(text)) is not None]
    assert len(shares) == len(texts)
    assert shares == [1, pytest.approx(1 / 4), pytest.approx(1 / 25)]  # the square of the share


def test_who_speaks_of_themselves_wants_a_mood() -> None:
    said, told = read_mood("I want gangsters and tears"), read_mood("gangsters and tears")
    assert said is not None
    assert told is not None
    assert said.share > told.share


@pytest.mark.parametrize(
    ("text", "searched"),
    [
        ("a rainy Sunday with the whole family", ""),
        ("sick in bed, need pirates", "need pirates"),
        ("I had a long day", ""),
        ("slow creeping dread", "slow creeping dread"),
        ("relaxing period piece", "period piece"),
    ],
)
def test_what_is_said_of_the_asker_is_not_searched(text: str, searched: str) -> None:
    mood = read_mood(text)
    assert mood is not None
    assert mood.text == searched


def test_one_part_of_a_text_does_not_shun_what_another_asks_for() -> None:
    mood = read_mood("halloween with the kids")  # children should not be frightened, usually
    assert mood is not None
    assert mood.sought["scary"] == 1
    assert "scary" not in mood.shunned


@pytest.mark.parametrize(
    ("text", "tones"),
    [
        ("blood or violence", {"violent"}),
        ("too heavy", {"bleak", "sad"}),
        ("sugary", {"warm", "family"}),
        ("Star Wars", set()),
        ("sports", set()),
    ],
)
def test_what_is_avoided_names_tones(text: str, tones: set[str]) -> None:
    assert set(tones_of(text)) == tones


@given(st.lists(st.sampled_from([*PHRASES, "gangsters", "in", "I", "42", "…"]), max_size=5))
def test_any_phrases_make_a_whole_mood(parts: list[str]) -> None:
    text = ", ".join(part.replace("*", "").replace("#", "7") for part in parts)
    mood = read_mood(text)
    if mood is not None:
        assert mood.sought
        assert 0 < mood.share <= 1
        assert not mood.sought.keys() & mood.shunned.keys()
        assert set(re.findall(r"\w+", mood.text)) <= set(re.findall(r"\w+", text))


@given(st.text(max_size=80))
def test_no_text_fails(text: str) -> None:
    read_mood(text)
    tones_of(text)


def test_case_and_punctuation_do_not_matter() -> None:
    written = read_mood("I'm SICK in bed!")
    plain = read_mood("im sick in bed")
    assert written is not None
    assert plain is not None
    assert (written.sought, written.shunned) == (plain.sought, plain.shunned)


def test_the_phrases_are_written_as_texts_are_folded() -> None:
    assert len(PHRASES) > 500
    assert len(set(PHRASES)) == len(PHRASES)
    for phrase in PHRASES:
        assert phrase == phrase.lower().strip()
        assert not set(phrase) & set("'’-,.")
        words = phrase.split()
        assert all("*" not in word[:-1] for word in words)
        assert not words[0].endswith("*") or len(words[0]) > 3


def test_the_phrases_name_tones() -> None:
    for of in (*OCCASIONS, *FEELINGS):
        weights = {**of.sought, **of.shunned}
        assert of.sought
        assert weights.keys() <= TONES.keys()
        assert all(0 < weight <= 1 for weight in weights.values())
        assert not of.sought.keys() & of.shunned.keys()
