"""The systems that can be evaluated: a snapshot opened here, or a running system over HTTP.

A snapshot has the modes of the API (``hybrid``, ``semantic``, ``lexical``), ``literal`` (``hybrid``
without interpretation: the text is searched as it was typed), ``pooled+lexical`` (``hybrid``
without passages), and ``original``, the original design over the same reviews. A running system has
the modes of the API and ``literal``. Every mode but ``literal`` and ``original`` interprets the
text, as the API does by default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, get_args

import httpx

from services.evaluation.original import OriginalDesign
from services.evaluation.progress import Track
from shared.encoder import GraphEncoder, artefact_folder, available_threads
from shared.evaluation.constraints import MovieFacts
from shared.evaluation.measures import DEPTH
from shared.evaluation.query_sets import Query
from shared.evaluation.rankings import facts_of, ranked
from shared.retrieval.searcher import Mode, Searcher
from shared.settings import Precision
from shared.snapshot.reader import open_snapshot
from shared.snapshot.storage.store import SnapshotStore
from shared.text.query_text import MAX_QUERY_CHARS

API_MODES: tuple[Mode, ...] = get_args(Mode)
SERVED = "hybrid"
LITERAL = "literal"
WITHOUT_PASSAGES = "pooled+lexical"
ORIGINAL = "original"
HTTP_MODES: tuple[str, ...] = (*API_MODES, LITERAL)
SNAPSHOT_MODES: tuple[str, ...] = (
    SERVED, LITERAL, WITHOUT_PASSAGES, "semantic", "lexical", ORIGINAL,
)  # fmt: skip
_PAGE = 100

Ranked = Iterator[tuple[str, list[str]]]


class SystemUnusable(RuntimeError):
    """A system does not answer, or its answer is not this API's; the message is one line."""


class System(Protocol):
    """Ranks movies.

    Attributes:
        modes: The modes that ``rank`` takes.
        name: Its name in messages.
        described: What the report says about it.
    """

    modes: Sequence[str]
    name: str
    described: dict[str, Any]

    def facts(self) -> Mapping[str, MovieFacts]:
        """What it knows of each of its movies, by movie id."""
        ...

    def rank(self, mode: str, queries: Iterable[Query]) -> Ranked:
        """Query ids, each with the ids of its best movies, best first."""
        ...


class SnapshotSystem:
    """A snapshot that is opened and searched as in the query service."""

    modes: Sequence[str] = SNAPSHOT_MODES

    def __init__(
        self, store: SnapshotStore, snapshot_id: str | None, *, precision: Precision, track: Track
    ) -> None:
        """Open a snapshot.

        Args:
            store: The store that holds it.
            snapshot_id: Its id; the current snapshot when None.
            precision: The precision of the encoder.
            track: Shows progress while the original design encodes.

        Raises:
            shared.snapshot.storage.store.NoSnapshot: the store has no current snapshot.
            shared.snapshot.storage.verify.SnapshotCorrupt: the snapshot cannot be opened.
            shared.encoder.EncoderInvalid: its encoder cannot be opened.
        """
        digest = None
        if snapshot_id is None:
            current = store.current()
            snapshot_id, digest = current.snapshot_id, current.manifest_sha256
        self._snapshot = open_snapshot(store, snapshot_id, manifest_sha256=digest)
        manifest = self._snapshot.manifest
        self.name = f"snapshot {snapshot_id}"
        self.described = {
            "snapshot_id": snapshot_id,
            "movies": manifest.counts.movies,
            "reviews": manifest.counts.reviews,
            "passages": manifest.counts.passages,
            "encoder": manifest.encoder.model_dump(),
        }
        self._folder = artefact_folder(store.root, manifest.encoder.encoder_id)
        self._precision = precision
        self._track = track
        self._encoder = GraphEncoder(
            self._folder, encoder_id=manifest.encoder.encoder_id, precision=precision
        )
        self._searcher = Searcher(self._snapshot)
        self._original: OriginalDesign | None = None

    def facts(self) -> Mapping[str, MovieFacts]:
        """See ``System.facts``."""
        return facts_of(self._snapshot)

    def rank(self, mode: str, queries: Iterable[Query]) -> Ranked:
        """See ``System.rank``."""
        if mode == ORIGINAL:
            return self._original_design().ranked(queries)
        if mode == LITERAL:
            return ranked(self._searcher, self._encoder, queries, interpret=False)
        if mode == WITHOUT_PASSAGES:
            return ranked(self._searcher, self._encoder, queries, passages=False)
        [api_mode] = [known for known in API_MODES if known == mode]
        return ranked(self._searcher, self._encoder, queries, mode=api_mode)

    def _original_design(self) -> OriginalDesign:
        if self._original is None:
            encoder = GraphEncoder(
                self._folder, threads=available_threads(), precision=self._precision,
                keep_direction=True,
            )  # fmt: skip
            self._original = OriginalDesign(self._snapshot, encoder, self._track)
        return self._original


class HttpSystem:
    """A running query service."""

    modes: Sequence[str] = HTTP_MODES

    def __init__(self, client: httpx.Client, *, say: Callable[[str], None]) -> None:
        """Ask a service which snapshot it serves.

        Args:
            client: An HTTP client with the service's address.
            say: Prints a line, for example that queries were cut.

        Raises:
            SystemUnusable: the service does not answer.
        """
        self._client = client
        self._say = say
        snapshot = self._ask("GET", "/snapshot")
        self.name = f"{client.base_url} (snapshot {snapshot['snapshot_id']})"
        names = ("snapshot_id", "movies", "reviews", "passages", "encoder")
        self.described = {
            "url": str(client.base_url), **{name: snapshot.get(name) for name in names}
        }  # fmt: skip

    def facts(self) -> Mapping[str, MovieFacts]:
        """See ``System.facts``."""
        facts: dict[str, MovieFacts] = {}
        parameters: dict[str, str | int] = {"limit": _PAGE}
        while True:
            page = self._ask("GET", "/movies", params=parameters)
            for movie in page["movies"]:
                facts[movie["movie_id"]] = MovieFacts(movie["year"], tuple(movie["genres"]))
            if page["next_cursor"] is None:
                return facts
            parameters["cursor"] = page["next_cursor"]

    def rank(self, mode: str, queries: Iterable[Query]) -> Ranked:
        """See ``System.rank``."""
        cut = 0
        for query in queries:
            cut += len(query.text) > MAX_QUERY_CHARS
            body = {"query": query.text[:MAX_QUERY_CHARS], "k": DEPTH, "evidence": 0}
            body |= {"interpret": False} if mode == LITERAL else {"mode": mode}
            if query.avoid is not None and mode in (SERVED, LITERAL):
                body["avoid"] = query.avoid
            response = self._ask("POST", "/search", json=body)
            yield query.query_id, [hit["movie"]["movie_id"] for hit in response["hits"]]
        if cut:
            self._say(f"{cut} queries were cut to the API's limit of {MAX_QUERY_CHARS} characters")

    def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            response = self._client.request(method, path, **options)
            body: dict[str, Any] = response.json()
        except httpx.HTTPError as error:
            raise SystemUnusable(f"no answer from {self._client.base_url}: {error}") from error
        except ValueError as error:
            raise SystemUnusable(
                f"{self._client.base_url}: HTTP {response.status_code}, and no JSON: not this API"
            ) from error
        if response.is_error:
            reason = body.get("detail") or body.get("title") or f"HTTP {response.status_code}"
            raise SystemUnusable(f"{self._client.base_url}: {method} {path}: {reason}")
        return body
