"""The bodies of answers to searches, as plain objects for orjson.

``services.query.api.schemas`` describes them; a test holds the two together. Building and writing
models of pydantic for every hit would cost more than the whole rest of HTTP.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from services.query.serving.batching import JobResult
from shared.retrieval.query import RankedMovie, ScoreBreakdown, SearchPage
from shared.snapshot.files.catalogue import CatalogueMovie, CataloguePassage
from shared.snapshot.reader import Snapshot

Body = dict[str, Any]
Reason = tuple[CataloguePassage, CataloguePassage, float]


def took(done: JobResult[Any], began: float) -> Body:
    """``Took``: how long it took, up to now.

    Args:
        done: The job.
        began: When the request arrived, of ``time.perf_counter``.
    """
    return {
        "encode": round(done.encode_ms, 3),
        "search": round(done.finish_ms, 3),
        "total": round((time.perf_counter() - began) * 1000, 3),
    }


def search_answer(snapshot: Snapshot, answer: SearchPage, took: Body, *, explain: bool) -> Body:
    """``SearchResponse``."""
    hits = [hit_of(snapshot, hit) for hit in answer.hits]
    if explain:
        for body, hit in zip(hits, answer.hits, strict=True):
            body["parts"] = _parts(hit.parts)
    return {
        "snapshot_id": snapshot.snapshot_id,
        "matched": answer.matched,
        "took_ms": took,
        "hits": hits,
    }


def similar_answer(
    snapshot: Snapshot, answer: SearchPage, reasons: Sequence[Reason | None], took: Body
) -> Body:
    """``SimilarResponse``; ``reasons`` are the hits', in their order."""
    return {
        "snapshot_id": snapshot.snapshot_id,
        "matched": answer.matched,
        "took_ms": took,
        "hits": [
            {**hit_of(snapshot, hit), "reason": _reason(reason) if reason is not None else None}
            for hit, reason in zip(answer.hits, reasons, strict=True)
        ],
    }


def hit_of(snapshot: Snapshot, hit: RankedMovie) -> Body:
    """``RankedMovie``, without its parts."""
    return {
        "rank": hit.rank,
        "score": hit.score,
        "movie": movie_of(snapshot, hit.movie),
        "evidence": [{**_passage(told.passage), "score": told.score} for told in hit.evidence],
    }


def movie_of(snapshot: Snapshot, movie: CatalogueMovie) -> Body:
    """``Movie``. Its title is its id when nothing better is known."""
    return {
        "movie_id": movie.movie_id,
        "title": movie.title or movie.movie_id,
        "year": movie.year,
        "genres": movie.genres,
        "directors": movie.directors,
        "description": movie.description,
        "rating": movie.rating,
        "review_count": movie.review_count,
        "url": movie.url,
        "cluster": snapshot.cluster_of(movie.row),
    }


def _passage(passage: CataloguePassage) -> Body:
    return {
        "review_id": passage.review_id,
        "text": passage.text,
        "rating": passage.rating,
        "url": passage.url,
    }


def _parts(parts: ScoreBreakdown) -> Body:
    return {
        "semantic": parts.semantic,
        "passages": parts.passages,
        "lexical": parts.lexical,
        "avoided": parts.avoided,
    }


def _reason(reason: Reason) -> Body:
    this, other, score = reason
    return {"this_movie": _passage(this), "other_movie": _passage(other), "score": score}
