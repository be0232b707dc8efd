"""What is evaluated: a snapshot opened here, or a running system asked over HTTP.

Modes of a snapshot are the API's (``hybrid``, ``semantic``, ``lexical``), ``pooled+lexical``
(``hybrid`` without passages), and ``original``, the original design over the same reviews. A
running system has the API's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, get_args

import httpx

from services.evaluation.original import OriginalDesign
from services.evaluation.progress import Track
from shared.encoder import GraphEncoder, artefact_folder, available_threads
from shared.evaluation.measures import DEPTH
from shared.evaluation.query_sets import Query
from shared.evaluation.rankings import ranked
from shared.retrieval.searcher import Mode, Searcher
from shared.settings import Precision
from shared.snapshot.reader import open_snapshot
from shared.snapshot.storage.store import SnapshotStore

API_MODES: tuple[Mode, ...] = get_args(Mode)
WITHOUT_PASSAGES = "pooled+lexical"
ORIGINAL = "original"
SNAPSHOT_MODES: tuple[str, ...] = (
    "hybrid", WITHOUT_PASSAGES, "semantic", "lexical", ORIGINAL,
)  # fmt: skip
MAX_QUERY_CHARS = 512
_PAGE = 100

Ranked = Iterator[tuple[str, list[str]]]


class SystemUnusable(RuntimeError):
    """A system does not answer, or not as this API does; the message is one line."""


class System(Protocol):
    """Something that ranks movies."""

    modes: Sequence[str]
    name: str
    described: dict[str, Any]

    def movie_ids(self) -> frozenset[str]:
        """All movies that it has."""
        ...

    def rank(self, mode: str, queries: Iterable[Query]) -> Ranked:
        """Query ids, each with the ids of its first movies, best first."""
        ...


class SnapshotSystem:
    """A snapshot, opened and searched as the query service does."""

    modes: Sequence[str] = SNAPSHOT_MODES

    def __init__(
        self, store: SnapshotStore, snapshot_id: str | None, *, precision: Precision, track: Track
    ) -> None:
        """Open a snapshot.

        Args:
            store: Whose.
            snapshot_id: Which; the current one when absent.
            precision: Of the encoder.
            track: Shows the progress of the original design's encoding.

        Raises:
            shared.snapshot.storage.store.NoSnapshot: there is no current one.
            shared.snapshot.storage.verify.SnapshotCorrupt: it cannot be opened.
            shared.encoder.EncoderInvalid: its encoder cannot.
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

    def movie_ids(self) -> frozenset[str]:
        """See ``System.movie_ids``."""
        catalogue = self._snapshot.catalogue
        found: list[str] = []
        while page := catalogue.movies_after(found[-1] if found else "", _PAGE):
            found += [movie.movie_id for movie in page]
        return frozenset(found)

    def rank(self, mode: str, queries: Iterable[Query]) -> Ranked:
        """See ``System.rank``."""
        if mode == ORIGINAL:
            return self._original_design().ranked(queries)
        if mode == WITHOUT_PASSAGES:
            return ranked(self._searcher, self._encoder, queries, passages=False)
        [known] = [own for own in API_MODES if own == mode]
        return ranked(self._searcher, self._encoder, queries, mode=known)

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

    modes: Sequence[str] = API_MODES

    def __init__(self, client: httpx.Client, *, say: Callable[[str], None]) -> None:
        """Ask a service what it serves.

        Args:
            client: With the service's address.
            say: Takes a line about what was done to the queries.

        Raises:
            SystemUnusable: it does not answer.
        """
        self._client = client
        self._say = say
        snapshot = self._ask("GET", "/snapshot")
        self.name = f"{client.base_url} (snapshot {snapshot['snapshot_id']})"
        names = ("snapshot_id", "movies", "reviews", "passages", "encoder")
        self.described = {
            "url": str(client.base_url), **{name: snapshot.get(name) for name in names}
        }  # fmt: skip

    def movie_ids(self) -> frozenset[str]:
        """See ``System.movie_ids``."""
        found: list[str] = []
        parameters: dict[str, str | int] = {"limit": _PAGE}
        while True:
            page = self._ask("GET", "/movies", params=parameters)
            found += [movie["movie_id"] for movie in page["movies"]]
            if page["next_cursor"] is None:
                return frozenset(found)
            parameters["cursor"] = page["next_cursor"]

    def rank(self, mode: str, queries: Iterable[Query]) -> Ranked:
        """See ``System.rank``."""
        cut = 0
        for query in queries:
            cut += len(query.text) > MAX_QUERY_CHARS
            body = {"query": query.text[:MAX_QUERY_CHARS], "mode": mode, "k": DEPTH, "evidence": 0}
            if query.avoid is not None and mode == "hybrid":
                body["avoid"] = query.avoid
            answer = self._ask("POST", "/search", json=body)
            yield query.query_id, [hit["movie"]["movie_id"] for hit in answer["hits"]]
        if cut:
            self._say(f"{cut} queries were cut at the API's {MAX_QUERY_CHARS} characters")

    def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            response = self._client.request(method, path, **options)
            body: dict[str, Any] = response.json()
        except httpx.HTTPError as error:
            raise SystemUnusable(f"no answer from {self._client.base_url}: {error}") from error
        except ValueError as error:
            raise SystemUnusable(
                f"{self._client.base_url} answered {response.status_code}, and not as this API does"
            ) from error
        if response.is_error:
            reason = body.get("detail") or body.get("title") or f"HTTP {response.status_code}"
            raise SystemUnusable(f"{self._client.base_url}: {method} {path}: {reason}")
        return body
