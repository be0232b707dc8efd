"""``movie-search map --html``: one HTML file that needs only a browser."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shared.snapshot.storage.store import SnapshotStore
from tests.support.browser.chromium import chromium
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.snapshots import SampleMovie, SnapshotBuilder

MOVIES = [
    SampleMovie(
        f"tt{number:07d}",
        (f"{('rain', 'songs')[number % 2]} again and again, {number}.",),
        title=f"Movie <b>{number}</b>",
        year=1950 + number,
    )
    for number in range(20)
]


def map_html(data: Path, html: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.cli", "map", "--html", html, "--data-dir", data],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_only_the_html_file_is_left(tmp_path: Path) -> None:
    publish(tmp_path, mapped=True)
    html = tmp_path / "map.html"
    html.write_text("an older one")
    assert map_html(tmp_path, html).returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"snapshots", "map.html"}
    assert "an older one" not in html.read_text()


def publish(data: Path, *, mapped: bool) -> None:
    builder = SnapshotBuilder(SnapshotStore(data / "snapshots"), HashEncoder())
    builder.publish(MOVIES, mapped=mapped)


@pytest.mark.browser
async def test_the_map_has_every_movie_and_loads_nothing(tmp_path: Path) -> None:
    publish(tmp_path, mapped=True)
    html = tmp_path / "map.html"
    done = map_html(tmp_path, html)
    assert done.returncode == 0, done.stderr
    assert "20 movies" in done.stdout
    requests: list[str] = []
    errors: list[str] = []
    async with chromium() as browser:
        page = await browser.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(html.as_uri())
        await page.wait_for_function("window.Bokeh && Bokeh.documents.length === 1")
        titles = await page.evaluate(
            """Bokeh.documents[0].roots()[0].renderers
                 .flatMap((one) => one.data_source.data.title ?? [])"""
        )
        await page.locator("canvas").first.wait_for()
    assert sorted(titles) == sorted(movie.title for movie in MOVIES if movie.title)
    assert requests == [html.as_uri()]
    assert errors == []


@pytest.mark.parametrize(
    ("mapped", "name", "message"),
    [
        (None, "map.html", "no snapshot"),
        (False, "map.html", "has no atlas.json"),
        (True, "none/map.html", "cannot write"),
    ],
)
def test_an_error_is_one_line(tmp_path: Path, mapped: bool | None, name: str, message: str) -> None:
    if mapped is not None:
        publish(tmp_path, mapped=mapped)
    done = map_html(tmp_path, tmp_path / name)
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / name).exists()
