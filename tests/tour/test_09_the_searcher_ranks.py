"""Step 9: a searcher ranks the movies of one open snapshot.

``shared.retrieval.searcher`` takes a query as text and vector. In the default mode, hybrid, the
best movies by vectors and the best by words are scored together (``shared.retrieval.ranking``).
Each hit carries the passages of its reviews that are nearest to the query: its evidence.
"""

from shared.retrieval.query import SearchQuery
from shared.retrieval.searcher import Searcher
from shared.snapshot.reader import open_snapshot
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder


def test_the_searcher_ranks(snapshots: SnapshotStore, encoder: HashEncoder) -> None:
    searcher = Searcher(open_snapshot(snapshots, snapshots.current().snapshot_id))
    text = "a warm fishing village in winter"
    [vector] = encoder.encode_queries([text])

    page = searcher.search(SearchQuery(text=text, vector=vector, evidence=1))

    assert page.matched == 2
    first, second = page.hits
    assert [first.movie.title, second.movie.title] == ["The Quiet Harbour", "Night Chase"]
    assert first.score > second.score
    [evidence] = first.evidence
    assert "fishing village" in evidence.passage.text
    assert evidence.passage.review_id == "site:tt0000001:1"
