"""The rankings of judged queries: the movies that a user would see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shared.encoder import Encoder
from shared.evaluation.constraints import MovieFacts
from shared.evaluation.measures import DEPTH
from shared.evaluation.query_sets import Query
from shared.retrieval.searcher import Mode, Searcher, SearchQuery
from shared.snapshot.reader import Snapshot

_PAGE = 500


def ranked(
    searcher: Searcher,
    encoder: Encoder,
    queries: Iterable[Query],
    *,
    mode: Mode = "hybrid",
    interpret: bool = True,
    passages: bool = True,
) -> Iterator[tuple[str, list[str]]]:
    """Search for every query as the query service does.

    Args:
        searcher: Searches the snapshot.
        encoder: The snapshot's encoder.
        queries: Judged queries.
        mode: How movies are scored.
        interpret: Whether the texts are interpreted; otherwise they are searched as typed.
        passages: Whether ``hybrid`` scores passages.

    Yields:
        The id of each query with the ids of its first ``DEPTH`` movies, best first.
    """
    for query in queries:
        search = SearchQuery(
            k=DEPTH, evidence=0, mode=mode, passages=passages, text=query.text, avoid=query.avoid
        )
        if interpret:
            search = searcher.interpreted(search)
        if texts := search.texts():
            search = search.with_vectors(encoder.encode_queries(texts))
        page = searcher.search(search)
        yield query.query_id, [hit.movie.movie_id for hit in page.hits]


def facts_of(snapshot: Snapshot) -> dict[str, MovieFacts]:
    """What the snapshot's catalogue knows of every movie, by movie id."""
    catalogue = snapshot.catalogue
    facts: dict[str, MovieFacts] = {}
    last = ""
    while page := catalogue.movies_after(last, _PAGE):
        facts |= {movie.movie_id: MovieFacts(movie.year, tuple(movie.genres)) for movie in page}
        last = page[-1].movie_id
    return facts
