from __future__ import annotations

from collections.abc import Sequence

import pytest

from services.evaluation.original import chosen
from shared.snapshot.files.catalogue import CatalogueReview


def review(row: int, rating: float | None) -> CatalogueReview:
    return CatalogueReview(row=row, review_id=f"r{row}", movie=0, text="text", rating=rating)


@pytest.mark.parametrize(
    ("ratings", "rows"),
    [
        ([3.0, None], [0, 1]),
        ([1.0, 2.0, 3.0, 4.0, 5.0], [0, 1, 2, 3, 4]),
        ([9.0, 1.0, 5.0, 2.0, 8.0, 6.0, 7.0], [0, 1, 2, 5, 6]),  # 1, 5 6 7, 9
        ([None] * 7, [0, 1, 2, 3, 4]),
        ([None, None, 1.0, 2.0, 3.0, 4.0, None], [0, 1, 2, 3, 4]),  # too few with a rating
        ([None, 5.0, 4.0, 3.0, 2.0, 1.0, None], [1, 2, 3, 4, 5]),
    ],
)
def test_five_reviews_are_chosen_as_the_original_did(
    ratings: Sequence[float | None], rows: list[int]
) -> None:
    kept = chosen([review(row, rating) for row, rating in enumerate(ratings)])
    assert [review.row for review in kept] == rows
