"""The words and names of a snapshot's reviews."""

from __future__ import annotations

import pytest

from shared.retrieval.searcher import Searcher, SearchQuery
from shared.retrieval.vocabulary import vocabulary
from shared.snapshot.reader import Snapshot, open_snapshot
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.snapshots import SampleMovie, SnapshotBuilder

REVIEWS = (
    "Here Otto Brandvold plays a boxer. Rain falls, and Brandvold is quiet.",
    "Once more Otto Brandvold is the boxer. Rain again.",
    "The boxer meets Mira, who is hardy. I like Otto Brandvold, and the rain.",
    "Hardy people in the rain. They are hardy, as Kate Hardy is. A boxer, too.",
)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    store = SnapshotStore(tmp_path_factory.mktemp("store") / "snapshots")
    movies = [
        SampleMovie(f"tt{n}", (text,), f"Story {n}") for n, text in enumerate(REVIEWS, start=1)
    ]
    SnapshotBuilder(store, HashEncoder(dim=16)).publish(movies)
    return open_snapshot(store, store.current().snapshot_id)


def test_words_have_their_numbers_of_movies(snapshot: Snapshot) -> None:
    movies = vocabulary(snapshot).movies
    assert (movies["boxer"], movies["brandvold"], movies["mira"]) == (4, 3, 1)


def test_a_name_has_a_capital_letter_within_a_sentence(snapshot: Snapshot) -> None:
    """A word that begins sentences only is no name, and neither is one that is mostly a word."""
    names = vocabulary(snapshot).names
    assert names == {"otto", "brandvold", "mira", "kate"}


def test_a_slip_in_the_name_of_somebody_whom_only_reviews_name(snapshot: Snapshot) -> None:
    query = Searcher(snapshot).interpreted(SearchQuery(text="Otto Brnadvold"))
    assert query.searched_text == "Otto Brandvold"
