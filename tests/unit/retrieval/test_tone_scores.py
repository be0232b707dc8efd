"""How tones change scores: not at all without a mood, and never in the wrong direction."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from shared.retrieval.moods.tones import TONES
from shared.retrieval.query import SearchQuery
from shared.retrieval.ranking import tone_scores
from shared.retrieval.ranking.scoring import zscore

Scores = npt.NDArray[np.float64]
SCORES = arrays.arrays(
    np.float64, 6, elements=st.floats(-4, 4).map(lambda value: round(value, 3))
)  # fmt: skip
SHARES = st.floats(0.01, 1)


def asked(text: str, **fields: object) -> SearchQuery:
    """A query with a vector for each of its texts."""
    query = SearchQuery(text=text, **fields)  # type: ignore[arg-type]
    draw = np.random.default_rng(3)
    vectors = draw.normal(size=(len(query.texts()), 8)).astype(np.float32)
    return query.with_vectors(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


@pytest.mark.parametrize("text", ["korean thriller", "a boxer in the rain", "Tom Hanks"])
def test_a_topic_has_no_tones(text: str) -> None:
    query = asked(text)
    assert query.texts() == [text]
    assert tone_scores.searched_mood(query) is None
    assert tone_scores.unwelcome(query) == []


def test_the_tones_of_a_mood_are_encoded_once_and_kept_by_name() -> None:
    query = asked("heartwarming and sad", avoid="too violent")
    names = list(query.tone_vectors)
    assert len(set(names)) == len(names) > 3
    assert query.texts()[2:] == [TONES[name].sentence for name in names]
    assert {"warm", "sad", "bleak", "violent"} <= set(names)


@pytest.mark.parametrize("mode", ["semantic", "lexical"])
def test_other_modes_have_no_tones(mode: str) -> None:
    query = asked("cheer me up", mode=mode, evidence=0)
    assert not query.tone_vectors
    assert tone_scores.searched_mood(query) is None


def test_a_query_without_the_vectors_of_its_tones_is_ranked_by_its_text() -> None:
    query = SearchQuery(text="cheer me up", vector=np.ones(8, np.float32))
    assert query.mood is not None
    assert tone_scores.searched_mood(query) is None
    assert tone_scores.unwelcome(query) == []


def test_a_mood_counts_less_beside_a_liked_movie() -> None:
    alone, beside = (
        tone_scores.searched_mood(asked("funnier", like=liked)) for liked in ((), ("tt1",))
    )
    assert alone is not None
    assert beside is not None
    assert beside.share == tone_scores.LIKED_SHARE * alone.share


def test_what_is_avoided_costs_the_same_whatever_the_text_is() -> None:
    topic = tone_scores.unwelcome(asked("gangsters", avoid="violence"))
    mood = tone_scores.unwelcome(asked("cheer me up", avoid="violence"))
    assert [cost for _, cost in topic] == [tone_scores.AVOIDED_WEIGHT]
    assert [cost for _, cost in mood] == [tone_scores.AVOIDED_WEIGHT, tone_scores.SHUNNED_WEIGHT]


def test_merged_tones_are_between_their_tones() -> None:
    vectors = dict(zip(("funny", "sad"), np.eye(2, dtype=np.float32), strict=True))
    merged = tone_scores.merged({"funny": 1.0, "sad": 0.3}, vectors)
    assert np.linalg.norm(merged.vector) == pytest.approx(1)
    assert merged.vector[0] > merged.vector[1] > 0
    assert "hilarious" in merged.text
    assert "heartbreaking" not in merged.text  # it counts too little for its words


def test_opposite_vectors_are_merged_to_nothing() -> None:
    side = np.array([1, 0], np.float32)
    merged = tone_scores.merged({"funny": 1.0, "sad": 1.0}, {"funny": side, "sad": -side})
    assert not merged.vector.any()


@given(SCORES, SCORES, SHARES)
def test_more_of_what_is_sought_is_never_worse(scores: Scores, suits: Scores, share: float) -> None:
    before = tone_scores.with_sought(scores, suits, share)
    better = suits.copy()
    better[2] += 1
    after = tone_scores.with_sought(scores, better, share)
    assert after[2] > before[2]
    assert np.array_equal(np.delete(after, 2), np.delete(before, 2))


@given(SCORES, SCORES)
def test_the_share_of_the_mood_is_what_the_tones_count(scores: Scores, suits: Scores) -> None:
    none, half, whole = (tone_scores.with_sought(scores, suits, share) for share in (0, 0.5, 1))
    assert none == pytest.approx(zscore(scores))
    assert half == pytest.approx((none + whole) / 2)


@given(SCORES, SHARES)
def test_tones_that_all_movies_have_change_no_order(scores: Scores, share: float) -> None:
    ranked = tone_scores.with_sought(scores, np.full(6, 0.7), share)
    assert np.array_equal(
        np.argsort(-ranked, kind="stable"), np.argsort(-zscore(scores), kind="stable")
    )


@given(SCORES, st.floats(0, 2))
def test_only_more_than_the_catalogue_has_is_lost(stands_out: Scores, weight: float) -> None:
    lost = tone_scores.lost(stands_out, weight)
    assert (lost >= 0).all()
    assert not lost[stands_out <= 0].any()
    order = np.argsort(stands_out)
    assert (np.diff(lost[order]) >= 0).all()
