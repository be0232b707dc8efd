"""Step 6: a movie's vector is the mean of its passages' vectors, normalised.

``services.embedder.publishing.pooling`` computes it. A long review weighs more than a short one,
because it has more passages (``docs/decisions/0004-pooling.md`` says why).
"""

import numpy as np

from services.embedder.publishing.pooling import pool
from tests.support.embedder.encoders import HashEncoder


def test_a_movie_is_the_mean_of_its_passages(encoder: HashEncoder) -> None:
    passages = encoder.encode_passages(["slow and kind", "slow and warm", "never boring"])
    vector = pool(passages)
    assert vector is not None
    np.testing.assert_allclose(np.linalg.norm(vector), 1, rtol=1e-6)

    slow, loud = encoder.encode_queries(["slow", "gunfire"])
    assert vector @ slow > vector @ loud


def test_a_movie_without_a_direction_has_no_vector() -> None:
    opposite = np.array([[1.0, 0.0], [-1.0, 0.0]], np.float32)
    assert pool(opposite) is None
