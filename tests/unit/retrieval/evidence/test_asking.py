"""What a query asks for, what it avoids, and which words are marked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.retrieval.evidence.asking import Asked, asked_by
from shared.retrieval.evidence.describing import described
from shared.retrieval.evidence.families import beginnings, family, is_content, plain, words_of
from shared.retrieval.evidence.marking import marks
from shared.snapshot.files.catalogue import CatalogueMovie


def contradicts(asked: Asked, sentence: str) -> bool:
    text = plain(sentence)
    return asked.contradicted_by(text, asked.found_in(text))


def marked(text: str, query: str, avoided: str | None = None) -> list[str]:
    asked = asked_by([query], [avoided])
    folded = plain(text)
    found = asked.found_in(folded)
    return [text[start:end] for start, end in marks(text, asked, found)]


@pytest.mark.parametrize(
    "words",
    [
        ("relaxing", "relaxed", "relaxes", "relax"),
        ("funny", "funnier", "funniest", "funnily"),
        ("lonely", "loneliness"),
        ("hope", "hopeful", "hoping"),
        ("scary", "scared", "scares"),
        ("stories", "story"),
        ("stopped", "stopping", "stop"),
        ("cry", "cried", "cries", "crying"),
    ],
)
def test_inflections_are_one_family(words: tuple[str, ...]) -> None:
    assert len(set(map(family, words))) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("honest", "honey"), ("quiet", "quite"), ("string", "strange"), ("king", "kind"),
     ("universe", "university"), ("hope", "hopeless"), ("funny", "unfunny")],
)  # fmt: skip
def test_other_words_are_other_families(one: str, other: str) -> None:
    assert family(one) != family(other)


@given(st.text("abcdeilnrstuy", min_size=1, max_size=12))
def test_a_word_begins_as_its_family_does(word: str) -> None:
    assert word.startswith(beginnings(frozenset((family(word),))))


@pytest.mark.parametrize(
    ("sentence", "is_told"),
    [
        ("Blood everywhere.", True),
        ("It is gory.", True),
        ("Not gory at all.", False),
        ("There is no blood in it.", False),
        ("A scary house.", False),
    ],
)
def test_what_is_avoided_is_not_told_of(sentence: str, is_told: bool) -> None:
    assert contradicts(asked_by(["scary but not gory", "scary"], ["gory"]), sentence) is is_told


def test_the_words_of_a_phrase_are_avoided_together() -> None:
    asked = asked_by(["romance"], ["sad ending"])
    assert contradicts(asked, "A romance with a sad sort of ending.")
    assert not contradicts(asked, "A romance with a happy ending. She is sad at first.")
    either = asked_by(["mystery"], ["gore and spiders"])
    assert contradicts(either, "Full of spiders.")


def test_words_are_marked_that_matter() -> None:
    passage = "It is slow, relaxed and the FUNNIEST movie, not gory."
    assert marked(passage, "relaxing and funny movie") == ["relaxed", "FUNNIEST"]
    assert marked("A sad and funny period piece.", "funny and sad, maybe a period piece") == [
        "sad and funny period piece"
    ]
    assert marked("The warden swore.", "war") == []
    asked = asked_by(["war"], [])
    text = "A warden, a prewar car, the war."
    assert marks(text, asked, asked.found_in(text.lower())) == ((28, 31),)
    assert marked("Scary, and gory too.", "scary but not gory", "gory") == ["Scary"]
    assert marked("Une comédie légère – 😀 comedie", "comédie") == ["comédie", "comedie"]


@given(st.text(max_size=60), st.text("abcdefunyscari ", min_size=1, max_size=20))
def test_marks_are_apart_and_in_order_and_begin_with_words_of_the_query(
    text: str, query: str
) -> None:
    asked = asked_by([query], [])
    folded = plain(text)
    spans = marks(text, asked, asked.found_in(folded))
    at = 0
    for start, end in spans:
        assert at <= start < end <= len(text)
        at = end
        first = words_of(plain(text[start:end]))[0]
        assert is_content(first)
        assert family(first) in asked.families


def movie(description: str | None) -> CatalogueMovie:
    return CatalogueMovie(
        movie_id="tt1", description=description, row=0, review_count=0, passage_start=0,
        passage_count=0,
    )  # fmt: skip


def test_the_description_is_quoted_where_no_viewer_says_it() -> None:
    told = movie("It rains. A boxer gets one shot at the champion.")
    asked = asked_by(["a boxer and a champion"], [])
    quoted = described(told, asked, said=0, is_reviewed=True)
    assert quoted is not None
    assert quoted.kind == "description"
    assert quoted.passage.text == "A boxer gets one shot at the champion."
    assert [quoted.passage.text[start:end] for start, end in quoted.marks] == ["boxer", "champion"]
    assert quoted.score == 1.0
    assert described(told, asked, said=1, is_reviewed=True) is None
    assert described(movie(None), asked, said=0, is_reviewed=False) is None


def test_one_word_of_several_is_enough_only_without_reviews() -> None:
    told = movie("A boxer walks home.")
    asked = asked_by(["a boxer and a champion"], [])
    assert described(told, asked, said=0, is_reviewed=True) is None
    quoted = described(told, asked, said=0, is_reviewed=False)
    assert quoted is not None
    assert quoted.score == 0.5


def test_the_description_does_not_contradict_either() -> None:
    told = movie("Not a funny story.")
    assert described(told, asked_by(["funny"], []), said=0, is_reviewed=False) is None
