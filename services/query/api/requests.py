"""Request models of the HTTP API; their JSON Schemas are part of the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from services.query.api.examples import BATCH_REQUEST, SEARCH_REQUESTS
from services.query.http.field_errors import field_error
from shared.encoder import Vectors
from shared.record import MovieId
from shared.retrieval.filters import EVERYTHING, MovieFilter, Range
from shared.retrieval.searcher import Mode, SearchQuery
from shared.text.query_text import MAX_QUERY_CHARS, clean

MAX_BATCH_SEARCHES = 64
MAX_LIKED = 10
MAX_GENRES = 20

QueryText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_QUERY_CHARS,
        description="Description of the movie to find, in natural language.",
        examples=["relaxing and funny, maybe a period piece"],
    ),
    AfterValidator(clean),
]
K = Annotated[int, Field(ge=1, le=100, description="Number of movies to return.")]
Offset = Annotated[int, Field(ge=0, le=1000, description="Number of movies to skip, for paging.")]
EvidenceCount = Annotated[
    int, Field(ge=0, le=5, description="Number of review passages to return with each hit.")
]
ModeChoice = Annotated[
    Mode,
    Field(
        description="`hybrid`: combines meaning and words. `semantic`: cosine similarity to the "
        "movies' pooled vectors only. `lexical`: BM25 of the words only; requires a query."
    ),
]
Diversity = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        description="How strongly to diversify the ranking, so that a franchise does not fill the "
        "page. 0 disables diversification.",
    ),
]
Year = Annotated[int, Field(ge=0, le=9999)]
Score = Annotated[float, Field(ge=0, le=10)]
Genres = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=MAX_GENRES)
]


class RequestBody(BaseModel):
    """A JSON body."""

    # Strict, because JSON has types: "10" and true are not the number 10.
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Return itself: pydantic copies each default that is a model, and this one is frozen."""
        return self


class QueryParameters(BaseModel):
    """The parameters of a query string."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class YearRange(RequestBody):
    """Years from `gte` to `lte`, inclusive."""

    gte: Year | None = None
    lte: Year | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _check_order(self.gte, self.lte)
        return self


class RatingRange(RequestBody):
    """Ratings from `gte` to `lte`, inclusive."""

    gte: Score | None = None
    lte: Score | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _check_order(self.gte, self.lte)
        return self


def _check_order(gte: float | None, lte: float | None) -> None:
    if gte is not None and lte is not None and gte > lte:
        raise ValueError("gte must be less than or equal to lte")


class GenreFilter(RequestBody):
    """Genres, case-insensitive; `/facets` lists the known genres."""

    any: Annotated[Genres, Field(description="The movie must have at least one of these.")] = []
    none: Annotated[Genres, Field(description="The movie must have none of these.")] = []


class Filters(RequestBody):
    """Conditions on movies. A movie without the value that a condition tests does not match."""

    year: YearRange = YearRange()
    genres: GenreFilter = GenreFilter()
    rating: RatingRange = RatingRange()

    def to_filter(self) -> MovieFilter:
        """Convert the conditions to the searcher's filter."""
        if self is _NO_FILTERS:
            return EVERYTHING
        return MovieFilter(
            year=Range(self.year.gte, self.year.lte),
            rating=Range(self.rating.gte, self.rating.lte),
            genres_any=tuple(self.genres.any),
            genres_none=tuple(self.genres.none),
        )


_NO_FILTERS = Filters()


