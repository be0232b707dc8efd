"""The records: their bounds, and what is derived from their fields."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from services.embedder.database.models import MOVIES, REVIEWS
from services.embedder.database.review_store import content_sha256
from shared.record import (
    MOVIE_FIELDS,
    REVIEW_FACTS,
    RecordField,
    ReviewRecord,
    validated_movie,
    validated_review,
)


def test_fields_tell_their_types_and_bounds() -> None:
    by_name = {field.name: field for field in MOVIE_FIELDS}
    assert by_name["movie_id"] == RecordField("movie_id", str, True, 64, None, False)
    assert by_name["genres"] == RecordField("genres", tuple, False, 64, 20, False)
    assert by_name["url"] == RecordField("url", str, False, 2048, None, True)
    assert by_name["votes"] == RecordField("votes", int, False, None, None, False)
    assert {field.name: field.type for field in REVIEW_FACTS}["spoiler"] is bool


def test_sql_has_a_column_for_each_field() -> None:
    movies, reviews = MOVIES.columns, REVIEWS.columns
    assert {field.name for field in MOVIE_FIELDS} <= set(movies.keys())
    assert {field.name for field in REVIEW_FACTS} <= set(reviews.keys())
    assert not movies["people"].nullable  # an earlier database gets the column: it has a default
    assert movies["people"].server_default is not None


@pytest.mark.parametrize(
    "facts",
    [
        {"year": 1066}, {"rating": 11.0}, {"runtime_minutes": 0}, {"votes": -1}, {"url": "x"},
        {"people": ["a\x00b"]}, {"genres": ["x" * 65]}, {"surprise": 1},
    ],
)  # fmt: skip
def test_a_fact_beyond_its_bounds_is_refused(facts: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        validated_movie({"movie_id": "tt1", **facts})


def test_a_day_that_does_not_exist_is_refused() -> None:
    review = {"review_id": "r", "movie_id": "m", "text": "t"}
    assert validated_review({**review, "published": "2020-02-29"}).published == "2020-02-29"
    with pytest.raises(ValidationError):
        validated_review({**review, "published": "2021-02-29"})


def test_the_hash_of_a_review_is_that_of_earlier_versions() -> None:
    """Made at commit c8131ff; another hash would store and publish every review once more."""
    review = ReviewRecord(
        review_id="site:1", movie_id="tt1", text="Slow — “fine”.\n\tOh", rating=9.0, title="T",
        published="2019-03-04", spoiler=True,
    )  # fmt: skip
    expected = "1693f50d4843f62ffb036df09a530059cc6715a351e346ffb5377ede83599d64"
    assert content_sha256(review) == expected
