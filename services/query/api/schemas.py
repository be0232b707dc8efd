"""Response models of movies and searches; their JSON Schemas are part of the OpenAPI document.

``services.query.api.serialization`` builds the responses, as plain objects of these shapes.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from pydantic.dataclasses import dataclass

from services.query.api.examples import (
    BATCH_RESPONSE,
    FACETS,
    MOVIE,
    MOVIE_DETAIL,
    MOVIE_PAGE,
    REVIEW_PAGE,
    SEARCH_RESPONSE,
    SIMILAR_RESPONSE,
    SUGGESTIONS,
)
from services.query.api.request_parts import Filters
from shared.record import MovieRecord, ReviewFacts
from shared.retrieval.filters import FilterIndex
from shared.retrieval.query import EvidenceKind
from shared.retrieval.suggestions import NameKind

_RESPONSE = ConfigDict(json_schema_serialization_defaults_required=True)  # has every field


def _with_example(example: JsonDict) -> ConfigDict:
    config = _RESPONSE.copy()
    config["json_schema_extra"] = {"examples": [example]}
    return config


PosterPath = Annotated[
    str | None,
    Field(
        description="Path of its poster at this service, a small WebP picture; null without one. "
        "`poster_url` is the picture at its source."
    ),
]


@dataclass(frozen=True, kw_only=True, config=_with_example(MOVIE))
class Movie(MovieRecord):
    """A movie. The title of a movie without one is its id."""

    title: str
    review_count: Annotated[
        int,
        Field(description="How many reviews it has; 0 if only facts are known."),
    ]
    cluster: Annotated[
        int | None,
        Field(description="Number of its cluster on the map; null if it has no place."),
    ]
    poster: PosterPath


@dataclass(frozen=True, kw_only=True, config=_RESPONSE)
class Review(ReviewFacts):
    """A review of a movie."""

    review_id: str
    text: str
    hidden: Annotated[
        bool,
        Field(
            description="Whether to show it only when the reader asks for it: it is marked as a "
            "spoiler, and the request does not say `spoilers=show`."
        ),
    ]


@dataclass(frozen=True, kw_only=True, config=_with_example(MOVIE_DETAIL))
class MovieDetail(Movie):
    """A movie with its first reviews."""

    reviews: Annotated[list[Review], Field(description="The first 100 reviews, by id.")]
    next_reviews: Annotated[
        str | None,
        Field(
            description="The `cursor` with which `GET /movies/{movie_id}/reviews` goes on; null "
            "where these are all reviews."
        ),
    ]


class MovieReviews(BaseModel):
    """One page of a movie's reviews, in the order of their ids."""

    model_config = ConfigDict(json_schema_extra={"examples": [REVIEW_PAGE]})

    reviews: list[Review]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]


class Passage(BaseModel):
    """A passage of a review, with the rating of the review."""

    review_id: Annotated[str | None, Field(description="Null for a passage of the description.")]
    text: str
    rating: float | None
    url: str | None
    spoiler: Annotated[
        bool | None,
        Field(description="Whether the review is marked as a spoiler; null: not said."),
    ]


class Evidence(Passage):
    """A passage that says why the movie matches: of a review, or of the description.

    It does not deny what the query asks for, does not pan the movie, and does not tell of what is
    to be avoided. The description is quoted where no viewer says what is asked.
    """

    score: Annotated[
        float,
        Field(
            description="Of a review: cosine similarity of the passage to the query. Of the "
            "description: the share of the query's words that it has."
        ),
    ]
    kind: Annotated[EvidenceKind, Field(description="What it is a passage of.")]
    marks: Annotated[
        list[tuple[int, int]],
        Field(
            description="The words to mark, as spans `[start, end)` of the text in Unicode "
            "characters: the query's words that matter, in any form."
        ),
    ]


class Parts(BaseModel):
    """The components of a score; null for a component that is not used."""

    semantic: Annotated[
        float | None, Field(description="Cosine similarity to the movie's pooled vector.")
    ]
    passages: Annotated[
        float | None, Field(description="Mean cosine similarity of the best passages.")
    ]
    lexical: Annotated[float | None, Field(description="BM25 score.")]
    avoided: Annotated[
        float | None, Field(description="Score deducted because of `avoid` and `unlike`.")
    ]


Fit = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        description="How well the movie fits the search: the share of such hits that a person "
        "would accept. Comparable between searches, modes and snapshots, unlike `score`, which "
        "orders the hits: a hit may fit better than the one before it.",
    ),
]


class Hit(BaseModel):
    """A movie in the results."""

    rank: Annotated[int, Field(description="Rank from 1, continued over pages.")]
    score: Annotated[
        float,
        Field(
            description="`hybrid`: 0 to 1 within the candidates of one search, 0 after them; "
            "`semantic`: cosine similarity; `lexical`: BM25. Not comparable between searches."
        ),
    ]
    fit: Fit
    movie: Movie
    evidence: list[Evidence]
    parts: Annotated[Parts | None, Field(description="Present only with `explain`.")] = None


class Took(BaseModel):
    """Times in milliseconds: encoding, ranking, and the total since the request arrived."""

    encode: float
    search: float
    total: float


class SpellingCorrection(BaseModel):
    """A word of the query that the catalogue does not know, and the word that was searched."""

    written: Annotated[str, Field(alias="from")]
    corrected: Annotated[str, Field(alias="to")]


