"""``movie-search search`` against a running service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli import app
from services.cli.search import understood_line
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.query_service import RunningQuery, always, query_settings, running_query
from tests.support.query.snapshots import (
    BOXER,
    COMEDY,
    MOVIES,
    SPACE,
    SampleMovie,
    SnapshotBuilder,
)


@pytest.fixture
async def query(tmp_path: Path) -> AsyncIterator[RunningQuery]:
    encoder = HashEncoder(dim=64)
    SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), encoder).publish()
    async with running_query(query_settings(tmp_path), always(encoder)) as running:
        await running.reload()
        yield running


@dataclass(frozen=True)
class Done:
    exit_code: int
    output: str
    stdout: str


async def command(query: RunningQuery, *arguments: str) -> Done:
    url = f"http://{query.host}:{query.port}"

    def run() -> Done:
        result = CliRunner().invoke(app, ["search", *arguments, "--url", url])
        return Done(result.exit_code, result.output, result.stdout)

    return await asyncio.to_thread(run)  # the service runs in this one


async def movie_ids(query: RunningQuery, *arguments: str) -> list[str]:
    done = await command(query, *arguments, "--json")
    assert done.exit_code == 0, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    return [hit["movie"]["movie_id"] for hit in answer["hits"]]


async def test_every_field_of_the_search_can_be_given(query: RunningQuery) -> None:
    assert await movie_ids(query, "rain", "--offset", "3") == (await movie_ids(query, "rain"))[3:]
    only = await movie_ids(query, "--filters", '{"rating": {"gte": 8}}')
    assert only == [BOXER.movie_id]
    both = ("--filters", '{"genres": {"none": ["Sport"]}}', "--genre", "Drama", "rain")
    assert await movie_ids(query, *both) == []
    assert SPACE.movie_id not in await movie_ids(query, "rain", "--unlike", SPACE.movie_id)
    options = ("--evidence", "2", "--diversity", "0.5", "--explain", "--json")
    answer = json.loads((await command(query, "rain", *options)).stdout)
    assert {len(hit["evidence"]) for hit in answer["hits"]} <= {0, 1, 2}
    assert all(hit["parts"] for hit in answer["hits"])


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("rain", "--filters", "["), "--filters must be a JSON object"),
        (("rain", "--filters", "3"), "--filters must be a JSON object"),
        (("rain", "--explain"), "--explain needs --json"),
        ((), "describe what you feel like watching"),
    ],
)
async def test_wrong_usage_is_one_line(
    query: RunningQuery, arguments: tuple[str, ...], reason: str
) -> None:
    done = await command(query, *arguments)
    assert done.exit_code == 2
    assert reason in done.output


def test_the_version_and_the_help_have_their_usual_flags() -> None:
    assert CliRunner().invoke(app, ["--version"]).output.strip() == version("semantic-movie-search")
    for flag in ("-h", "--help"):
        assert "search" in CliRunner().invoke(app, [flag]).output
        assert "--filters" in CliRunner().invoke(app, ["search", flag]).output


async def test_options_are_fields_of_the_search(query: RunningQuery) -> None:
    assert len(await movie_ids(query, "rain")) == 4
    assert await movie_ids(query, "rain", "-k", "1") == [SPACE.movie_id]
    assert await movie_ids(query, "rain", "--year-from", "1980", "--year-to", "1990") == [
        SPACE.movie_id
    ]
    both = await movie_ids(query, "rain", "--genre", "comedy", "--genre", "Sport")
    assert set(both) == {BOXER.movie_id, COMEDY.movie_id}
    assert await movie_ids(query, "neon", "--mode", "lexical") == [SPACE.movie_id]
    assert BOXER.movie_id not in await movie_ids(query, "--like", BOXER.movie_id)
    liked = await movie_ids(query, "rain", "--like", BOXER.movie_id, "--like", SPACE.movie_id)
    assert not {BOXER.movie_id, SPACE.movie_id} & set(liked)
    assert SPACE.movie_id not in await movie_ids(query, "rain", "--exclude", SPACE.movie_id)
    avoiding = await command(query, "a movie", "--avoid", "sweat and stairs")
    assert avoiding.exit_code == 0
    assert "The Underdog" in avoiding.output


FOREIGN = SampleMovie(
    "tt0900001",
    ["A [bold]loud[/bold] [/red] movie about rain \u202eand [link=x]sheep[/link]."],
    title="[rec] [/beta] Rain [b]\u001b[31m",
)


async def test_what_looks_like_markup_is_shown_as_it_is(tmp_path: Path) -> None:
    """Titles and reviews are texts of other people."""
    encoder = HashEncoder(dim=64)
    builder = SnapshotBuilder(SnapshotStore(tmp_path / "snapshots"), encoder)
    builder.publish([*MOVIES, FOREIGN])
    async with running_query(query_settings(tmp_path), always(encoder)) as running:
        await running.reload()
        done = await command(running, "a movie about sheep and rain")
    assert done.exit_code == 0, done.output
    assert "[rec] [/beta] Rain [b] [31m  " in done.output
    shown = " ".join(done.output.split())
    assert "A [bold]loud[/bold] [/red] movie about rain and [link=x]sheep[/link]." in shown


async def test_a_line_says_what_was_understood(query: RunningQuery) -> None:
    line = (await command(query, "80s movie in the rain, no comedy")).output.splitlines()[0]
    assert line.startswith("1980-1989; without Comedy · ")
    assert "rain" in line
    assert len(await movie_ids(query, "80s movie in the rain", "--no-interpret")) == 4
    assert SPACE.movie_id == (await movie_ids(query, "80s movie in the rain"))[0]
    plain = (await command(query, "80s movie in the rain", "--no-interpret")).output
    assert "1980-1989" not in plain


async def test_the_line_names_movies_by_their_titles(query: RunningQuery) -> None:
    like = (await command(query, f"something like {BOXER.title} but quiet")).output
    assert like.startswith(f"like {BOXER.title} · quiet")
    title = (await command(query, BOXER.title or "")).output
    assert title.startswith(f"title {BOXER.title} · ")


def test_every_part_is_in_the_line() -> None:
    understood = {
        "text": "sad",
        "corrections": [{"from": "hitchcok", "to": "hitchcock"}],
        "filters": {
            "year": {"gte": 1990, "lte": 1999},
            "runtime": {"gte": None, "lte": 90},
            "votes": {"gte": 5, "lte": None},
            "genres": {"any": ["Thriller", "Crime"], "all": [], "none": ["Horror"]},
            "directors": {"any": ["A. Hitchcock"]},
            "countries": {"any": ["France"]},
        },
        "avoid": "gore",
        "like": ["tt1"],
        "titles": ["tt2", "tt3"],
        "relaxed": ["runtime"],
    }
    assert understood_line(understood, {"tt1": "Like This"}) == (
        "1990-1999, up to 90 minutes, from 5 votes, Thriller or Crime, by A. Hitchcock, from France"
        "; without Horror, gore; like Like This; title tt2; spelling hitchcok → hitchcock;"
        " no movie fits, so that these were dropped: runtime · sad"
    )
    assert understood_line(
        {**understood, "filters": {"year": {"gte": 1994, "lte": 1994}}}, {}
    ).startswith("1994; without gore")


async def test_an_error_is_one_line(query: RunningQuery) -> None:
    nothing = await command(query)
    assert (nothing.exit_code, nothing.output.count("\n")) == (2, 1)
    assert (await command(query, "a", "--mode", "magic")).exit_code == 2
    unknown = await command(query, "a", "--like", "tt9")
    assert unknown.exit_code == 1
    assert unknown.output == "movie-search: like.0: Unknown movie id\n"
    backwards = await command(query, "a", "--year-from", "2000", "--year-to", "1990")
    assert backwards.exit_code == 1
    assert "filters.year" in backwards.output
