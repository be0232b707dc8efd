"""Movies of which only facts are known: in the searches from their first fact to their last."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import SQLModel

from services.embedder.database import snapshot_records
from services.embedder.database.engine import open_engine, writing
from services.embedder.settings import EmbedderSettings
from shared.delivery.messages import MovieMessage
from shared.delivery.redis_client import Client
from shared.encoder import Encoder, GraphEncoder, artefact_folder
from shared.record import MovieRecord
from shared.retrieval.searcher import Mode, Searcher, SearchQuery
from shared.runs.registry import Run
from shared.snapshot.reader import check_vectors
from tests.support.embedder.arrivals import Sent, end, review
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import current, embedder, ended, new_run, send
from tests.support.waiting import async_wait_until


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> EmbedderSettings:
    return EmbedderSettings(
        redis_url=redis_url, data_dir=tmp_path, publish_idle_s=0.1, publish_every_s=600
    )


def told(record: MovieRecord) -> MovieMessage:
    return MovieMessage(run_id="run-1", source="site", movie=record)


LIGHTHOUSE = told(
    MovieRecord(
        "tt1", title="The Last Lighthouse", year=1962, genres=("Drama",), people=("Ada Rossi",),
        description="A keeper hides a stranded smuggler from the coast guard.",
    )
)  # fmt: skip
ORCHARD = told(MovieRecord("tt2", title="Orchard Road", year=1997, genres=("Comedy",)))
UNNAMED = told(MovieRecord("tt3", year=1950))
FACTS: list[Sent] = [LIGHTHOUSE, ORCHARD, UNNAMED]


async def crawl(
    redis: Client, items: Sequence[Sent], *, complete: bool = True, allow_removals: bool = False
) -> Run:
    run = await new_run(redis, "site", allow_removals=allow_removals)
    sent = [item.model_copy(update={"run_id": run.run_id}) for item in items]
    await send(redis, [*sent, end(sent, run=run.run_id, complete=complete)])
    return await ended(redis, run)


def shown(settings: EmbedderSettings) -> dict[str, int]:
    """The movies of the current snapshot with their numbers of reviews."""
    snapshot = current(settings)
    check_vectors(snapshot)
    movies = snapshot.catalogue.movies(range(snapshot.index.rows))
    assert [movie.review_count > 0 for movie in movies] == snapshot.reviewed.tolist()
    return {movie.movie_id: movie.review_count for movie in movies}


def found(
    settings: EmbedderSettings, encoder: Encoder, text: str, mode: Mode = "hybrid"
) -> list[str]:
    searcher = Searcher(current(settings))
    query = searcher.interpreted(SearchQuery(text=text, mode=mode))
    if texts := query.texts():
        query = query.with_vectors(encoder.encode_queries(texts))
    return [hit.movie.movie_id for hit in searcher.search(query).hits]


async def test_a_movie_comes_and_goes_with_and_without_reviews(
    redis: Client, settings: EmbedderSettings
) -> None:
    encoder = HashEncoder()
    async with embedder(settings, encoder):
        first = await crawl(redis, FACTS)
        assert (first.state, first.error, first.stored) == ("searchable", None, 0)
        assert first.snapshot_id == current(settings).snapshot_id
        assert shown(settings) == {"tt1": 0, "tt2": 0}
        assert found(settings, encoder, "the last lighthouse")[0] == "tt1"
        assert found(settings, encoder, "lighthouse", "semantic") == []
        said = review("a", "tt1", text="Wind, salt and a lamp that must not go out.")
        await crawl(redis, [*FACTS, said])
        assert shown(settings) == {"tt1": 1, "tt2": 0}
        assert found(settings, encoder, "salt", "semantic") == ["tt1"]
        # Half of the database's reviews may go at most, unless an operator confirms it.
        refused = await crawl(redis, FACTS)
        assert (refused.state, shown(settings)) == ("incomplete", {"tt1": 1, "tt2": 0})
        lost = await crawl(redis, FACTS, allow_removals=True)
        assert (lost.state, lost.removed) == ("searchable", 1)
        assert shown(settings) == {"tt1": 0, "tt2": 0}
        assert found(settings, encoder, "smuggler", "lexical") == ["tt1"]
        assert found(settings, encoder, "salt", "lexical") == []
        unlisted = await crawl(redis, [LIGHTHOUSE, UNNAMED], complete=False)
        assert (unlisted.state, shown(settings)) == ("searchable", {"tt1": 0, "tt2": 0})
        await crawl(redis, [LIGHTHOUSE, UNNAMED])
        assert shown(settings) == {"tt1": 0}


async def test_a_changed_fact_is_found_and_the_former_is_not(
    redis: Client, settings: EmbedderSettings
) -> None:
    encoder = HashEncoder()
    changed = told(MovieRecord("tt2", title="Harvest Lane", year=1998, genres=("Comedy",)))
    async with embedder(settings, encoder):
        first = await crawl(redis, FACTS)
        same = await crawl(redis, FACTS)
        assert same.snapshot_id == first.snapshot_id
        await crawl(redis, [LIGHTHOUSE, changed, UNNAMED])
    assert found(settings, encoder, "harvest lane")[0] == "tt2"
    assert found(settings, encoder, "orchard", "lexical") == []


async def test_what_an_encoder_spoils_does_not_pass_for_unreviewed(
    redis: Client, settings: EmbedderSettings
) -> None:
    class Spoiling(HashEncoder):
        def encode_passages(self, texts: Sequence[str]):  # type: ignore[no-untyped-def]
            vectors = super().encode_passages(texts)
            vectors[["spoilt" in text for text in texts]] = 0
            return vectors

    async with embedder(settings, Spoiling()):
        await crawl(redis, [*FACTS, review("a", "tt1", text="spoilt")])
    assert shown(settings) == {"tt2": 0}


async def test_an_upgrade_makes_them_appear_and_encodes_nothing(
    redis: Client, settings: EmbedderSettings
) -> None:
    """As an earlier version left the database: its snapshot lacks movies without reviews."""
    encoder = HashEncoder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot_records, "is_findable", lambda _: False)
        async with embedder(settings, encoder):
            await crawl(redis, [*FACTS, review("a", "tt2", text="Apples, and a long way home.")])
    before = current(settings)
    assert shown(settings) == {"tt2": 1}
    engine = open_engine(settings.database)
    with writing(engine) as connection:
        connection.execute(update(SQLModel.metadata.tables["snapshots"]).values(unreviewed=False))
    engine.dispose()
    encoded = list(encoder.encoded)

    async def replaced() -> bool:
        return current(settings).snapshot_id != before.snapshot_id

    async with embedder(settings, encoder):
        await async_wait_until(replaced)
    assert shown(settings) == {"tt1": 0, "tt2": 1}
    assert encoder.encoded == encoded


@pytest.mark.encoder
async def test_the_real_encoder_finds_them_by_what_is_known(
    redis: Client, settings: EmbedderSettings, encoder_store: Path
) -> None:
    [folder] = (encoder_store / "encoders").iterdir()
    encoder = GraphEncoder(
        artefact_folder(encoder_store, folder.name), encoder_id=folder.name, precision="f32"
    )
    reviews = [
        review("a", "tt8", text="Rockets, silence and a robot with a conscience. Slow, splendid."),
        review("b", "tt9", text="Two sisters open a bakery. Warm, funny and full of butter."),
    ]
    others = [told(MovieRecord("tt8", title="Far Orbit")), told(MovieRecord("tt9", title="Bread"))]
    async with embedder(settings, encoder):
        run = await crawl(redis, [*FACTS, *others, *reviews])
    assert run.state == "searchable"
    for text in (
        "The Last Lighthouse", "last lighthose", "the lastlighthouse", "Ada Rossi",
        "a keeper hides a smuggler", "a drama from 1962", "dramas of the sixties",
    ):  # fmt: skip
        assert found(settings, encoder, text)[0] == "tt1", text
    for text in ("a robot in space", "sisters who bake", "gloomy war story"):
        assert set(found(settings, encoder, text, "semantic")) == {"tt8", "tt9"}, text
        assert found(settings, encoder, text)[2:] == ["tt1", "tt2"], text