class QueryInterpretation(BaseModel):
    """How the query was understood, without the parts that the request sets itself.

    Each part can be sent back as a field of a request with `interpret: false`: `text` as `query`
    unless it is empty, `filters`, `avoid`, `like` and `titles` under their names.
    """

    text: Annotated[str, Field(description="What was searched by meaning and words; may be empty.")]
    corrections: list[SpellingCorrection]
    filters: Annotated[
        Filters,
        Field(
            description="Constraints that were kept. Unlike conditions that a request sets, they "
            "let movies through whose value is unknown, after all that fit."
        ),
    ]
    avoid: Annotated[str | None, Field(description="What the movie should not be about.")]
    like: Annotated[list[str], Field(description="Ids of movies that hits resemble.")]
    titles: Annotated[
        list[str], Field(description="Ids of the movies that the query names, best first.")
    ]
    relaxed: Annotated[
        list[str],
        Field(
            description="Names of filters that were dropped, because no movie met all constraints."
        ),
    ]


class OtherLanguage(BaseModel):
    """The query is in another language than the reviews, as codes: `es`, `en`.

    It is searched all the same, and with an encoder of several languages it finds movies. Where
    nothing fits, this may be why.
    """

    query: str
    reviews: str


class SearchResponse(BaseModel):
    """One page of a ranking, from one snapshot."""

    model_config = ConfigDict(json_schema_extra={"examples": [SEARCH_RESPONSE]})

    snapshot_id: str
    matched: Annotated[int, Field(description="Number of movies in the whole ranking.")]
    took_ms: Took
    interpretation: Annotated[
        QueryInterpretation | None,
        Field(description="Present only when something was understood."),
    ] = None
    language: Annotated[
        OtherLanguage | None,
        Field(
            description="Present only when the query is surely in another language than the "
            "reviews."
        ),
    ] = None
    hits: list[Hit]


class BatchResponse(BaseModel):
    """The responses to a batch of searches, in the same order, from one snapshot."""

    model_config = ConfigDict(json_schema_extra={"examples": [BATCH_RESPONSE]})

    results: list[SearchResponse]


class Reason(BaseModel):
    """The two most similar passages that agree, one of each movie's reviews.

    Neither pans its movie, and neither denies what the other one says.
    """

    this_movie: Annotated[Passage, Field(description="Passage about the movie in the request.")]
    other_movie: Annotated[Passage, Field(description="Passage about the hit.")]
    score: Annotated[float, Field(description="Cosine similarity of the two passages.")]


class SimilarHit(BaseModel):
    """A movie that is similar to another one."""

    rank: int
    score: Annotated[float, Field(description="Cosine similarity of the movies' pooled vectors.")]
    fit: Fit
    movie: Movie
    evidence: Annotated[
        list[Evidence],
        Field(description="Passages of the hit that are nearest to the other movie."),
    ]
    reason: Reason | None


class SimilarResponse(BaseModel):
    """Movies by their similarity to one movie, from one snapshot."""

    model_config = ConfigDict(json_schema_extra={"examples": [SIMILAR_RESPONSE]})

    snapshot_id: str
    matched: Annotated[int, Field(description="Number of movies in the whole ranking.")]
    took_ms: Took
    hits: list[SimilarHit]


class Suggestion(BaseModel):
    """A movie whose title matches the typed text."""

    movie_id: str
    title: str
    year: int | None
    poster: PosterPath


class NameSuggestion(BaseModel):
    """A person or a genre that the typed text begins; search for it with `filters`."""

    kind: Annotated[
        NameKind, Field(description="`person`: filter by `people`; `genre`: filter by `genres`.")
    ]
    name: str
    movies: Annotated[int, Field(description="Number of movies with this name.")]


class Suggestions(BaseModel):
    """Matching titles, and matching names of people and genres, each best first."""

    model_config = ConfigDict(json_schema_extra={"examples": [SUGGESTIONS]})

    suggestions: list[Suggestion]
    names: Annotated[list[NameSuggestion], Field(description="Genres first, then people.")]


class GenreCount(BaseModel):
    """A genre and the number of its movies."""

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
    """The values to filter by."""

    model_config = ConfigDict(json_schema_extra={"examples": [FACETS]})

    genres: Annotated[list[GenreCount], Field(description="Genres, most frequent first.")]
    year: Annotated[
        Years | None, Field(description="Range of the years; null when no year is known.")
    ]
    rating: Annotated[
        Ratings | None, Field(description="Range of the ratings; null when no rating is known.")
    ]
    movies: int

    @staticmethod
    def of(facts: FilterIndex) -> Facets:
        """Make the facets of a snapshot's movies."""
        years, ratings = facts.years(), facts.ratings()
        return Facets(
            genres=[GenreCount(genre=genre, movies=count) for genre, count in facts.genres()],
            year=Years(gte=years[0], lte=years[1]) if years else None,
            rating=Ratings(gte=ratings[0], lte=ratings[1]) if ratings else None,
            movies=facts.rows,
        )


class MoviePage(BaseModel):
    """One page of movies, in the order of their ids."""

    model_config = ConfigDict(json_schema_extra={"examples": [MOVIE_PAGE]})

    movies: list[Movie]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]
