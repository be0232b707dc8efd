"""The bodies of responses, as plain objects for orjson.

``services.query.api.schemas`` describes them; a test compares the two. Building and writing
pydantic models for every hit would cost more than everything else that HTTP costs.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from services.query.serving.computing import JobResult
from shared.record import MOVIE_FIELDS, REVIEW_FACTS
from shared.retrieval.filters import MovieFilter
from shared.retrieval.query import RankedMovie, ScoreBreakdown, SearchPage, Spoilers, Understood
from shared.snapshot.files.catalogue import CatalogueMovie, CataloguePassage, CatalogueReview
from shared.snapshot.reader import Snapshot
from shared.snapshot.storage.poster_files import path_of

JsonObject = dict[str, Any]

_MOVIE_FACTS = tuple(field.name for field in MOVIE_FIELDS)
_REVIEW_FACTS = tuple(field.name for field in REVIEW_FACTS)
_movie_facts = attrgetter(*_MOVIE_FACTS)
_review_facts = attrgetter(*_REVIEW_FACTS)

SharedEvidence = tuple[CataloguePassage, CataloguePassage, float]
"""A passage of this movie, one of the other movie, and their cosine similarity."""


def times_ms(result: JobResult[Any], began: float) -> JsonObject:
    """Make a ``Took``: the times of a search up to now.

    Args:
        result: The result of the job.
        began: When the request arrived, in seconds of ``time.perf_counter``.
    """
    return {
        "encode": round(result.encode_ms, 3),
        "search": round(result.finish_ms, 3),
        "total": round((time.perf_counter() - began) * 1000, 3),
    }


def search_body(
    snapshot: Snapshot, page: SearchPage, took_ms: JsonObject, *, explain: bool
) -> JsonObject:
    """Make a ``SearchResponse``."""
    hits = [_hit(snapshot, hit) for hit in page.hits]
    if explain:
        for body, hit in zip(hits, page.hits, strict=True):
            body["parts"] = _parts(hit.parts)
    head = {
        "snapshot_id": snapshot.snapshot_id,
        "matched": page.matched,
        "took_ms": took_ms,
    }
    if page.understood is not None:
        head["interpretation"] = _interpretation(page.understood)
    if page.language is not None:
        head["language"] = {"query": page.language, "reviews": snapshot.manifest.language}
    return {**head, "hits": hits}


def _interpretation(understood: Understood) -> JsonObject:
    return {
        "text": understood.text,
        "corrections": [
            {"from": each.written, "to": each.corrected} for each in understood.corrections
        ],
        "filters": filters_body(understood.filters),
        "avoid": understood.avoid,
        "like": understood.like,
        "titles": understood.titles,
        "relaxed": understood.relaxed,
    }


def filters_body(filters: MovieFilter) -> JsonObject:
    """Make a ``Filters`` of the conditions that there are."""
    body: JsonObject = {}
    for name, limits in (
        ("year", filters.year),
        ("rating", filters.rating),
        ("runtime", filters.runtime_minutes),
        ("votes", filters.votes),
    ):
        if not limits.is_open:
            body[name] = {"gte": _end(name, limits.gte), "lte": _end(name, limits.lte)}
    if filters.genres_any or filters.genres_all or filters.genres_none:
        body["genres"] = {
            "any": filters.genres_any, "all": filters.genres_all, "none": filters.genres_none
        }  # fmt: skip
    for name, names in (
        ("directors", filters.directors_any),
        ("people", filters.people_any),
        ("countries", filters.countries_any),
        ("languages", filters.languages_any),
    ):
        if names:
            body[name] = {"any": names}
    return body


def _end(name: str, value: float | None) -> float | None:
    return value if value is None or name == "rating" else int(value)


def similar_body(
    snapshot: Snapshot,
    page: SearchPage,
    reasons: Sequence[SharedEvidence | None],
    took_ms: JsonObject,
) -> JsonObject:
    """Make a ``SimilarResponse``; ``reasons`` has one item for each hit."""
    return {
        "snapshot_id": snapshot.snapshot_id,
        "matched": page.matched,
        "took_ms": took_ms,
        "hits": [
            {**_hit(snapshot, hit), "reason": _reason(reason) if reason is not None else None}
            for hit, reason in zip(page.hits, reasons, strict=True)
        ],
    }


def _hit(snapshot: Snapshot, hit: RankedMovie) -> JsonObject:
    return {
        "rank": hit.rank,
        "score": hit.score,
        "fit": hit.fit,
        "movie": movie_body(snapshot, hit.movie),
        "evidence": [
            {
                **_passage(evidence.passage),
                "score": evidence.score,
                "kind": evidence.kind,
                "marks": evidence.marks,
            }
            for evidence in hit.evidence
        ],
    }


def movie_body(snapshot: Snapshot, movie: CatalogueMovie) -> JsonObject:
    """Make a ``Movie``. The title of a movie without one is its id."""
    body = dict(zip(_MOVIE_FACTS, _movie_facts(movie), strict=True))
    body["title"] = movie.title or movie.movie_id
    body["review_count"] = movie.review_count
    body["cluster"] = snapshot.cluster_of(movie.row)
    body["poster"] = path_of(movie.poster)
    return body


def review_body(review: CatalogueReview, *, spoilers: Spoilers) -> JsonObject:
    """Make a ``Review``."""
    facts = dict(zip(_REVIEW_FACTS, _review_facts(review), strict=True))
    is_hidden = bool(review.spoiler) and spoilers == "hide"
    return {"review_id": review.review_id, "text": review.text, "hidden": is_hidden, **facts}


def _passage(passage: CataloguePassage) -> JsonObject:
    return {
        "review_id": passage.review_id or None,
        "text": passage.text,
        "rating": passage.rating,
        "url": passage.url,
        "spoiler": passage.spoiler,
    }


def _parts(parts: ScoreBreakdown) -> JsonObject:
    return {
        "semantic": parts.semantic,
        "passages": parts.passages,
        "lexical": parts.lexical,
        "avoided": parts.avoided,
    }


def _reason(shared: SharedEvidence) -> JsonObject:
    this, other, score = shared
    return {"this_movie": _passage(this), "other_movie": _passage(other), "score": score}
