"""Requests and answers of the HTTP API. Their JSON Schemas are the OpenAPI document's."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.query.examples import MOVIE, MOVIE_DETAIL, MOVIE_PAGE, SEARCH_RESPONSE, SNAPSHOT
from services.query.query_text import MAX_QUERY_CHARS, clean
from services.query.searcher import Hit as FoundHit
from shared.messages import SourceName
from shared.runs import Run
from shared.snapshot.catalogue import CatalogueMovie, CatalogueReview

Mode = Literal["semantic"]

QueryText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_QUERY_CHARS,
        description="What you feel like watching, in your own words.",
        examples=["relaxing and funny, maybe a period piece"],
    ),
    AfterValidator(clean),
]
K = Annotated[int, Field(ge=1, le=100, description="Movies wanted.")]
Offset = Annotated[int, Field(ge=0, le=1000, description="Movies to skip, for the next page.")]
EvidenceCount = Annotated[int, Field(ge=0, le=5, description="Passages of reviews with each hit.")]


class _Request(BaseModel):
    # Strict, because JSON says which type it means: "10" and true are not the number 10.
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class SearchRequest(_Request):
    """A search."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"query": "relaxing and funny, maybe a period piece"},
                {"query": "a slow, sad film about getting old", "k": 5, "evidence": 2},
            ]
        }
    )

    query: QueryText
    k: K = 10
    offset: Offset = 0
    mode: Annotated[
        Mode, Field(description="`semantic`: cosine with the movies' pooled vectors.")
    ] = "semantic"
    evidence: EvidenceCount = 1


class SearchParameters(BaseModel):
    """A search as a link has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    q: QueryText
    k: K = 10
    offset: Offset = 0
    mode: Mode = "semantic"
    evidence: EvidenceCount = 1


class SimilarParameters(BaseModel):
    """How many similar movies."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    k: K = 10
    evidence: EvidenceCount = 1


class PageParameters(BaseModel):
    """One page of the movies."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cursor: Annotated[
        str | None,
        Field(
            max_length=128,
            pattern="^[A-Za-z0-9_-]+$",
            description="`next_cursor` of the page before.",
        ),
    ] = None
    limit: Annotated[int, Field(ge=1, le=100, description="Movies a page.")] = 50


class IngestRequest(_Request):
    """Crawl a source."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"source": "demo"}]})

    source: Annotated[SourceName, Field(description="Name of a configured source.")]


class Movie(BaseModel):
    """A movie. Its title is its id when nothing better is known."""

    model_config = ConfigDict(json_schema_extra={"examples": [MOVIE]})

    movie_id: str
    title: str
    year: int | None
    genres: list[str]
    directors: list[str]
    description: str | None
    rating: Annotated[float | None, Field(description="Of its source, 0 to 10.")]
    review_count: int
    url: str | None

    @staticmethod
    def of(movie: CatalogueMovie) -> Movie:
        """The movie as the catalogue has it."""
        return Movie.model_construct(
            movie_id=movie.movie_id,
            title=movie.title or movie.movie_id,
            year=movie.year,
            genres=list(movie.genres),
            directors=list(movie.directors),
            description=movie.description,
            rating=movie.rating,
            review_count=movie.review_count,
            url=movie.url,
        )


class Review(BaseModel):
    """A review of a movie."""

    review_id: str
    text: str
    rating: float | None
    title: str | None
    author: str | None
    published: Annotated[str | None, Field(description="The day, as YYYY-MM-DD.")]
    url: str | None

    @staticmethod
    def of(review: CatalogueReview) -> Review:
        """The review as the catalogue has it."""
        return Review.model_construct(
            review_id=review.review_id,
            text=review.text,
            rating=review.rating,
            title=review.title,
            author=review.author,
            published=review.published,
            url=review.url,
        )


class MovieDetail(Movie):
    """A movie with its reviews."""

    model_config = ConfigDict(json_schema_extra={"examples": [MOVIE_DETAIL]})

    reviews: list[Review]


class Evidence(BaseModel):
    """A passage of a review that says why the movie was found."""

    review_id: str
    text: str
    score: Annotated[float, Field(description="Cosine of the passage with the query.")]
    rating: float | None
    url: str | None


class Hit(BaseModel):
    """A movie that was found."""

    rank: Annotated[int, Field(description="From 1, over all pages.")]
    score: float
    movie: Movie
    evidence: list[Evidence]

    @staticmethod
    def of(hit: FoundHit) -> Hit:
        """The hit as the searcher has it."""
        return Hit.model_construct(
            rank=hit.rank,
            score=hit.score,
            movie=Movie.of(hit.movie),
            evidence=[
                Evidence.model_construct(
                    review_id=told.passage.review_id,
                    text=told.passage.text,
                    score=told.score,
                    rating=told.passage.rating,
                    url=told.passage.url,
                )
                for told in hit.evidence
            ],
        )


class Took(BaseModel):
    """Milliseconds: of encoding, of ranking, and of all from the request's arrival."""

    encode: float
    search: float
    total: float


class SearchResponse(BaseModel):
    """One page of a ranking, all of it from one snapshot."""

    model_config = ConfigDict(json_schema_extra={"examples": [SEARCH_RESPONSE]})

    snapshot_id: str
    matched: Annotated[int, Field(description="Movies ranked.")]
    took_ms: Took
    hits: list[Hit]


class MoviePage(BaseModel):
    """Movies in the order of their ids."""

    model_config = ConfigDict(json_schema_extra={"examples": [MOVIE_PAGE]})

    movies: list[Movie]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]


class ServedEncoder(BaseModel):
    """The encoder of the vectors and of the queries."""

    encoder_id: str
    model: str
    dim: int
    passage_precision: str
    query_precision: str


class SnapshotInfo(BaseModel):
    """What is being served."""

    model_config = ConfigDict(json_schema_extra={"examples": [SNAPSHOT]})

    snapshot_id: str
    created_at: datetime
    movies: int
    reviews: int
    passages: int
    encoder: ServedEncoder
    degraded: Annotated[
        str | None, Field(description="Why a newer snapshot is not served; null when all is well.")
    ]


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """Searches are answered."""

    status: Literal["ready"] = "ready"
    snapshot_id: str


class RunAccepted(BaseModel):
    """A crawl was requested; it is durable. A repeated request gets the very same answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"run_id": "20250601T120000-1f0c9a4b", "source": "demo", "state": "queued"}
            ]
        }
    )

    run_id: str
    source: str
    state: Literal["queued"] = "queued"


class RunList(BaseModel):
    """The newest runs, newest first."""

    runs: list[Run]
