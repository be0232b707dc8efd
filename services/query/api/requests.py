"""Requests of the HTTP API. Their JSON Schemas are the OpenAPI document's."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from services.query.api.examples import BATCH_REQUEST, SEARCH_REQUESTS
from services.query.api.query_text import MAX_QUERY_CHARS, clean
from services.query.http.problems import of_field
from shared.delivery.messages import MovieId
from shared.encoder import Vectors
from shared.retrieval.filters import EVERYTHING, Range
from shared.retrieval.filters import MovieFilter as FactFilters
from shared.retrieval.searcher import Mode, SearchQuery

MAX_BATCH_SEARCHES = 64
MAX_LIKED = 10
MAX_GENRES = 20

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
ModeChoice = Annotated[
    Mode,
    Field(
        description="`hybrid`: meaning and words together. `semantic`: cosine with the movies' "
        "pooled vectors alone. `lexical`: BM25 of the words alone; needs a query."
    ),
]
Diversity = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        description="How much neighbours in the ranking should differ, so that a franchise does "
        "not fill the page. 0: not at all.",
    ),
]
Year = Annotated[int, Field(ge=0, le=9999)]
Score = Annotated[float, Field(ge=0, le=10)]
Genres = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=MAX_GENRES)
]


class Body(BaseModel):
    """A JSON body."""

    # Strict, because JSON says which type it means: "10" and true are not the number 10.
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Itself: it is never changed, and pydantic copies every default that is a model."""
        return self


class Parameters(BaseModel):
    """What stands in a query string."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class YearRange(Body):
    """Years from `gte` to `lte`, both included."""

    gte: Year | None = None
    lte: Year | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _check_order(self.gte, self.lte)
        return self


class RatingRange(Body):
    """Ratings from `gte` to `lte`, both included."""

    gte: Score | None = None
    lte: Score | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _check_order(self.gte, self.lte)
        return self


def _check_order(gte: float | None, lte: float | None) -> None:
    if gte is not None and lte is not None and gte > lte:
        raise ValueError("gte is to be at most lte")


class GenreFilter(Body):
    """Genres, without regard to case; see `/facets` for what there is."""

    any: Annotated[Genres, Field(description="At least one of these, if there are any.")] = []
    none: Annotated[Genres, Field(description="Not one of these.")] = []


class Filters(Body):
    """What a movie must be. An unknown fact does not meet a condition on it."""

    year: YearRange = YearRange()
    genres: GenreFilter = GenreFilter()
    rating: RatingRange = RatingRange()

    def facts(self) -> FactFilters:
        """The filters as the searcher takes them."""
        if self is _NO_FILTERS:
            return EVERYTHING
        return FactFilters(
            year=Range(self.year.gte, self.year.lte),
            rating=Range(self.rating.gte, self.rating.lte),
            genres_any=tuple(self.genres.any),
            genres_none=tuple(self.genres.none),
        )


_NO_FILTERS = Filters()


class SearchRequest(Body):
    """A search: by a query, by films that are liked, or by both."""

    model_config = ConfigDict(json_schema_extra={"examples": [*SEARCH_REQUESTS]})

    query: Annotated[QueryText | None, Field(description="May be absent when `like` is given.")] = (
        None
    )
    k: K = 10
    offset: Offset = 0
    avoid: Annotated[
        QueryText | None,
        Field(description="What it should not be about. Only `hybrid` weighs it."),
    ] = None
    like: Annotated[
        list[MovieId],
        Field(
            max_length=MAX_LIKED,
            description="Ids of films that it should be like; they are not found themselves.",
        ),
    ] = []
    unlike: Annotated[
        list[MovieId],
        Field(
            max_length=MAX_LIKED,
            description="Ids of films that it should not be like; they are never found. Only "
            "`hybrid` lowers what is like them.",
        ),
    ] = []
    filters: Annotated[Filters, Field(description="Exact; applied before ranking.")] = _NO_FILTERS
    mode: ModeChoice = "hybrid"
    evidence: EvidenceCount = 1
    diversity: Diversity = 0.0
    explain: Annotated[
        bool, Field(description="Show with each hit what its score is made of, as `parts`.")
    ] = False

    @model_validator(mode="after")
    def _says_enough(self) -> Self:
        if self.query is None and self.mode == "lexical":
            raise of_field("query", "This mode needs a query")
        if self.query is None and not self.like:
            raise of_field("query", "Something to go by is wanted: a query, or films in like")
        if set(self.like) & set(self.unlike):
            raise of_field("unlike", "A film cannot be both here and in like")
        return self

    def texts(self) -> list[str]:
        """What has to be encoded for this search: the query, then what is to be avoided."""
        # Words need no vector, but the passages that are shown as evidence are chosen with one.
        with_query = self.query is not None and (self.mode != "lexical" or self.evidence > 0)
        with_avoid = self.avoid is not None and self.mode == "hybrid"
        wanted = (self.query if with_query else None, self.avoid if with_avoid else None)
        return [text for text in wanted if text is not None]

    def search(self, vectors: Vectors) -> SearchQuery:
        """The search as the searcher takes it.

        Args:
            vectors: Of ``texts()``, unit rows.
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
            filters=self.filters.facts(),
            diversity=self.diversity,
        )


class BatchRequest(Body):
    """Several searches, answered from one snapshot."""

    model_config = ConfigDict(json_schema_extra={"examples": [BATCH_REQUEST]})

    searches: Annotated[list[SearchRequest], Field(min_length=1, max_length=MAX_BATCH_SEARCHES)]


class SearchParameters(Parameters):
    """A search as a link has it."""

    q: QueryText
    k: K = 10
    offset: Offset = 0
    mode: ModeChoice = "hybrid"
    evidence: EvidenceCount = 1

    def request(self) -> SearchRequest:
        """The same as a request."""
        return SearchRequest.model_construct(
            query=self.q, k=self.k, offset=self.offset, mode=self.mode, evidence=self.evidence
        )


class SuggestParameters(Parameters):
    """The beginning of a title."""

    q: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_QUERY_CHARS,
            description="The beginning of a title or of a word in it; case, accents, punctuation "
            "and a leading article count for nothing.",
            examples=["amel"],
        ),
        AfterValidator(clean),
    ]
    limit: Annotated[int, Field(ge=1, le=20, description="Titles wanted.")] = 8


class SimilarParameters(Parameters):
    """How many similar movies, and how shown."""

    k: K = 10
    evidence: EvidenceCount = 1
    diversity: Diversity = 0.0


class PageParameters(Parameters):
    """One page of the movies."""

    cursor: Annotated[
        str | None,
        Field(
            max_length=128,
            pattern="^[A-Za-z0-9_-]+$",
            description="`next_cursor` of the page before.",
        ),
    ] = None
    limit: Annotated[int, Field(ge=1, le=100, description="Movies a page.")] = 50
