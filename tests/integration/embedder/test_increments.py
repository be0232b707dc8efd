"""A snapshot made from the previous one holds exactly what a completely written one holds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from services.embedder.database.engine import open_engine
from services.embedder.database.run_ledger import Ledgers
from services.embedder.database.snapshot_records import SnapshotRecords
from services.embedder.database.work_list import WorkList
from services.embedder.encoding import encode_reviews
from services.embedder.movie_map import map_layout
from services.embedder.publishing import publisher as publishing
from services.embedder.publishing.pooling import pool
from services.embedder.publishing.publisher import Publisher
from services.embedder.settling.removal import Removals
from shared.delivery.messages import MovieMessage
from shared.record import MovieRecord
from shared.snapshot import commit, editor
from shared.snapshot.activation import activate
from shared.snapshot.reader import Snapshot, open_snapshot
from shared.snapshot.storage.audit import audit
from shared.snapshot.storage.manifest import CATALOGUE_FILE, MANIFEST, Manifest
from shared.snapshot.storage.store import SnapshotStore
from shared.text.terms import VERSION, terms
from tests.integration.snapshot.test_snapshots import writer
from tests.support.embedder.arrivals import Sent, arrive, end, kept, review
from tests.support.embedder.encoders import HashEncoder
from tests.support.soak import examples

Movies = dict[str, dict[str, str]]
"""The texts of the reviews of each movie, by their ids, and its description, if it has one."""

DESCRIPTION = "description"

WORDS = ("sea", "moon", "grim", "funny", "slow", "war", "love", "dog")
STEPS = 4


class System:
    """A database, and the snapshots of it that one publisher makes."""

    def __init__(self, folder: Path) -> None:
        self.encoder = HashEncoder()
        self.engine: Engine = open_engine(f"sqlite:///{folder / 'movies.sqlite'}")
        self.store = SnapshotStore(folder / "snapshots")
        self.publisher = self.new_publisher(self.store)
        self._folder = folder
        self._work_list = WorkList(self.engine, self.encoder.spec.encoder_id)
        self._runs = 0
        self._before: Movies = {}

    def new_publisher(self, store: SnapshotStore) -> Publisher:
        records = SnapshotRecords(self.engine, self.encoder.spec.encoder_id)
        return Publisher(
            records, store, spec=self.encoder.spec, precision="f32", keep=3,
            lease_folder=store.root / "leases",
        )  # fmt: skip

    async def crawl(self, movies: Movies) -> None:
        """Run a complete crawl of these movies: new or edited items are sent, the others named."""
        self._runs += 1
        run = f"run-{self._runs}"
        sent: list[Sent] = []
        names = []
        for movie_id, reviews in movies.items():
            before = self._before.get(movie_id)
            described = reviews.get(DESCRIPTION)
            if before is None or before.get(DESCRIPTION) != described:
                facts = MovieRecord(movie_id, title=movie_id.upper(), description=described)
                sent.append(MovieMessage(run_id=run, source="site", movie=facts))
            else:
                names.append(f"movie/{movie_id}")
            for name, text in reviews.items():
                if name == DESCRIPTION:
                    continue
                if before is None or before.get(name) != text:
                    sent.append(review(name, movie_id, run=run, text=text))
                else:
                    names.append(f"review/{name}")
        ending = end(sent, kept=names, run=run, complete=True)
        messages = [*sent, kept(*names, run=run), ending] if names else [*sent, ending]
        await arrive(self.engine, *messages)
        decided = Removals(self.engine).decide(run, allowed=True)
        assert decided.fault is None
        Ledgers(self.engine).close(run)
        self._before = {movie_id: dict(reviews) for movie_id, reviews in movies.items()}
        while work := self._work_list.claim(100, "embedder-1"):
            self._work_list.save(encode_reviews(self.encoder, work))

    def publish(self) -> Snapshot:
        """Publish the next snapshot."""
        return opened(self.store, self.publisher.publish())

    def written_at_once(self) -> Snapshot:
        """A snapshot of the same content in an empty store, so that all of it is written."""
        store = SnapshotStore(self._folder / f"at-once-{self._runs}")
        return opened(store, self.new_publisher(store).publish())


def opened(store: SnapshotStore, manifest: Manifest | None) -> Snapshot:
    assert manifest is not None
    return open_snapshot(store, manifest.snapshot_id)


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    made = System(tmp_path)
    yield made
    made.engine.dispose()


def held(snapshot: Snapshot) -> dict[str, object]:
    """The content of a snapshot by movie, without the rows."""
    catalogue, counts = snapshot.catalogue, snapshot.term_counts
    assert counts is not None
    content: dict[str, object] = {}
    for row, entry in enumerate(catalogue.movies(range(snapshot.index.rows))):
        reviews = [
            (one.review_id, one.text, one.rating, one.movie == row)
            for one in catalogue.reviews_of(row)
        ]
        rows = range(entry.passage_start, entry.passage_start + entry.passage_count)
        passages = [(one.review_id, one.text) for one in catalogue.passages(rows)]
        content[entry.movie_id] = (
            entry.title, entry.description, entry.review_count, reviews, passages, entry.row == row,
            snapshot.index.vectors()[row].tobytes(), snapshot.passages.vectors(row).tobytes(),
            [part.tobytes() for part in counts.of_rows(row, row + 1)],
        )  # fmt: skip
    return content


def said(snapshot: Snapshot, words: list[str]) -> dict[str, float]:
    """The movies that the lexical index finds, with their scores."""
    ids = snapshot.catalogue.movie_ids()
    scores, rows = snapshot.lexical.search([t for word in words for t in terms(word)], 1000)
    return {ids[row]: float(score) for score, row in zip(scores, rows, strict=True)}


def nearest(snapshot: Snapshot, query: np.ndarray) -> dict[str, float]:
    ids = snapshot.catalogue.movie_ids()
    scores, rows = snapshot.index.search(query, 1000)
    return {ids[row]: float(score) for score, row in zip(scores[0], rows[0], strict=True)}


def require_same(one: Snapshot, other: Snapshot, encoder: HashEncoder, *, scores: bool) -> None:
    assert one.manifest.counts == other.manifest.counts
    assert held(one) == held(other)
    for query in (["sea", "grim"], ["film"], ["dog", "love", "war"]):
        actual, expected = said(one, query), said(other, query)
        assert actual.keys() == expected.keys()
        if scores:
            assert actual == pytest.approx(expected, rel=1e-6)
    vector = encoder.encode_queries(["a grim film about the sea"])
    # Cosines of unit float32 vectors: which row a movie has decides how the sum is rounded.
    assert nearest(one, vector) == pytest.approx(nearest(other, vector), abs=1e-6)
    assert one.atlas is not None
    assert len(one.atlas.positions) == one.index.rows
    assert np.isfinite(one.atlas.positions).all(axis=1).tolist() == one.reviewed.tolist()


texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=30).map(" ".join)
names = st.sampled_from([*(f"r{n:02d}" for n in range(40)), *[DESCRIPTION] * 8])
movies = st.dictionaries(
    st.sampled_from([f"tt{n:02d}" for n in range(14)]), st.dictionaries(names, texts, max_size=4)
)


def as_a_source_has_them(drawn: Movies) -> Movies:
    """Let each review belong to one movie only, and keep at least one movie."""
    seen: set[str] = set()
    whole: Movies = {"tt99": {"keep": "A film about the sea."}}
    for movie_id, reviews in drawn.items():
        whole[movie_id] = {name: text for name, text in reviews.items() if name not in seen}
        seen |= reviews.keys() - {DESCRIPTION}
    return whole


def partly(before: Movies, after: Movies, share: float, random: np.random.Generator) -> Movies:
    """The movies of ``before``, with a share of them as in ``after``."""
    chosen = {movie_id for movie_id in {*before, *after} if random.random() < share}
    mixed = {name: reviews for name, reviews in before.items() if name not in chosen}
    mixed.update({name: reviews for name, reviews in after.items() if name in chosen})
    return mixed


@pytest.mark.timeout(1800)  # each step publishes twice, and a busy machine takes its time
@pytest.mark.parametrize("deleted_share", [0.0, 1.0])
@settings(max_examples=examples(5))
@given(
    drawn=st.lists(movies, min_size=STEPS, max_size=STEPS),
    shares=st.lists(st.sampled_from([0.05, 0.2, 0.5]), min_size=STEPS, max_size=STEPS),
    seed=st.integers(0, 2**32 - 1),
)
async def test_whatever_changes_nothing_tells_it_from_one_written_at_once(
    deleted_share: float, drawn: list[Movies], shares: list[float], seed: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    random = np.random.default_rng(seed)
    system = System(tmp_path_factory.mktemp("increments"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(editor, "MOST_DELETED_SHARE", deleted_share)
        patch.setattr(publishing, "MOST_CHANGED_SHARE", 10.0)
        patch.setattr(publishing, "MOST_DEAD_SHARE", 1.0)
        patch.setattr(map_layout, "MIN_FOR_TSNE", 1000)  # t-SNE takes a second
        present = as_a_source_has_them(drawn[0])
        for after, share in zip(drawn, shares, strict=True):
            present = as_a_source_has_them(partly(present, after, share, random))
            await system.crawl(present)
            made = system.publish()
            require_same(
                made, system.written_at_once(), system.encoder, scores=deleted_share == 0.0
            )
    for snapshot_id in system.store.snapshot_ids():
        assert [one.fault for one in audit(system.store, snapshot_id) if one.fault] == []
    system.engine.dispose()


SOME: Movies = {f"tt{n:02d}": {f"r{n}": f"A {WORDS[n % 8]} film."} for n in range(12)}


def edited(movies: Movies, movie_id: str, text: str) -> Movies:
    return {**movies, movie_id: dict.fromkeys(movies[movie_id], text)}


async def test_one_changed_movie_is_all_that_is_written(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    await system.crawl(SOME)
    first = system.publish()
    monkeypatch.setattr(editor, "MOST_DELETED_SHARE", 1.0)
    pooled: list[int] = []

    def counting(rows: np.ndarray, reviews: list[int]) -> np.ndarray | None:
        pooled.append(len(rows))
        return pool(rows, reviews)

    monkeypatch.setattr("services.embedder.publishing.publisher.pool", counting)
    await system.crawl(edited(SOME, "tt05", "A quiet walk."))
    second = system.publish()
    assert pooled == [1]
    folders = [system.store.folder(one.snapshot_id) / "lexical" for one in (first, second)]
    before = {path.name: path.stat().st_ino for path in folders[0].glob("*.term")}
    assert before.items() <= {p.name: p.stat().st_ino for p in folders[1].iterdir()}.items()
    assert second.catalogue.movie_ids() == first.catalogue.movie_ids()
    assert said(second, ["quiet"]).keys() == {"tt05"}
    assert said(first, ["quiet"]) == {}


@pytest.mark.parametrize(
    "name",
    ["vectors.faiss", "passages.npy", "catalogue.sqlite", "term_hashes.bin", "term_counts.bin",
     "lexical"],
)  # fmt: skip
async def test_damage_is_not_passed_on(system: System, name: str) -> None:
    await system.crawl(SOME)
    first = system.publish()
    path = system.store.folder(first.snapshot_id) / name
    if path.is_dir():
        [path] = path.glob("*.term")
    whole = bytearray(path.read_bytes())
    whole[-9] ^= 1
    path.write_bytes(whole)
    await system.crawl(edited(SOME, "tt05", "A quiet walk."))
    require_same(system.publish(), system.written_at_once(), system.encoder, scores=True)


async def test_a_catalogue_without_any_review_can_be_built_upon(system: System) -> None:
    facts: Movies = {f"tt{n:02d}": {DESCRIPTION: f"{WORDS[n % 8]} and more"} for n in range(12)}
    await system.crawl(facts)
    first = system.publish()
    assert (first.manifest.counts.movies, first.manifest.counts.passages) == (12, 0)
    await system.crawl({**facts, "tt03": {**facts["tt03"], "r1": "Loud, and a long way off."}})
    second = system.publish()
    assert second.catalogue.movie_ids() == first.catalogue.movie_ids()
    assert np.flatnonzero(second.reviewed).tolist() == [3]
    require_same(second, system.written_at_once(), system.encoder, scores=True)
    await system.crawl({**facts, "tt05": {DESCRIPTION: "quiet"}})
    third = system.publish()
    assert not third.reviewed.any()
    assert said(third, ["quiet"]).keys() == {"tt05"}
    require_same(third, system.written_at_once(), system.encoder, scores=True)


async def test_what_follows_a_roll_back_has_all_that_came_since(system: System) -> None:
    await system.crawl(SOME)
    first = system.publish()
    await system.crawl(edited(SOME, "tt05", "A quiet walk."))
    system.publish()
    activate(system.store, first.snapshot_id, encoder_id=system.encoder.spec.encoder_id)
    await system.crawl({name: SOME[name] for name in list(SOME)[1:]})
    require_same(system.publish(), system.written_at_once(), system.encoder, scores=True)


async def test_waste_does_not_grow_without_end(system: System) -> None:
    await system.crawl(SOME)
    system.publish()
    for turn in range(1, 17):
        text = "A film about this and that, again and again. " * (1 + turn % 2 * 7)
        await system.crawl(edited(SOME, "tt05", text))
        snapshot = system.publish()
        base = editor.Base(system.store.folder(snapshot.snapshot_id), snapshot.manifest)
        assert base.dead_share() < 0.5
    require_same(snapshot, system.written_at_once(), system.encoder, scores=True)


async def test_one_of_the_former_format_can_be_built_upon(system: System) -> None:
    await system.crawl(SOME)
    first = system.publish()
    former = first.manifest.model_copy(update={"format_version": 3})
    (system.store.folder(first.snapshot_id) / MANIFEST).write_bytes(former.to_bytes())
    commit.point_current_at(system.store, first.snapshot_id)
    await system.crawl(edited(SOME, "tt05", "A quiet walk."))
    second = system.publish()
    assert second.manifest.format_version == 4
    require_same(second, system.written_at_once(), system.encoder, scores=True)


async def test_a_changed_fact_is_searched_by_its_new_words(system: System) -> None:
    await system.crawl(SOME)
    assert said(system.publish(), ["kurosawa"]) == {}
    told = MovieRecord(
        "tt05", title="Chaos", original_title="乱", year=1985, genres=("Drama",),
        people=("Mieko Harada",), directors=("Akira Kurosawa",), keywords=("samurai",),
        description="An ageing warlord retires.",
    )  # fmt: skip
    await arrive(system.engine, MovieMessage(run_id="run-9", source="site", movie=told))
    changed = system.publish()
    assert changed.manifest.sequence == 2
    for words in (
        "chaos", "乱", "kurosawa", "harada", "drama", "samurai", "warlords retiring", "1985",
        "1980s", "the 80s",
    ):  # fmt: skip
        assert said(changed, words.split()).keys() == {"tt05"}, words
    require_same(changed, system.written_at_once(), system.encoder, scores=True)


async def test_one_with_the_terms_of_an_earlier_version_is_not_built_upon(system: System) -> None:
    await system.crawl(SOME)
    first = system.publish()
    path = system.store.folder(first.snapshot_id) / MANIFEST
    manifest = json.loads(path.read_bytes())
    assert manifest.pop("terms") == VERSION
    path.write_text(json.dumps(manifest))
    commit.point_current_at(system.store, first.snapshot_id)
    former = open_snapshot(system.store, first.snapshot_id)
    assert former.terms("huge stories") == ["hug", "stori"]
    await system.crawl(edited(SOME, "tt05", "A quiet walk."))
    encoded = list(system.encoder.encoded)
    with structlog.testing.capture_logs() as logs:
        second = system.publish()
    [published] = [line for line in logs if line["event"] == "snapshot published"]
    assert published["written"] == "all"
    assert system.encoder.encoded == encoded
    assert second.terms("huge stories") == ["huge", "story"]
    require_same(second, system.written_at_once(), system.encoder, scores=True)


async def test_one_without_term_counts_is_searched_and_not_built_upon(system: System) -> None:
    await system.crawl(SOME)
    first = system.publish()
    folder = system.store.folder(first.snapshot_id)
    files = {name: one for name, one in first.manifest.files.items() if "term_" not in name}
    assert len(files) == len(first.manifest.files) - 3
    former = first.manifest.model_copy(update={"files": files})
    (folder / MANIFEST).write_bytes(former.to_bytes())
    commit.point_current_at(system.store, first.snapshot_id)
    assert open_snapshot(system.store, first.snapshot_id).term_counts is None
    await system.crawl(edited(SOME, "tt05", "A quiet walk."))
    with structlog.testing.capture_logs() as logs:
        second = system.publish()
    [published] = [line for line in logs if line["event"] == "snapshot published"]
    assert published["written"] == "all"
    require_same(second, system.written_at_once(), system.encoder, scores=True)


@pytest.mark.parametrize("start", [0, 3, 999, -1])
def test_passages_of_two_movies_or_of_none_are_refused(start: int, tmp_path: Path) -> None:
    def misplace(folder: Path) -> None:
        with sqlite3.connect(folder / CATALOGUE_FILE) as connection:
            connection.execute("UPDATE movies SET passage_start = ? WHERE row = 1", (start,))
        connection.close()

    with pytest.raises(commit.GateFailed, match=r"overlap|holds"):
        commit.publish(SnapshotStore(tmp_path / "store"), sequence=1, write=writer(extra=misplace))
