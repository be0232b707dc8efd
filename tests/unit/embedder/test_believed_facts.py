"""What is believed of a movie is a function of the set of what its sources tell."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.embedder.database.believed_facts import (
    EARLIER,
    ToldFacts,
    in_order_of_trust,
    known_facts,
    merged,
)
from shared.record import MovieRecord

facts = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(["One", "Two"]),
        "genres": st.sampled_from([["War"], ["Drama", "War"]]),
        "rating": st.sampled_from([0.0, 5.5, 9.0]),
        "votes": st.sampled_from([0, 10, 1000]),
    },
)
tellings = st.lists(
    st.builds(
        ToldFacts,
        source=st.sampled_from([EARLIER, "club", "shop", "tmdb"]),
        trust=st.integers(-2, 2),
        facts=facts,
        fetched_at=st.none(),
    ),
    unique_by=lambda told: told.source,
)


def believed(told: list[ToldFacts]) -> dict[str, Any]:
    return merged([one.facts for one in in_order_of_trust(told)])


@given(tellings, st.randoms())
def test_the_order_does_not_matter(told: list[ToldFacts], random: Random) -> None:
    assert believed(random.sample(told, len(told))) == believed(told)


@given(tellings)
def test_each_fact_is_the_most_trusted_sources(told: list[ToldFacts]) -> None:
    found = believed(told)
    for name in ("title", "genres"):
        knowing = [one for one in in_order_of_trust(told) if name in one.facts]
        assert found.get(name) == (knowing[0].facts[name] if knowing else None)
        for one in knowing:
            assert knowing[0].trust >= one.trust or EARLIER in {knowing[0].source, one.source}


@given(tellings)
def test_a_rating_and_its_votes_are_of_one_source(told: list[ToldFacts]) -> None:
    found = believed(told)
    pair = (found.get("rating"), found.get("votes"))
    assert pair in {(one.facts.get("rating"), one.facts.get("votes")) for one in told} | {
        (None, None)
    }
    assert ("rating" in found) == any("rating" in one.facts for one in told)


@given(tellings)
def test_a_source_that_is_removed_leaves_what_the_others_tell(told: list[ToldFacts]) -> None:
    for gone in told:
        left = [one for one in told if one is not gone]
        for name in ("title", "genres"):
            if name not in gone.facts:
                assert believed(left).get(name) == believed(told).get(name)


def test_only_what_is_known_is_told() -> None:
    movie = MovieRecord("tt1", title="One", votes=0, genres=("War",))
    assert known_facts(movie) == {"title": "One", "votes": 0, "genres": ["War"]}
