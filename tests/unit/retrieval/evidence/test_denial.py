"""Whether a sentence denies what is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.retrieval.evidence.asking import asked_by
from shared.retrieval.evidence.denial import asserted, denies, may_deny, tokens_of
from shared.retrieval.evidence.families import family, is_content, plain, words_of
from shared.retrieval.evidence.negators import ABSENT, REACH

DENIED = (
    ("relaxing", "This is hardly relaxing."),
    ("relaxing", "Not for relaxing."),
    ("funny", "It isn't funny at all."),
    ("scary", "There is nothing scary about it."),
    ("funny", "It fails to be funny."),
    ("funny", "The jokes are never funny."),
    ("funny", "I did not laugh once."),
    ("funny", "It is supposed to be funny."),
    ("funny", "Unfunny from the first minute."),
    ("humor", "A humorless bore."),
    ("funny", "Funny it is not."),
    ("funny", "Funny? Hardly."),
    ("funny", "It is more annoying than funny."),
    ("scary", "I don't think it's scary."),
    ("scary", "Far from scary."),
    ("scary", "Anything but scary!"),
    ("romance", "There is no romance here."),
    ("romance", "The romance is completely missing."),
    ("romance", "It lacks any real romance."),
    ("violence", "A film without violence."),
    ("violence", "Free of violence."),
    ("funny", "Neither clever nor funny."),
    ("funny", "It could have been funny."),
    ("funny", "It tries so hard to be funny."),
    ("funny", "Too slow to be funny."),
    ("relaxing", "I would not call this a relaxing movie."),
    ("relaxing", "It was barely relaxing."),
    ("scary", "Nothing frightening happens."),
    ("sad", "I wasn't sad for a second."),
    ("comedy", "This is not a comedy."),
    ("funny", "The least funny entry of the series."),
    ("suspense", "There is very little suspense."),
    ("suspense", "Suspense is nowhere to be found."),
    ("hope", "A hopeless story."),
    ("scary", "Less scary than the first one."),
    ("funny", "A failed attempt at humour."),
    ("funny", "Nobody in the room laughed."),
    ("relaxing", "You can't relax during this."),
    ("funny", "I kept waiting for the comedy, which isn't funny."),
    ("exciting", "Never once does it become exciting."),
    ("sad", "Not sad, not moving, just long."),
    ("violent", "The fights are bloodless."),
    ("sad", "It is a comedy, and nothing about it is sad."),
    ("twist", "There is no twist, only a long walk."),
    ("relaxing", "Instead of being relaxing it grates."),
    ("romantic", "None of it is romantic."),
)
SAID = (
    ("funny", "Not only funny but wise."),
    ("funny", "Never fails to be funny."),
    ("funny", "It couldn't be funnier."),
    ("funny", "I have never laughed so hard."),
    ("funny", "You can't help laughing."),
    ("funny", "I couldn't stop laughing."),
    ("funny", "Never boring, it is very funny."),
    ("funny", "Not a long film, but a funny one."),
    ("funny", "It is not without humour."),
    ("relaxing", "No doubt a relaxing evening."),
    ("relaxing", "It is not long and it's relaxing."),
    ("funny", "You won't find a funnier film."),
    ("comedy", "Not your typical comedy."),
    ("comedy", "This isn't a typical comedy."),
    ("scary", "No other film is as scary as this."),
    ("scary", "Don't miss this scary ride."),
    ("scary", "It is scary without being gory."),
    ("relaxing", "Relaxing, and never dull."),
    ("funny", "Funny, though not for everyone."),
    ("funny", "The script never lacks humour."),
    ("sad", "If not the saddest film, then close."),
    ("relaxing", "Calm and relaxing."),
    ("funny", "Without a doubt the funniest film of the year."),
    ("funny", "I expected nothing. It was hilarious."),
    ("funny", "Nothing is as funny as this scene."),
    ("funny", "More than funny: wise."),
    ("sad", "It is not just sad."),
    ("scary", "Why not watch something scary?"),
    ("funny", "I don't like comedies, but this one is funny."),
    ("tense", "So tense I could hardly breathe."),
    ("space", "There is no sound in space."),
    ("dance", "She may dance here forever."),
    ("cry", "He cried and I cried."),
    ("suspense", "Full of suspense, without a dull scene."),
    ("quiet", "Der Film ist sehr quiet."),
)


def contradicts(asked: str, sentence: str) -> bool:
    text = plain(sentence)
    query = asked_by([asked], [])
    return query.contradicted_by(text, query.found_in(text))


@pytest.mark.parametrize(("asked", "sentence"), DENIED)
def test_a_denial_is_found(asked: str, sentence: str) -> None:
    assert contradicts(asked, sentence)


@pytest.mark.parametrize(("asked", "sentence"), SAID)
def test_what_is_said_is_no_denial(asked: str, sentence: str) -> None:
    assert not contradicts(asked, sentence)


def test_a_denial_does_not_leave_its_sentence() -> None:
    assert not contradicts("funny", "It is not long. It is funny!")
    assert not contradicts("funny", "Not one actor is known (and it is funny).")


def test_a_word_that_is_used_for_another_is_denied_with_it() -> None:
    assert contradicts("scary", "Nothing frightening happens.")
    assert not contradicts("scary", "No romance, nothing sweet.")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("a twist nobody sees coming", ["twist"]),
        ("weird film that makes no sense", ["weird"]),
        ("nothing too heavy, i had a long day", ["long", "day"]),
        ("scary but not gory", ["scary"]),
        ("a superhero movie for people who don't like superhero movies", ["superhero"]),
    ],
)
def test_the_words_of_a_query_that_it_does_not_deny(query: str, words: list[str]) -> None:
    assert [word for word in asserted(query) if word.isalpha() and is_content(word)] == words


_NEGATIONS = {word for phrase in REACH for word in phrase.split()} | ABSENT | {"too", "than", "it"}
_WORDS = st.text("abcdefgh' ,.", min_size=1, max_size=40).filter(
    lambda text: _NEGATIONS.isdisjoint(words_of(text)) and "n't" not in text and "less" not in text
)


@given(before=_WORDS, after=_WORDS)
def test_a_sentence_without_a_negation_denies_nothing(before: str, after: str) -> None:
    sentence = f"{before} funny {after}"
    assert not contradicts("funny", sentence)
    assert not contradicts("funny", sentence.replace(",", "?"))


@given(
    words=st.lists(
        st.sampled_from(["not", "funny", "never", "but", ",", "it", "is", "so", "too", "to", "be",
                         "without", "than", "more", "?", "hardly", "jokes", "unfunny", "fails"]),
        max_size=14,
    )
)  # fmt: skip
def test_the_first_look_misses_no_denial(words: list[str]) -> None:
    text = " ".join(words)
    asked = frozenset((family("funny"),))
    if denies(tokens_of(text), asked):
        said = {word for word in words_of(text) if family(word) in asked}
        assert may_deny(text, words_of(text), said)
