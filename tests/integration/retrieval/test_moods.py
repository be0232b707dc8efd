"""Moods over a real snapshot: viewers' words for what a person asks for in other words."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from shared.retrieval.moods.tones import TONES
from shared.retrieval.searcher import Searcher, SearchPage, SearchQuery
from shared.snapshot.reader import open_snapshot
from shared.snapshot.storage.store import SnapshotStore
from tests.support.embedder.encoders import HashEncoder
from tests.support.query.snapshots import SampleMovie, SnapshotBuilder

ENCODER = HashEncoder()
PLAIN = ("harbour", "letter", "train", "boxer", "desert", "ship", "king", "band", "river", "snow")


def movie(name: str, *sentences: str) -> SampleMovie:
    return SampleMovie(name, sentences, title=f"Number {name[2:]}")


def catalogue() -> list[SampleMovie]:
    dice = random.Random(5)
    others = [movie(f"tt{n:03}", " ".join(dice.choices(PLAIN, k=8)) + ".") for n in range(60)]
    return [
        movie("tt900", TONES["warm"].sentence, "Uplifting and sweet, such joy."),
        movie("tt901", TONES["light"].sentence, "Delightful, charming fun."),
        movie("tt910", TONES["violent"].sentence, "Bloody and brutal. A rainy day."),
        movie("tt911", TONES["bleak"].sentence, "Harrowing and grim. It rained on a bad day."),
        *others,
    ]


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    store = SnapshotStore(tmp_path_factory.mktemp("store"))
    manifest = SnapshotBuilder(store, ENCODER).publish(catalogue())
    return Searcher(open_snapshot(store, manifest.snapshot_id))


def page(searcher: Searcher, text: str, *, tones: bool = True, **fields: object) -> SearchPage:
    query = SearchQuery(text=text, k=64, evidence=0, **fields)  # type: ignore[arg-type]
    query = query.with_vectors(ENCODER.encode_queries(query.texts()))
    return searcher.search(query if tones else replace(query, tone_vectors={}))


def ids(answer: SearchPage) -> list[str]:
    return [hit.movie.movie_id for hit in answer.hits]


def test_a_situation_brings_what_suits_it_and_lowers_what_does_not(searcher: Searcher) -> None:
    text = "a rainy day after a bad day"
    with_tones, without = (page(searcher, text, tones=tones) for tones in (True, False))
    assert set(ids(without)[:2]) == {"tt910", "tt911"}  # "a rainy day" is a topic, then
    assert set(ids(with_tones)[:2]) == {"tt900", "tt901"}
    lost = {hit.movie.movie_id: hit.parts.avoided or 0 for hit in with_tones.hits}
    assert min(lost["tt910"], lost["tt911"]) > max(lost["tt900"], lost["tt901"])


def test_what_is_avoided_is_known_by_other_words(searcher: Searcher) -> None:
    lost = {
        hit.movie.movie_id: hit.parts.avoided or 0
        for hit in page(searcher, "harbour", avoid="carnage").hits
    }
    assert lost["tt910"] == max(lost.values()) > 0  # no viewer writes "carnage"


@pytest.mark.parametrize("text", ["a letter from the harbour", "boxer", "the king of the river"])
def test_a_topic_is_ranked_as_without_tones(searcher: Searcher, text: str) -> None:
    assert page(searcher, text) == page(searcher, text, tones=False)


def test_a_description_is_ranked_as_without_tones(searcher: Searcher) -> None:
    text = (
        "A funny king and a sad boxer cross the desert by train with a heartwarming letter, "
        "and cry when the band plays in the snow"
    )
    assert page(searcher, text) == page(searcher, text, tones=False)


def test_every_movie_is_ranked_once(searcher: Searcher) -> None:
    found = ids(page(searcher, "cheer me up"))
    assert len(found) == len(set(found)) == 64
