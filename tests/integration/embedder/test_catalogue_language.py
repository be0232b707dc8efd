"""Catalogues in Spanish and German, from the stream to the answer of a search."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog

from services.embedder.settings import EmbedderSettings
from shared.delivery.redis_client import Client
from shared.encoder import Encoder
from shared.snapshot.reader import Snapshot
from shared.snapshot.storage.manifest import Manifest
from tests.support.delivery.messages import run_end
from tests.support.embedder.encoders import HashEncoder
from tests.support.embedder.running import current, embedder, ended, new_run, send
from tests.support.foreign_catalogues import CATALOGUES, messages_of
from tests.support.query.query_service import always, query_settings, running_query
from tests.support.waiting import async_wait_until


def settings_of(folder: Path, redis_url: str, language: str) -> EmbedderSettings:
    return EmbedderSettings(
        redis_url=redis_url, data_dir=folder, catalogue_language=language, publish_idle_s=0.1,
        publish_every_s=600,
    )  # fmt: skip


async def crawled(redis: Client, settings: EmbedderSettings, encoder: Encoder, name: str) -> None:
    """Let the embedder store, encode and publish one of the catalogues."""
    async with embedder(settings, encoder):
        run = await new_run(redis)
        items = messages_of(CATALOGUES[name], run=run.run_id)
        await send(redis, [*items, run_end(items, run_id=run.run_id)])
        assert (await ended(redis, run)).state == "searchable"


class Asking:
    """A running query service that is asked."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def __call__(self, query: str, **fields: Any) -> dict[str, Any]:
        response = await self._client.post("/search", json={"query": query, "k": 5, **fields})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def words(self, query: str) -> list[str]:
        """Ids of the movies that share a word with a query."""
        answer = await self(query, mode="lexical")
        return [hit["movie"]["movie_id"] for hit in answer["hits"]]

    async def first(self, query: str) -> str:
        """Id of the movie that comes first."""
        name: str = (await self(query))["hits"][0]["movie"]["movie_id"]
        return name


@asynccontextmanager
async def asking(folder: Path, encoder: Encoder) -> AsyncIterator[Asking]:
    async with running_query(query_settings(folder), always(encoder)) as running:
        await running.reload()
        yield Asking(running.client)


async def test_a_catalogue_in_spanish(redis: Client, redis_url: str, tmp_path: Path) -> None:
    encoder = HashEncoder(dim=128)
    await crawled(redis, settings_of(tmp_path, redis_url, "es"), encoder, "es")
    async with asking(tmp_path, encoder) as ask:
        # Other forms of a word, without accents, and without the words that all texts have.
        assert await ask.words("historias tristes") == ["es1"]
        assert await ask.words("CANCION alegre de los ninos") == ["es2"]
        assert await ask.words("enamorado con la lluvia") == ["es4"]
        assert await ask.words("de la en que los un") == []
        # Words that deny are words.
        assert set(await ask.words("sin villanos")) == {"es5"}
        # Titles, names and years.
        assert await ask.first("la casa del faro") == "es1"
        assert await ask.first("el ultimo travnia") == "es4"
        answer = await ask("películas de Inés Valdoria")
        assert answer["interpretation"]["filters"] == {"people": {"any": ["Inés Valdoria"]}}
        assert {hit["movie"]["movie_id"] for hit in answer["hits"]} == {"es1", "es3"}
        answer = await ask("canciones, 2008")
        assert answer["interpretation"]["filters"]["year"] == {"gte": 2008, "lte": 2008}
        # No English rule is applied, and no word of the catalogue is a slip.
        for text in ("no", "triste", "no quiero drama", "pan", "comedia sin sangre"):
            assert "interpretation" not in await ask(text), text
        assert "language" not in await ask("una película triste sobre la amistad")
        answer = await ask("a sad movie about the sea and two sisters")
        assert answer["language"] == {"query": "en", "reviews": "es"}


