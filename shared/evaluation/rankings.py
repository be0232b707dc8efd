"""A searcher's rankings of judged queries: the movies that a user would be shown."""

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
    """Query ids, each with the ids of its first movies, best first.

    Args:
        searcher: Over the snapshot.
        encoder: The snapshot's.
        queries: Texts, and what is to be avoided.
        mode: Of the search.
        passages: Whether ``hybrid`` looks at passages.
    """
    for query in queries:
        avoid = query.avoid
        wanted = SearchQuery(
            k=DEPTH,
            evidence=0,
            mode=mode,
            passages=passages,
            text=query.text,
            vector=encoder.encode_queries([query.text])[0],
            avoid=avoid,
            avoid_vector=encoder.encode_queries([avoid])[0] if avoid is not None else None,
        )
        answer = searcher.search(wanted)
        yield query.query_id, [hit.movie.movie_id for hit in answer.hits]