class SearchRequest(RequestBody):
    """A search by a query, by liked movies, or by both."""

    model_config = ConfigDict(json_schema_extra={"examples": [*SEARCH_REQUESTS]})

    query: Annotated[
        QueryText | None, Field(description="May be omitted when `like` is given.")
    ] = None
    k: K = 10
    offset: Offset = 0
    avoid: Annotated[
        QueryText | None,
        Field(description="What the movie should not be about. Used by `hybrid` only."),
    ] = None
    like: Annotated[
        list[MovieId],
        Field(
            max_length=MAX_LIKED,
            description="Ids of movies that hits should resemble; they are never hits themselves.",
        ),
    ] = []
    unlike: Annotated[
        list[MovieId],
        Field(
            max_length=MAX_LIKED,
            description="Ids of movies that hits should not resemble; they are never hits. "
            "`hybrid` also lowers the scores of similar movies.",
        ),
    ] = []
    filters: Annotated[Filters, Field(description="Exact conditions, applied before ranking.")] = (
        _NO_FILTERS
    )
    mode: ModeChoice = "hybrid"
    evidence: EvidenceCount = 1
    diversity: Diversity = 0.0
    explain: Annotated[
        bool, Field(description="Return the components of each score as `parts`.")
    ] = False

    @model_validator(mode="after")
    def _check_fields_together(self) -> Self:
        if self.query is None and self.mode == "lexical":
            raise field_error("query", "Required in this mode")
        if self.query is None and not self.like:
            raise field_error("query", "Required unless like has at least one movie id")
        if set(self.like) & set(self.unlike):
            raise field_error("unlike", "Must not contain a movie id that is also in like")
        return self

    def texts(self) -> list[str]:
        """Return the texts to encode for this search: the query, then the text to avoid."""
        # BM25 needs no vector, but the passages of the evidence are chosen with one.
        with_query = self.query is not None and (self.mode != "lexical" or self.evidence > 0)
        with_avoid = self.avoid is not None and self.mode == "hybrid"
        texts = (self.query if with_query else None, self.avoid if with_avoid else None)
        return [text for text in texts if text is not None]

    def to_query(self, vectors: Vectors) -> SearchQuery:
        """Convert the request to the searcher's query.

        Args:
            vectors: The unit vectors of ``texts()``, one row for each, float32.
        """
        rows = dict(zip(self.texts(), vectors, strict=True))
        return SearchQuery(
            k=self.k,
            offset=self.offset,
            evidence=self.evidence,
            mode=self.mode,
            text=self.query,
            vector=rows.get(self.query or ""),
            avoid=self.avoid,
            avoid_vector=rows.get(self.avoid or "") if self.mode == "hybrid" else None,
            like=tuple(dict.fromkeys(self.like)),
            unlike=tuple(dict.fromkeys(self.unlike)),
            filters=self.filters.to_filter(),
            diversity=self.diversity,
        )


class BatchRequest(RequestBody):
    """Several searches, answered from one snapshot."""

    model_config = ConfigDict(json_schema_extra={"examples": [BATCH_REQUEST]})

    searches: Annotated[list[SearchRequest], Field(min_length=1, max_length=MAX_BATCH_SEARCHES)]


class SearchParameters(QueryParameters):
    """A search as a link."""

    q: QueryText
    k: K = 10
    offset: Offset = 0
    mode: ModeChoice = "hybrid"
    evidence: EvidenceCount = 1

    def request(self) -> SearchRequest:
        """Convert the parameters to a request."""
        return SearchRequest.model_construct(
            query=self.q, k=self.k, offset=self.offset, mode=self.mode, evidence=self.evidence
        )


class SuggestParameters(QueryParameters):
    """A prefix of a title."""

    q: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_QUERY_CHARS,
            description="The beginning of a title or of a word in it. Case, accents, punctuation "
            "and a leading article are ignored.",
            examples=["amel"],
        ),
        AfterValidator(clean),
    ]
    limit: Annotated[int, Field(ge=1, le=20, description="Number of titles to return.")] = 8


class SimilarParameters(QueryParameters):
    """How many similar movies to return, and how."""

    k: K = 10
    evidence: EvidenceCount = 1
    diversity: Diversity = 0.0


class PageParameters(QueryParameters):
    """One page of movies."""

    cursor: Annotated[
        str | None,
        Field(
            max_length=128,
            pattern="^[A-Za-z0-9_-]+$",
            description="The `next_cursor` of the previous page.",
        ),
    ] = None
    limit: Annotated[int, Field(ge=1, le=100, description="Number of movies per page.")] = 50
