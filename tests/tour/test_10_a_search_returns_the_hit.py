"""Step 10: a search over HTTP returns the hit with its evidence.

``services.query.app`` composes the query service. ``services.query.api.search`` validates a request
and hands it to the work thread (``services.query.serving.batching``), which encodes the query with
the snapshot's own encoder and searches. A request is answered from one snapshot from beginning to
end, and the answer names it.
"""

from pathlib import Path

from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import always, query_settings, running_query


async def test_a_search_returns_the_hit(
    snapshots: SnapshotStore, encoder: HashEncoder, tmp_path: Path
) -> None:
    async with running_query(query_settings(tmp_path), always(encoder)) as service:
        await service.reload()
        request = {"query": "a warm fishing village in winter", "k": 1}
        response = await service.client.post("/search", json=request)

    assert response.status_code == 200
    answer = response.json()
    assert answer["snapshot_id"] == snapshots.current().snapshot_id
    [hit] = answer["hits"]
    assert hit["movie"]["title"] == "The Quiet Harbour"
    assert hit["movie"]["url"] == "https://movies.example/harbour"
    assert "fishing village" in hit["evidence"][0]["text"]
