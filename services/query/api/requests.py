"""Request models of the HTTP API; their JSON Schemas are part of the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from services.query.api.examples import BATCH_REQUEST, SEARCH_REQUESTS
from services.query.api.request_parts import NO_FILTERS, Filters, RequestBody
from services.query.http.field_errors import field_error
from shared.record import MovieId
from shared.retrieval.query import Spoilers
from shared.retrieval.searcher import Mode, SearchQuery
from shared.text.query_text import MAX_QUERY_CHARS, clean

MAX_BATCH_SEARCHES = 64
MAX_LIKED = 10
MAX_TITLES = 200
MAX_EXCLUDED = 1000
MAX_EXCLUDED_IN_LINK = 100

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
    int, Field(ge=0, le=5, description="Number of passages to return with each hit, at most.")
]
ModeChoice = Annotated[
    Mode,
    Field(
        description="`hybrid`: combines meaning and words. `semantic`: cosine similarity to the "
        "movies' pooled vectors only. `lexical`: BM25 of the words only; requires a query."
    ),
]
Interpret = Annotated[
    bool,
    Field(
        description="Understand the query: titles, spelling, constraints such as `90s` or "
        "`by Hitchcock`, what it denies, and movies it compares to. `interpretation` in the "
        "response says how. `false` searches for the query as it is."
    ),
]
SpoilersChoice = Annotated[
    Spoilers,
    Field(
        description="`hide`: no evidence from reviews that are marked as spoilers. `show`: these "
        "count like others."
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
MinFit = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        description="Least `fit` of a hit. Above 0, `matched` counts only the movies that fit so "
        "well, and only the candidates of a search are considered: about 200 movies that are "
        "nearest in meaning or share most words.",
    ),
]


_NO_IDS: list[str] = []  # pydantic copies it


class QueryParameters(BaseModel):
    """The parameters of a query string."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SearchRequest(RequestBody):
    """A search by a query, by liked movies, by filters, or by several of these."""

    model_config = ConfigDict(json_schema_extra={"examples": [*SEARCH_REQUESTS]})

    query: Annotated[
        QueryText | None,
        Field(description="May be omitted when `like`, `filters` or `avoid` is given."),
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
    ] = _NO_IDS
    unlike: Annotated[
        list[MovieId],
        Field(
            max_length=MAX_LIKED,
            description="Ids of movies that hits should not resemble; they are never hits. "
            "`hybrid` also lowers the scores of similar movies.",
        ),
    ] = _NO_IDS
    exclude: Annotated[
        list[MovieId],
        Field(
            max_length=MAX_EXCLUDED,
            description="Ids of movies to leave out, such as those already seen. They have no "
            "other effect, and unknown ids have none.",
        ),
    ] = _NO_IDS
    filters: Annotated[Filters, Field(description="Exact conditions, applied before ranking.")] = (
        NO_FILTERS
    )
    titles: Annotated[
        list[MovieId] | None,
        Field(
            max_length=MAX_TITLES,
            description="Ids of the movies that the query names, which come first. `null`: those "
            "whose title the query is. An empty list: none, the query is a description.",
        ),
    ] = None
    interpret: Interpret = True
    mode: ModeChoice = "hybrid"
    min_fit: MinFit = 0.0
    evidence: EvidenceCount = 1
    spoilers: SpoilersChoice = "hide"
    diversity: Diversity = 0.0
    explain: Annotated[
        bool, Field(description="Return the components of each score as `parts`.")
    ] = False

    @model_validator(mode="after")
    def _check_fields_together(self) -> Self:
        if self.query is None and self.mode == "lexical":
            raise field_error("query", "Required in this mode")
        if self.query is None and not (self.like or self.avoid or self.filters != NO_FILTERS):
            raise field_error("query", "Required unless like, avoid or filters is given")
        if set(self.like) & set(self.unlike):
            raise field_error("unlike", "Must not contain a movie id that is also in like")
        return self

    def to_query(self) -> SearchQuery:
        """Convert the request to the searcher's query; its text is not interpreted yet."""
        return SearchQuery(
            k=self.k,
            offset=self.offset,
            evidence=self.evidence,
            spoilers=self.spoilers,
            mode=self.mode,
            text=self.query,
            avoid=self.avoid,
            like=tuple(dict.fromkeys(self.like)),
            unlike=tuple(dict.fromkeys(self.unlike)),
            exclude=tuple(dict.fromkeys(self.exclude)),
            titles=None if self.titles is None else tuple(dict.fromkeys(self.titles)),
            filters=self.filters.to_filter(),
            min_fit=self.min_fit,
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
    spoilers: SpoilersChoice = "hide"
    interpret: Interpret = True
    exclude: Annotated[
        list[MovieId],
        Field(
            max_length=MAX_EXCLUDED_IN_LINK,
            description="Id of a movie to leave out; may be repeated.",
        ),
    ] = []
    min_fit: MinFit = 0.0

    def request(self) -> SearchRequest:
        """Convert the parameters to a request."""
        return SearchRequest.model_construct(
            query=self.q,
            k=self.k,
            offset=self.offset,
            mode=self.mode,
            evidence=self.evidence,
            spoilers=self.spoilers,
            interpret=self.interpret,
            exclude=self.exclude,
            min_fit=self.min_fit,
        )


class SuggestParameters(QueryParameters):
    """A prefix of a title or of a name."""

    q: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_QUERY_CHARS,
            description="The beginning of a title, of a person's name, of a genre, or of a word in "
            "it. Case, accents, punctuation and a leading article are ignored, `&` is `and`, and "
            "slips are forgiven.",
            examples=["amel"],
        ),
        AfterValidator(clean),
    ]
    limit: Annotated[int, Field(ge=1, le=20, description="Number of titles to return.")] = 8
    names: Annotated[
        int, Field(ge=0, le=20, description="Number of people and genres to return.")
    ] = 4


class SimilarParameters(QueryParameters):
    """How many similar movies to return, and how."""

    k: K = 10
    evidence: EvidenceCount = 1
    spoilers: SpoilersChoice = "hide"
    diversity: Diversity = 0.0


Cursor = Annotated[
    str | None,
    Field(
        max_length=300,
        pattern="^[A-Za-z0-9_-]+$",
        description="The `next_cursor` of the previous page.",
    ),
]


class MovieParameters(QueryParameters):
    """How a movie's reviews are returned."""

    spoilers: Annotated[
        Spoilers,
        Field(
            description="`hide`: reviews that are marked as spoilers are `hidden`, to be shown "
            "only when the reader asks for them. `show`: no review is."
        ),
    ] = "hide"


class ReviewsParameters(MovieParameters):
    """One page of a movie's reviews."""

    cursor: Cursor = None
    limit: Annotated[int, Field(ge=1, le=100, description="Number of reviews per page.")] = 50
    min_rating: Annotated[
        float | None,
        Field(ge=0, le=10, description="Only reviews with at least this rating of 10."),
    ] = None
    max_rating: Annotated[
        float | None,
        Field(ge=0, le=10, description="Only reviews with at most this rating of 10."),
    ] = None


class PageParameters(QueryParameters):
    """One page of movies."""

    cursor: Cursor = None
    limit: Annotated[int, Field(ge=1, le=100, description="Number of movies per page.")] = 50
