"""Step 5: reviews become vectors.

The work list (``services.embedder.database.work_list``) holds every review without vectors of the
encoder in use. ``services.embedder.encoding`` claims some, splits them into passages of whole
sentences (``shared.text.passages``), and encodes these. In production ``shared.encoder`` runs the
model; here a deterministic encoder stands in for it.
"""

import numpy as np
from sqlalchemy import Engine

from services.embedder.database.work_list import WorkList
from services.embedder.encoding import encode_reviews
from tests.support.embedder.encoders import HashEncoder


def test_reviews_are_encoded(stored: Engine, encoder: HashEncoder) -> None:
    work = WorkList(stored, encoder.spec.encoder_id)
    items = work.claim(100, "tour")
    assert len(items) == 3

    encoded = encode_reviews(encoder, items)
    work.save(encoded)
    assert work.backlog_size() == 0

    texts = {item.review_id: item.text for item in items}
    for review in encoded:
        passages = [texts[review.review_id][start:end] for start, end in review.spans]
        assert "".join(passages).replace(" ", "") == texts[review.review_id].replace(" ", "")
        lengths = np.linalg.norm(review.vectors.astype(np.float32), axis=1)
        np.testing.assert_allclose(lengths, 1, atol=1e-3)  # every vector has unit length
