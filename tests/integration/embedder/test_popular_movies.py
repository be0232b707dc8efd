"""A movie with thousands of reviews: all are kept, and few of its passages are searched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from services.embedder.consumer import ReviewConsumer
from services.embedder.database.engine import open_engine
from services.embedder.database.work_list import WorkList
from services.embedder.encoding import encode_reviews
from services.embedder.publishing import publisher
from services.embedder.publishing.passage_choice import MOST_PASSAGES
from services.embedder.publishing.pooling import pool
from shared.delivery.messages import MovieMessage, ReviewMessage
from shared.delivery.streams import Entry
from shared.record import MovieRecord, ReviewRecord
from shared.retrieval.searcher import Searcher, SearchQuery
from shared.snapshot.reader import Snapshot, open_snapshot
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.tour import journey

POPULAR, OTHER = "tt0000001", "tt0000002"
REVIEWS = 2 * MOST_PASSAGES


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_engine(f"sqlite:///{tmp_path / 'movies.sqlite'}")
    yield opened
    opened.dispose()


async def store(engine: Engine, encoder: HashEncoder, movie_id: str, texts: list[str]) -> None:
    sent: list[MovieMessage | ReviewMessage] = [
        MovieMessage(run_id="r1", source="site", movie=MovieRecord(movie_id, title=movie_id)),
        *(
            ReviewMessage(
                run_id="r1",
                source="site",
                review=ReviewRecord(review_id=f"site:{movie_id}-{n}", movie_id=movie_id, text=text),
            )
            for n, text in enumerate(texts)
        ),
    ]
    entries = [Entry(f"{number}-0", message.to_fields()) for number, message in enumerate(sent, 1)]
    await ReviewConsumer(engine, on_stored=lambda _: None).handle(entries)
    work = WorkList(engine, encoder.spec.encoder_id)
    while tasks := work.claim(1_000, "test"):
        work.save(encode_reviews(encoder, tasks))


def opened(tmp_path: Path) -> Snapshot:
    snapshots = SnapshotStore(tmp_path / "snapshots")
    return open_snapshot(snapshots, snapshots.current().snapshot_id)


async def test_few_passages_of_a_popular_movie_are_searched(engine: Engine, tmp_path: Path) -> None:
    encoder = HashEncoder()
    texts = [f"Viewer number{n} liked scene{n % 97}." for n in range(REVIEWS)]
    await store(engine, encoder, POPULAR, texts)
    await store(engine, encoder, OTHER, ["A quiet walk along the sea."])
    journey.publisher(engine, encoder, tmp_path).publish()
    snapshot = opened(tmp_path)
    movie = snapshot.catalogue.movie(POPULAR)
    assert movie is not None
    assert (movie.review_count, movie.passage_count) == (REVIEWS, MOST_PASSAGES)
    assert len(snapshot.catalogue.reviews_of(movie.row)) == REVIEWS
    # Each passage is quoted from its own review.
    passages = snapshot.catalogue.passages(
        range(movie.passage_start, movie.passage_start + movie.passage_count)
    )
    said = {review.review_id: review.text for review in snapshot.catalogue.reviews_of(movie.row)}
    assert all(passage.text in said[passage.review_id] for passage in passages)
    # All reviews count in the pooled vector, and their words are found.
    [vector] = snapshot.index.vectors()[[movie.row]]
    pooled = pool(encoder.encode_passages(texts).astype(np.float16))
    assert pooled is not None
    assert float(vector @ pooled) > 0.99
    searcher = Searcher(snapshot)
    for n in (0, REVIEWS // 2, REVIEWS - 1):
        text = f"number{n}"
        query = SearchQuery(text=text, vector=encoder.encode_queries([text])[0])
        assert searcher.search(query).hits[0].movie.movie_id == POPULAR


async def test_a_popular_movie_of_an_earlier_version_is_written_again(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = HashEncoder()
    await store(engine, encoder, POPULAR, [f"Scene number{n}." for n in range(REVIEWS)])
    for n in range(6):
        await store(engine, encoder, f"tt000001{n}", [f"A quiet walk number{n}."])
    with monkeypatch.context() as earlier:
        earlier.setattr(publisher, "chosen_passages", list)
        journey.publisher(engine, encoder, tmp_path).publish()
    assert opened(tmp_path).catalogue.most_passages() == REVIEWS
    await store(engine, encoder, OTHER, ["Another movie came."])
    journey.publisher(engine, encoder, tmp_path).publish()
    assert opened(tmp_path).catalogue.most_passages() == MOST_PASSAGES
