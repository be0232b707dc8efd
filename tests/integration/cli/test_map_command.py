"""``movie-search map --html``: a picture that needs nothing but a browser."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shared.snapshot.storage.store import SnapshotStore
from tests.support.browser.chromium import chromium
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.snapshots import Film, SnapshotBuilder

FILMS = [
    Film(
        f"tt{number:07d}",
        (f"{('rain', 'songs')[number % 2]} again and again, {number}.",),
        title=f"Film <b>{number}</b>",
        year=1950 + number,
    )
    for number in range(20)
]


def draw(data: Path, html: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.cli", "map", "--html", html, "--data-dir", data],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_nothing_but_the_picture_is_left(tmp_path: Path) -> None:
    publish(tmp_path, mapped=True)
    html = tmp_path / "map.html"
    html.write_text("an older one")
    assert draw(tmp_path, html).returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"snapshots", "map.html"}
    assert "an older one" not in html.read_text()


def publish(data: Path, *, mapped: bool) -> None:
    builder = SnapshotBuilder(SnapshotStore(data / "snapshots"), HashEncoder())
    builder.publish(FILMS, mapped=mapped)


@pytest.mark.browser
async def test_the_picture_has_every_film_and_loads_nothing(tmp_path: Path) -> None:
    publish(tmp_path, mapped=True)
    html = tmp_path / "map.html"
    done = draw(tmp_path, html)
    assert done.returncode == 0, done.stderr
    assert "20 movies" in done.stdout
    asked: list[str] = []
    faults: list[str] = []
    async with chromium() as browser:
        page = await browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        await page.goto(html.as_uri())
        await page.wait_for_function("window.Bokeh && Bokeh.documents.length === 1")
        films = await page.evaluate(
            """Bokeh.documents[0].roots()[0].renderers
                 .flatMap((one) => one.data_source.data.title ?? [])"""
        )
        await page.locator("canvas").first.wait_for()
    assert sorted(films) == sorted(film.title for film in FILMS if film.title)
    assert asked == [html.as_uri()]
    assert faults == []


@pytest.mark.parametrize(
    ("mapped", "name", "said"),
    [
        (None, "map.html", "no snapshot"),
        (False, "map.html", "has no atlas.json"),
        (True, "none/map.html", "cannot write"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_one_line(
    tmp_path: Path, mapped: bool | None, name: str, said: str
) -> None:
    if mapped is not None:
        publish(tmp_path, mapped=mapped)
    done = draw(tmp_path, tmp_path / name)
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / name).exists()
