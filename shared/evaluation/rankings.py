"""The rankings of judged queries: the movies that a user would see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shared.encoder import Encoder
from shared.evaluation.measures import DEPTH
from shared.evaluation.query_sets import Query
from shared.retrieval.searcher import Mode, Searcher, SearchQuery


def ranked(
    searcher: Searcher,
    encoder: Encoder,
    queries: Iterable[Query],
    *,
    mode: Mode = "hybrid",
    passages: bool = True,
) -> Iterator[tuple[str, list[str]]]:
    """Search for every query.

    Args:
        searcher: Searches the snapshot.
        encoder: The snapshot's encoder.
        queries: Judged queries, encoded together.
        mode: How movies are scored.
        passages: Whether ``hybrid`` scores passages.

    Yields:
        The id of each query with the ids of its first ``DEPTH`` movies, best first.
    """
    for query in queries:
        avoid = query.avoid
        search = SearchQuery(
            k=DEPTH,
            evidence=0,
            mode=mode,
            passages=passages,
            text=query.text,
            vector=encoder.encode_queries([query.text])[0],
            avoid=avoid,
            avoid_vector=encoder.encode_queries([avoid])[0] if avoid is not None else None,
        )
        page = searcher.search(search)
        yield query.query_id, [hit.movie.movie_id for hit in page.hits]
