from __future__ import annotations

import numpy as np

from shared.retrieval.ranking.standing import standing
from shared.snapshot.files.facts import CatalogueFacts


def order(*facts: CatalogueFacts) -> list[int]:
    return [int(row) for row in np.argsort(-standing(facts), kind="stable")]


def test_good_and_known_movies_come_first() -> None:
    assert order(
        CatalogueFacts(rating=6.0, votes=90_000),
        CatalogueFacts(rating=8.5, votes=90_000),
        CatalogueFacts(rating=9.9, votes=2),  # two votes say little
        CatalogueFacts(rating=2.0, votes=90_000),
    ) == [1, 0, 2, 3]


def test_the_number_of_reviews_serves_where_there_are_no_votes() -> None:
    assert order(CatalogueFacts(review_count=1), CatalogueFacts(review_count=30)) == [1, 0]


def test_a_catalogue_that_knows_nothing_keeps_its_order() -> None:
    assert order(CatalogueFacts(), CatalogueFacts()) == [0, 1]
    assert standing([]).shape == (0,)
