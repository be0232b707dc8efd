"""CPU time of the steps of a search: ``python -m tests.benchmarks.sections.steps``.

All steps run in one process on one thread and take turns, with real queries, after a first round
that is not counted. Then come whole requests through the ASGI application, with cached query
vectors: one request as it is, and one with a ready ranking, which shows the cost of HTTP,
validation, serialization and the change of threads. These rows do not include encoding.

The last rows are an encoding alone, and searches with their encoding: one right after the other, as
under load, and each after a pause, as in a service with few requests. They cost more than the sum
of the two alone, because each evicts the data of the other from the CPU caches.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from services.query.app import create_app
from services.query.serving.generation import Generation
from services.query.settings import QuerySettings
from shared.encoder import GraphEncoder
from shared.retrieval.evidence.choosing import evidence_for
from shared.retrieval.ranking import scoring
from shared.retrieval.searcher import CANDIDATES, Searcher, SearchQuery
from shared.text.terms import terms
from tests.benchmarks.catalogues.built import Catalogue, demo, imdb500
from tests.benchmarks.catalogues.queries import take
from tests.benchmarks.figures.measurement import Series
from tests.benchmarks.figures.plan import ROOT
from tests.benchmarks.race.servers import ONE_THREAD

QUERIES = 200
QUERIES_ENCODED = 50
ROUNDS = 10
REST_S = 0.003

Step = Callable[[int], Any]
"""Runs the step for the query with this number."""


def search_steps(searcher: Searcher, searches: Sequence[SearchQuery]) -> dict[str, Step]:
    """The steps of a hybrid search with evidence; each gets the result of the one before."""
    snapshot = searcher.snapshot
    texts = [search.text or "" for search in searches]
    vectors = [np.asarray(search.vector) for search in searches]
    words = [terms(text) for text in texts]
    rows = [
        np.union1d(
            snapshot.index.search(vector[np.newaxis], CANDIDATES)[1][0],
            snapshot.lexical.search(row_words, CANDIDATES)[1],
        )
        for vector, row_words in zip(vectors, words, strict=True)
    ]
    passage_scores = [
        snapshot.passages.scores(candidates, vector)
        for candidates, vector in zip(rows, vectors, strict=True)
    ]
    pages = [
        [hit.movie for hit in searcher.search(replace(search, evidence=0)).hits]
        for search in searches
    ]
    return {
        "terms of the query": lambda n: terms(texts[n]),
        "a title in the query": lambda n: searcher.titles.named(texts[n]),
        "nearest pooled vectors": lambda n: snapshot.index.search(
            vectors[n][np.newaxis], CANDIDATES
        ),
        "lexical index": lambda n: snapshot.lexical.search(words[n], CANDIDATES),
        "passages of the candidates": lambda n: snapshot.passages.scores(rows[n], vectors[n]),
        "three best passages of each": lambda n: scoring.top_mean(passage_scores[n]),
        "movies of the page": lambda n: snapshot.catalogue.movies([m.row for m in pages[n]]),
        "evidence of the page": lambda n: evidence_for(snapshot, pages[n], vectors[n], 1),
        "the whole search": lambda n: searcher.search(searches[n]),
    }


def with_encoding(
    encoder: GraphEncoder, searcher: Searcher, searches: Sequence[SearchQuery]
) -> dict[str, Step]:
    """An encoding, and a search that begins with one."""

    def encoding(n: int) -> None:
        encoder.encode_queries([searches[n].text or ""])

    def both(n: int) -> None:
        encoding(n)
        searcher.search(searches[n])

    def both_rested(n: int) -> None:
        time.sleep(REST_S)
        both(n)

    return {
        "encoding alone": encoding,
        "encoding and search": both,
        f"the same after a pause of {REST_S * 1000:.0f} ms": both_rested,
    }


def measured(steps: dict[str, Step], count: int) -> dict[str, Series]:
    """CPU microseconds of each step."""
    micros: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(ROUNDS + 1):
        for name, step in steps.items():
            began = time.process_time()
            for n in range(count):
                step(n)
            if turn:
                micros[name].append((time.process_time() - began) / count * 1e6)
    return {name: Series.of(values) for name, values in micros.items()}


async def requests_measured(
    catalogue: Catalogue, texts: Sequence[str], first: SearchQuery
) -> dict[str, Series]:
    """CPU microseconds of whole requests, without a network."""
    bodies = [json.dumps({"query": text}).encode() for text in texts]
    with tempfile.TemporaryDirectory() as folder:
        settings = QuerySettings(
            data_dir=Path(folder),
            snapshot_url=catalogue.store.root.absolute().as_uri(),
            query_cache=len(texts),
        )
        app = create_app(settings)
        async with app.router.lifespan_context(app) as state:
            assert state is not None
            service = state["service"]
            await service.reloader.reload_now()
            generation: Generation = service.generation()
            whole = generation.searcher.search
            answer = whole(first)
            micros: dict[str, list[float]] = {"a request": [], "a request without its ranking": []}
            for turn in range(ROUNDS + 1):
                for name, search in zip(micros, (whole, lambda _: answer), strict=True):
                    setattr(generation.searcher, "search", search)  # noqa: B010 - for types
                    began = time.process_time()
                    for body in bodies:
                        await _ask(app, {"service": service}, body)
                    if turn:
                        micros[name].append((time.process_time() - began) / len(bodies) * 1e6)
    return {name: Series.of(values) for name, values in micros.items()}


async def _ask(app: Callable[..., Awaitable[None]], state: dict[str, Any], body: bytes) -> None:
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": "/search", "raw_path": b"/search", "query_string": b"",
        "root_path": "", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": state,
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json"),
                    (b"content-length", str(len(body)).encode())],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message.get("status", 200) != 200:
            raise RuntimeError(f"HTTP status {message['status']}")

    await app(scope, receive, send)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.sections.steps", description=__doc__
    )
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bench")
    options = parser.parse_args()
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        # Libraries read these variables when they are loaded, so start again with them.
        command = [sys.executable, "-m", "tests.benchmarks.sections.steps", *sys.argv[1:]]
        return subprocess.call(command, env={**os.environ, **ONE_THREAD})
    catalogues = options.work / "catalogues"
    catalogue = imdb500(options.data, catalogues, _say) or demo(catalogues, _say)
    texts = [text[:512] for text in take(catalogue.queries, QUERIES, seed=7)]
    encoder, searcher = GraphEncoder(catalogue.artefact), Searcher(catalogue.snapshot)
    searches = [SearchQuery(text=text, vector=encoder.encode_queries([text])[0]) for text in texts]
    micros = measured(search_steps(searcher, searches), len(searches))
    micros |= asyncio.run(requests_measured(catalogue, texts, searches[0]))
    micros |= measured(with_encoding(encoder, searcher, searches), QUERIES_ENCODED)
    sys.stdout.write(f"{catalogue.name}: {catalogue.queries_from}\n")
    sys.stdout.write(f"{'CPU microseconds':<32}{'min':>8}{'median':>8}\n")
    for name, series in micros.items():
        sys.stdout.write(f"{name:<32}{series.minimum:>8.0f}{series.median:>8.0f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