async def test_a_catalogue_in_german(redis: Client, redis_url: str, tmp_path: Path) -> None:
    encoder = HashEncoder(dim=128)
    await crawled(redis, settings_of(tmp_path, redis_url, "de"), encoder, "de")
    async with asking(tmp_path, encoder) as ask:
        assert await ask.words("trauriges Haus") == ["de1"]
        assert await ask.words("LUSTIGES LIED für ein Kind") == ["de2"]
        assert await ask.words("gefaehrliches abenteuer") == ["de5"]
        assert await ask.words("der die das und in den") == []
        assert set(await ask.words("ohne Schurken")) == {"de5"}
        assert await ask.first("das haus am deich") == "de1"
        assert await ask.first("Somer der Fahrrader") == "de2"
        answer = await ask("Filme von Ole Brinkhaus")
        assert {hit["movie"]["movie_id"] for hit in answer["hits"]} == {"de2", "de5"}
        for text in ("die", "traurig", "kein Horror", "also", "nach 1990"):
            assert "interpretation" not in await ask(text), text
        answer = await ask("una película triste sobre la amistad")
        assert answer["language"] == {"query": "es", "reviews": "de"}


def terms_of(snapshot: Snapshot) -> set[str]:
    return set(snapshot.lexical.document_counts())


async def test_another_language_writes_the_words_again_and_encodes_nothing(
    redis: Client, redis_url: str, tmp_path: Path
) -> None:
    encoder = HashEncoder()
    await crawled(redis, settings_of(tmp_path, redis_url, "en"), encoder, "es")
    before = current(settings_of(tmp_path, redis_url, "en"))
    assert before.manifest.language == "en"
    assert before.terms("las divertidas") == ["las", "divertida"]
    encoded = list(encoder.encoded)

    settings = settings_of(tmp_path, redis_url, "es")
    with structlog.testing.capture_logs() as logs:
        async with embedder(settings, encoder):

            async def published() -> bool:
                return current(settings).manifest.language == "es"

            await async_wait_until(published)
    [line] = [line for line in logs if line["event"] == "snapshot published"]
    assert line["written"] == "all"
    assert encoder.encoded == encoded
    after = current(settings)
    assert after.terms("las divertidas") == ["divert"]
    assert {"divert", "trist"} <= terms_of(after)
    assert not {"las", "divertida", "triste"} & terms_of(after)
    assert (after.index.vectors() == before.index.vectors()).all()
    # The snapshot before is still searched by its own terms.
    assert {"las", "divertida", "triste"} <= terms_of(before)
    assert "las" in before.terms("las divertidas")

    # The next one is built upon it, and nothing is written until something changes.
    with structlog.testing.capture_logs() as logs:
        async with embedder(settings, encoder):
            run = await new_run(redis)
            items = messages_of({"es1": CATALOGUES["es"]["es1"]}, run=run.run_id)
            await send(redis, [*items, run_end(items, run_id=run.run_id)])
            await ended(redis, run)
    assert [line for line in logs if line["event"] == "snapshot published"] == []
    assert current(settings).snapshot_id == after.snapshot_id


def test_a_manifest_that_names_no_language_is_of_an_english_catalogue() -> None:
    manifest = {
        "snapshot_id": "00000001-0a1b2c3d", "sequence": 1, "created_at": "2026-01-01T00:00:00Z",
        "encoder": {"encoder_id": "e", "model": "m", "dim": 2, "passage_precision": "f32"},
        "counts": {"movies": 0, "reviews": 0, "passages": 0}, "files": {},
    }  # fmt: skip
    assert Manifest.model_validate(manifest).language == "en"
    assert Manifest.model_validate({**manifest, "language": "es"}).language == "es"
    with pytest.raises(ValueError, match="no such language"):
        Manifest.model_validate({**manifest, "language": "sp"})


@pytest.mark.parametrize("code", ["sp", "", "english"])
def test_a_language_that_is_none_is_refused(code: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such language"):
        EmbedderSettings(data_dir=tmp_path, catalogue_language=code)
