"""Posters from their messages to the files beside the snapshots, and their end."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from services.embedder.database.engine import open_engine, writing
from services.embedder.database.models import MOVIES
from services.embedder.database.poster_store import POSTERS, PosterStore
from services.embedder.publishing.poster_publishing import PosterPublisher
from services.embedder.settings import EmbedderSettings
from services.ingest.posters.poster_image import to_poster
from shared.delivery.keys import DEAD_LETTERS_STREAM, REVIEWS_STREAM
from shared.delivery.messages import MovieMessage, PosterMessage
from shared.delivery.redis_client import Client
from shared.record import MovieRecord
from shared.snapshot.commit import retain
from shared.snapshot.storage.manifest import CATALOGUE_FILE
from shared.snapshot.storage.poster_files import PosterFiles
from shared.snapshot.storage.store import SnapshotStore
from tests.support.crawl.pictures import jpeg
from tests.support.embedder.arrivals import arrive, end
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import current, embedder, ended, new_run, send
from tests.support.waiting import async_wait_until

ONE, TWO = (to_poster(jpeg(seed=seed)) for seed in (1, 2))


def movie(name: str, poster: str | None, run: str = "run-1") -> MovieMessage:
    url = f"https://images.example/{poster}" if poster is not None else None
    facts = MovieRecord(name, title=name.upper(), poster_url=url)
    return MovieMessage(run_id=run, source="site", movie=facts)


def picture(name: str, image: bytes, run: str = "run-1") -> PosterMessage:
    url = f"https://images.example/{name}"
    return PosterMessage(run_id=run, source="site", url=url, image=image)


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> EmbedderSettings:
    return EmbedderSettings(
        redis_url=redis_url, data_dir=tmp_path, publish_idle_s=0.1, publish_every_s=600
    )


def shown(settings: EmbedderSettings) -> dict[str, bytes | None]:
    """The movies of the current snapshot with the pictures that a reader gets of them."""
    snapshot = current(settings)
    files = PosterFiles(settings.snapshot_dir)
    try:
        movies = snapshot.catalogue.movies_after("", 100)
        return {one.movie_id: files.read(one.poster) if one.poster else None for one in movies}
    finally:
        snapshot.catalogue.close()


async def test_a_snapshot_has_the_posters_of_its_movies(
    redis: Client, settings: EmbedderSettings
) -> None:
    async with embedder(settings, HashEncoder()):
        run = await new_run(redis, "site")
        movies = [
            movie("tt1", "one.jpg", run.run_id),
            movie("tt2", "two.jpg", run.run_id),
            movie("tt3", "one.jpg", run.run_id),
            movie("tt4", None, run.run_id),
            movie("tt5", "never.jpg", run.run_id),
        ]
        # One picture comes before its movie, as from another embedder's batch.
        first, second = picture("one.jpg", ONE, run.run_id), picture("two.jpg", TWO, run.run_id)
        await send(redis, [first, *movies, second, end(movies, run=run.run_id, complete=True)])
        assert (await ended(redis, run)).state == "searchable"
        before = {"tt1": ONE, "tt2": TWO, "tt3": ONE, "tt4": None, "tt5": None}
        assert shown(settings) == before

        # A later picture changes its movies only, in a snapshot made from the one before.
        await send(redis, [picture("never.jpg", TWO), picture("one.jpg", TWO)])

        async def changed() -> bool:
            return shown(settings) == {**before, "tt1": TWO, "tt3": TWO, "tt5": TWO}

        await async_wait_until(changed)
    catalogue = next(settings.snapshot_dir.glob(f"*/{CATALOGUE_FILE}"))
    for file in settings.snapshot_dir.glob("posters/??/*"):
        assert file.stat().st_mode == catalogue.stat().st_mode  # whoever may read the snapshots
        assert file.stem == file.parent.name + file.stem[2:]


async def test_what_is_no_picture_is_a_dead_letter_and_the_run_is_complete(
    redis: Client, settings: EmbedderSettings
) -> None:
    async with embedder(settings, HashEncoder()):
        run = await new_run(redis, "site")
        movies = [movie("tt1", "one.jpg", run.run_id)]
        fields = picture("one.jpg", ONE, run.run_id).to_fields()
        body = fields["body"]
        too_large = body.replace('"image":"', '"image":"' + "A" * 100_000)
        for bad in (
            {**fields, "id": "0" * 64},
            {**fields, "body": body.replace('"image":"UklG', '"image":"PHN2')},  # <sv
            {**fields, "body": too_large},
            {**fields, "body": body.replace('"image":"', '"image":"!')},
        ):
            await redis.xadd(REVIEWS_STREAM, bad)
        await send(redis, [*movies, end(movies, run=run.run_id, complete=True)])
        record = await ended(redis, run)
        assert (record.state, record.dead_lettered) == ("searchable", 0)
        assert await redis.xlen(DEAD_LETTERS_STREAM) == 4
        assert shown(settings) == {"tt1": None}


async def test_posters_are_stored_once_by_address(engine: Engine) -> None:
    await arrive(engine, movie("tt1", "one.jpg"), picture("one.jpg", ONE))
    store = PosterStore(engine)
    url = "https://images.example/one.jpg"
    first = store.digests().of(url)
    assert first is not None
    assert store.image(first) == ONE
    with writing(engine) as connection:
        connection.execute(update(MOVIES).values(revision=0))
    await arrive(engine, picture("one.jpg", ONE))  # again: nothing changes
    with writing(engine) as connection:
        assert connection.execute(MOVIES.select()).mappings().one()["revision"] == 0
    await arrive(engine, picture("one.jpg", TWO))
    with writing(engine) as connection:
        assert connection.execute(MOVIES.select()).mappings().one()["revision"] > 0
        assert len(connection.execute(POSTERS.select()).all()) == 1
    second = store.digests().of(url)
    assert second is not None
    assert (store.image(second), store.image(first)) == (TWO, None)
    assert store.digests().of("https://images.example/two.jpg") is None


async def test_what_nothing_names_is_deleted(engine: Engine, tmp_path: Path) -> None:
    snapshots = SnapshotStore(tmp_path / "store")
    files = PosterFiles(snapshots.root)
    posters = PosterPublisher(PosterStore(engine), snapshots)
    await arrive(engine, movie("tt1", "one.jpg"), picture("one.jpg", ONE), picture("two.jpg", TWO))
    publish = posters.poster_of()
    one = publish("https://images.example/one.jpg")
    two = publish("https://images.example/two.jpg")
    assert one is not None
    assert two is not None
    assert publish("https://images.example/three.jpg") is None
    leftover = files.path(one).with_name(f".{one}.x7")
    leftover.write_bytes(ONE[:10])
    folder = snapshots.folder("00000001-0123abcd")
    folder.mkdir()
    with sqlite3.connect(folder / CATALOGUE_FILE) as catalogue:
        catalogue.execute("CREATE TABLE movies (row INTEGER PRIMARY KEY, poster TEXT)")
        catalogue.execute("INSERT INTO movies VALUES (0, ?), (1, NULL)", (two,))
    posters.sweep(older_than_s=3600)
    assert (files.read(one), files.read(two), leftover.exists()) == (ONE, TWO, True)
    posters.sweep(older_than_s=-1)  # all is older than the future
    # No movie names two.jpg any more, and no snapshot the picture of one.jpg.
    assert (files.read(one), files.read(two), leftover.exists()) == (None, TWO, False)
    assert PosterStore(engine).digests().of("https://images.example/two.jpg") is None
    # The movie that names it gets its file again with the next snapshot.
    assert posters.poster_of()("https://images.example/one.jpg") == one
    assert files.read(one) == ONE
    (folder / CATALOGUE_FILE).write_bytes(b"damaged")
    posters.sweep(older_than_s=-1)  # what it names is unknown, so nothing is deleted
    assert (files.read(one), files.read(two)) == (ONE, TWO)
    retain(snapshots, keep=3, lease_folder=tmp_path / "leases")
    assert files.read(one) == ONE


def test_a_database_of_an_earlier_version_gets_the_table(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'movies.sqlite'}"
    engine = open_engine(url)
    with writing(engine) as connection:
        POSTERS.drop(connection)
    engine.dispose()
    upgraded = open_engine(url)
    assert PosterStore(upgraded).digests().of("https://images.example/one.jpg") is None
    upgraded.dispose()
