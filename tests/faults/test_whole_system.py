"""The whole system with everything that goes wrong at once, and no wrong answer.

Services and Redis are killed, sources are crawled again and again while they change, a site is
hostile, a movie is popular, and two clients are greedy, while two searchers check every answer. A
refusal with 503 is no wrong answer, and neither is no answer while the service starts again.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from shared.runs.registry import TERMINAL
from tests.support.counts import Counted
from tests.support.crawl.hostile_site import (
    Answer,
    Asked,
    answer,
    deflate_bomb,
    hostile_site,
    index,
    movie_page,
)
from tests.support.invented_source import InventedSource
from tests.support.local_system import LocalSystem
from tests.support.soak import times
from tests.support.waiting import wait_until

pytestmark = pytest.mark.alone

LASTS_S = times(60, soak=1500)
POPULAR = times(600, soak=5000)
KILL_EVERY_S = (4.0, 9.0)
MOST_QUERY_MB = 1000
MOODS = ("funny and warm", "a tense winter", "sad but gentle", "lonely doctor in a village")


class Watch:
    """What happened, counted by every thread.

    Attributes:
        over: Set when the threads are to end.
        counts: How often each thing happened.
        wrong: The answers that are not right.
        peak_mb: The most memory that each process had.
    """

    def __init__(self) -> None:
        self.over = threading.Event()
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.peak_mb: dict[str, int] = {}


def search(system: LocalSystem, source: InventedSource, watch: Watch, seed: int) -> None:
    """Search by title and by mood, and check that each answer is of the movie that it names."""
    chance = random.Random(seed)
    with httpx.Client(base_url=str(system.client.base_url), timeout=30, trust_env=False) as client:
        while not watch.over.is_set():
            movie_id, title = chance.choice(sorted(source.titles.items()))
            query = chance.choice([title, title, *MOODS])
            paths = ("/similar", "/reviews?limit=50", "")
            try:
                if chance.random() < 0.2:
                    path = f"/movies/{source.popular}{chance.choice(paths)}"
                    count(watch, path, client.get(path))
                    continue
                response = client.post("/search", json={"query": query, "k": 5, "evidence": 2})
            except httpx.HTTPError:
                watch.counts["unreachable"] += 1
                watch.over.wait(0.05)
                continue
            if count(watch, query, response):
                hits = response.json()["hits"]
                if query == title and hits[0]["movie"]["movie_id"] != movie_id:
                    watch.wrong.append(f"{title}: {hits[0]['movie']}")
                watch.wrong += [
                    f"{query}: {hit['movie']['id']} is said to have {said['text']!r}"
                    for hit in hits
                    for said in hit["evidence"]
                    if hit["movie"]["movie_id"] in source.titles
                    and not source.may_be_said(hit["movie"]["movie_id"], said["text"])
                ]


def count(watch: Watch, asked: str, response: httpx.Response) -> bool:
    """Whether a request was answered; a refusal is counted, anything else is wrong."""
    if response.status_code == httpx.codes.OK:
        watch.counts["right"] += 1
    elif response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        watch.counts["refused with 503"] += 1
    else:
        watch.wrong.append(f"{asked}: {response.status_code} {response.text[-300:]}")
    return response.status_code == httpx.codes.OK


def kill(system: LocalSystem, watch: Watch) -> None:
    """Kill one process after the other with SIGKILL."""
    chance = random.Random(7)
    in_turn = cycle(("query", "embedder", "redis", "ingest"))
    while not watch.over.wait(chance.uniform(*KILL_EVERY_S)):
        processes = system.processes()
        for name, process in processes.items():
            with suppress(psutil.Error):
                used_mb = process.memory_info().rss // 2**20
                watch.peak_mb[name] = max(used_mb, watch.peak_mb.get(name, 0))
        name = next(in_turn)
        if name in processes:
            with suppress(psutil.Error):
                processes[name].kill()
                watch.counts[f"kills of {name}"] += 1


def crawl_again(system: LocalSystem, source: InventedSource, watch: Watch) -> None:
    """Change the data set, crawl it and the hostile site, and do it again."""
    while not watch.over.is_set():
        source.change()
        for name in ("files", "site"):
            run = crawled(system, name, watch.over)
            if run is not None:
                watch.counts[f"crawls {run['state']}"] += 1


def crawled(system: LocalSystem, name: str, over: threading.Event) -> dict[str, Any] | None:
    """The run of a source when it has ended; None when the threads are to end before that."""
    where: str | None = None
    while not over.wait(0.2):
        with suppress(httpx.HTTPError, OSError):
            if where is None:
                response = system.admin("POST", "/ingest", json={"source": name})
                if response.status_code == httpx.codes.ACCEPTED:  # or another run is under way
                    where = response.headers["Location"].removeprefix("/admin")
            else:
                response = system.admin("GET", where)
                if response.status_code == httpx.codes.OK:
                    run: dict[str, Any] = response.json()
                    if run["state"] in TERMINAL:
                        return run
    return None


def be_greedy(system: LocalSystem, lines: Path, address: str, watch: Watch) -> None:
    """Keep a client running that takes all it can get; it ends when the service is killed."""
    command = [
        sys.executable, "-m", "tests.benchmarks.race.greedy", "--port", str(system.port),
        "--client", address, "--lines", str(lines), "--kind", "batch", "--connections", "2",
    ]  # fmt: skip
    while not watch.over.is_set():
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as one:
            while one.poll() is None and not watch.over.wait(0.2):
                pass
            one.kill()
        watch.counts["starts of greedy clients"] += 1


def served(body: str, _: Asked) -> Answer:
    return answer(body)


def bomb(_: Asked) -> Answer:
    packed = deflate_bomb(200 * 2**20)
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n"
    yield f"{head}Content-Length: {len(packed)}\r\nConnection: close\r\n\r\n".encode()
    yield packed


@contextmanager
def threads(watch: Watch, *targets: Callable[[], None]) -> Iterator[None]:
    """Run these until the block ends; what one of them raises is wrong, too."""

    def guarded(target: Callable[[], None]) -> None:
        try:
            target()
        except Exception as error:
            watch.wrong.append(f"{target}: {error!r}")
            raise

    running = [threading.Thread(target=guarded, args=(target,)) for target in targets]
    for thread in running:
        thread.start()
    try:
        yield
    finally:
        watch.over.set()
        for thread in running:
            thread.join()


@pytest.mark.timeout(LASTS_S + 900)
def test_no_answer_is_wrong_whatever_happens(tmp_path: Path, counted: Counted) -> None:
    source = InventedSource(tmp_path, popular=POPULAR)
    good = {f"/m{n}": movie_page(n) for n in range(1, 9)}
    bad = {
        "/spaces": movie_page(90, text="a" + " " * 80_000 + "b"),
        "/broken": '<script type="application/ld+json">{"@type": "Movie", "name": </script>',
        "/deep": f'<script type="application/ld+json">{"[" * 100_000}</script>',
        "/dots": movie_page(91, text="." * 50_000),
    }
    pages = {"/": index(*good, *bad, "/bomb"), **good, **bad}
    routes = {path: partial(served, body) for path, body in pages.items()}
    watch = Watch()
    lines = tmp_path / "greedy.jsonl"
    lines.write_text("\n".join(f'{{"query": "{mood}", "k": 10}}' for mood in MOODS))
    with ExitStack() as stack:
        site = stack.enter_context(hostile_site({**routes, "/bomb": bomb}))
        (tmp_path / "sources.toml").write_text(
            f"{source.toml}\n[sources.site]\nspider = 'schema_org'\n"
            f"start_urls = ['{site.url()}']\nallow_private = true\ndelay_s = 0.01\n"
        )
        arguments = ("--sources", str(tmp_path / "sources.toml"), "--source", "files")
        (tmp_path / "data").mkdir()
        system = stack.enter_context(LocalSystem(tmp_path / "data", *arguments))
        system.wait_until_ready()
        searchers = [partial(search, system, source, watch, seed) for seed in range(2)]
        greedy = [partial(be_greedy, system, lines, f"127.0.0.{n}", watch) for n in (2, 3)]
        others = [partial(kill, system, watch), partial(crawl_again, system, source, watch)]
        began = time.monotonic()
        with threads(watch, *searchers, *greedy, *others):
            while time.monotonic() - began < LASTS_S and not watch.wrong:
                watch.over.wait(1)
        source.change()
        wait_until(lambda: _is_searchable(system), timeout_s=300, what="all of it searchable")
        for movie_id in source.titles:
            assert _stored(system, movie_id) == source.texts_of(movie_id)
    for what, n in sorted(watch.counts.items()):
        counted(what, n)
    for name, peak_mb in sorted(watch.peak_mb.items()):
        counted(f"MB at most in {name}", peak_mb)
    assert not watch.wrong, "\n".join(watch.wrong[:20])
    assert watch.counts["right"] > LASTS_S
    assert sum(n for what, n in watch.counts.items() if what.startswith("kills")) > LASTS_S / 15
    assert watch.counts["crawls searchable"] > LASTS_S / 60
    assert watch.peak_mb["query"] < MOST_QUERY_MB


def _is_searchable(system: LocalSystem) -> bool:
    run = crawled(system, "files", threading.Event())
    return run is not None and run["state"] == "searchable"


def _stored(system: LocalSystem, movie_id: str) -> list[str]:
    """The texts of a movie's reviews, by all pages of the API, sorted."""
    texts: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        options: dict[str, str | int] = {"limit": 100, **({"cursor": cursor} if cursor else {})}
        page = system.client.get(f"/movies/{movie_id}/reviews", params=options).json()
        texts += [review["text"] for review in page["reviews"]]
        cursor = page["next_cursor"]
    return sorted(texts)
