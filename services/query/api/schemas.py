"""Movies and searches as the HTTP API answers. The JSON Schemas are the OpenAPI document's.

Answers to searches are built by ``services.query.api.serialization``, as plain objects of these
shapes.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.query.api.examples import (
    BATCH_RESPONSE,
    FACETS,
    MOVIE,
    MOVIE_DETAIL,
    MOVIE_PAGE,
    SEARCH_RESPONSE,
    SIMILAR_RESPONSE,
    SUGGESTIONS,
)
from shared.retrieval.filters import FilterIndex
from shared.snapshot.files.catalogue import CatalogueMovie, CatalogueReview
from shared.snapshot.reader import Snapshot


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
    cluster: Annotated[
        int | None, Field(description="The number of its cluster on the map; null without a map.")
    ]

    @staticmethod
    def of(movie: CatalogueMovie, snapshot: Snapshot) -> Movie:
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
            cluster=snapshot.cluster_of(movie.row),
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


class Passage(BaseModel):
    """Some words of a review, and the review's rating."""

    review_id: str
    text: str
    rating: float | None
    url: str | None


class Evidence(Passage):
    """A passage of a review that says why the movie was found."""

    score: Annotated[float, Field(description="Cosine of the passage with the query.")]


class Parts(BaseModel):
    """What a score is made of; null for what plays no part in it."""

    semantic: Annotated[float | None, Field(description="Cosine with the pooled vector.")]
    passages: Annotated[float | None, Field(description="Mean cosine of the best passages.")]
    lexical: Annotated[float | None, Field(description="BM25.")]
    avoided: Annotated[float | None, Field(description="Lost by what is to be avoided.")]


class Hit(BaseModel):
    """A movie that was found."""

    rank: Annotated[int, Field(description="From 1, over all pages.")]
    score: Annotated[
        float,
        Field(
            description="`hybrid`: 0 to 1 within one answer's candidates, 0 after them; "
            "`semantic`: a cosine; `lexical`: BM25. Not to be compared between searches."
        ),
    ]
    movie: Movie
    evidence: list[Evidence]
    parts: Annotated[Parts | None, Field(description="Present with `explain`.")] = None


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


class BatchResponse(BaseModel):
    """The answers to a batch of searches, in its order, all from one snapshot."""

    model_config = ConfigDict(json_schema_extra={"examples": [BATCH_RESPONSE]})

    results: list[SearchResponse]


class Reason(BaseModel):
    """The two passages, one of each movie's, that say the most alike."""

    this_movie: Annotated[Passage, Field(description="About the movie that was asked about.")]
    other_movie: Annotated[Passage, Field(description="About the hit.")]
    score: Annotated[float, Field(description="Cosine of the two.")]


class SimilarHit(BaseModel):
    """A movie that is like another one."""

    rank: int
    score: Annotated[float, Field(description="Cosine of the movies' pooled vectors.")]
    movie: Movie
    evidence: Annotated[
        list[Evidence], Field(description="The hit's passages nearest to the other movie.")
    ]
    reason: Reason | None


class SimilarResponse(BaseModel):
    """Movies by their likeness to one, all from one snapshot."""

    model_config = ConfigDict(json_schema_extra={"examples": [SIMILAR_RESPONSE]})

    snapshot_id: str
    matched: Annotated[int, Field(description="Movies ranked.")]
    took_ms: Took
    hits: list[SimilarHit]


class Suggestion(BaseModel):
    """A movie whose title may be meant."""

    movie_id: str
    title: str
    year: int | None


class Suggestions(BaseModel):
    """Titles, the likeliest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [SUGGESTIONS]})

    suggestions: list[Suggestion]


class GenreCount(BaseModel):
    """A genre and how many movies have it."""

    genre: str
    movies: int


class Years(BaseModel):
    """The first and the last year."""

    gte: int
    lte: int


class Ratings(BaseModel):
    """The lowest and the highest rating."""

    gte: float
    lte: float


class Facets(BaseModel):
    """What there is to filter by."""

    model_config = ConfigDict(json_schema_extra={"examples": [FACETS]})

    genres: Annotated[list[GenreCount], Field(description="The most frequent first.")]
    year: Annotated[Years | None, Field(description="Null when no year is known.")]
    rating: Annotated[Ratings | None, Field(description="Null when no rating is known.")]
    movies: int

    @staticmethod
    def of(facts: FilterIndex) -> Facets:
        """The facets of a snapshot's movies."""
        years, ratings = facts.years(), facts.ratings()
        return Facets(
            genres=[GenreCount(genre=genre, movies=count) for genre, count in facts.genres()],
            year=Years(gte=years[0], lte=years[1]) if years else None,
            rating=Ratings(gte=ratings[0], lte=ratings[1]) if ratings else None,
            movies=facts.rows,
        )


class MoviePage(BaseModel):
    """Movies in the order of their ids."""

    model_config = ConfigDict(json_schema_extra={"examples": [MOVIE_PAGE]})

    movies: list[Movie]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]
