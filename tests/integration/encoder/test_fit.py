"""``fit`` over the demo with the real encoder: nonsense, titles, and what lies between."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.ingest.demo_site.demo_catalogue import load_catalogue
from shared.encoder import GraphEncoder
from shared.retrieval.searcher import CANDIDATES, Mode, Searcher, SearchPage, SearchQuery
from shared.snapshot.reader import open_snapshot
from shared.snapshot.storage.store import SnapshotStore
from tests.support.query.snapshots import SampleMovie, SnapshotBuilder

pytestmark = pytest.mark.encoder

NOTHING = 0.08


class Demo:
    """The demo's movies, searched as the query service does."""

    def __init__(self, folder: Path, artefacts: Path) -> None:
        (folder / "encoders").symlink_to(artefacts)
        [artefact] = artefacts.iterdir()
        self.encoder = GraphEncoder(artefact)
        store = SnapshotStore(folder)
        movies = [
            SampleMovie(
                movie.movie_id,
                [review.text for review in movie.reviews],
                title=movie.title,
                year=movie.year,
                genres=movie.genres,
                directors=(movie.director,),
                description=movie.description,
                rating=movie.mean_rating,
                countries=(movie.country,),
            )
            for movie in load_catalogue()
        ]
        manifest = SnapshotBuilder(store, self.encoder).publish(movies, mapped=False)
        self.searcher = Searcher(open_snapshot(store, manifest.snapshot_id))

    def search(self, query: SearchQuery) -> SearchPage:
        query = self.searcher.interpreted(query)
        if texts := query.texts():
            query = query.with_vectors(self.encoder.encode_queries(texts))
        return self.searcher.search(query)

    def best(self, text: str) -> float:
        return max((hit.fit for hit in self.search(SearchQuery(text=text)).hits), default=0.0)


@pytest.fixture(scope="module")
def demo(encoder_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return Demo(tmp_path_factory.mktemp("demo"), encoder_store / "encoders")


@pytest.mark.parametrize(
    "text",
    [
        "asdfgh qwerty", "qqq zzz", "vbnm plokij", "404 500 503", "http 500 internal server error",
        "milk eggs bread butter", "printer driver update", "!!!", "x7 93k qz",
    ],
)  # fmt: skip
def test_nothing_fits_nonsense(demo: Demo, text: str) -> None:
    assert demo.best(text) < NOTHING


@pytest.mark.parametrize("text", ["Parasite", "the godfahter", "amelie", "se7en", "seven samurai"])
def test_a_title_fits(demo: Demo, text: str) -> None:
    first = demo.search(SearchQuery(text=text)).hits[0]
    assert first.fit > 0.9


@pytest.mark.parametrize(
    "text", ["courtroom drama", "space adventure", "relaxing and funny", "dinosaurs", "christmas"]
)
def test_a_wish_lies_between(demo: Demo, text: str) -> None:
    assert 0.2 < demo.best(text) < 0.99


def test_kept_constraints_fit_and_relaxed_ones_hardly(demo: Demo) -> None:
    kept = demo.search(SearchQuery(text="90s thriller")).hits
    assert kept
    assert all(hit.fit > 0.9 for hit in kept)
    relaxed = demo.search(SearchQuery(text="a thriller by hitchcock from 2015"))
    assert relaxed.understood is not None
    assert relaxed.understood.relaxed
    assert all(hit.fit < 0.3 for hit in relaxed.hits)


@pytest.mark.parametrize("mode", ["hybrid", "semantic", "lexical"])
@pytest.mark.parametrize("text", ["lonely people in a big city", "90s thriller", "not sad"])
def test_the_least_fit_cuts_every_page_alike(demo: Demo, mode: Mode, text: str) -> None:
    query = SearchQuery(text=text, mode=mode, evidence=0, k=CANDIDATES)
    whole = demo.search(query)
    assert all(0 <= hit.fit <= 1 for hit in whole.hits)
    least = sorted(hit.fit for hit in whole.hits)[len(whole.hits) // 2]
    cut = demo.search(SearchQuery(text=text, mode=mode, evidence=0, k=200, min_fit=least))
    assert cut.hits
    assert all(hit.fit >= least for hit in cut.hits)
    assert [hit.rank for hit in cut.hits] == list(range(1, len(cut.hits) + 1))
    assert cut.matched == len(cut.hits)
    paged: list[str] = []
    for offset in range(0, cut.matched + 30, 30):
        page = demo.search(
            SearchQuery(text=text, mode=mode, evidence=0, k=30, offset=offset, min_fit=least)
        )
        assert page.matched == cut.matched
        assert [hit.rank for hit in page.hits] == list(
            range(offset + 1, offset + 1 + len(page.hits))
        )
        paged += [hit.movie.movie_id for hit in page.hits]
    assert paged == [hit.movie.movie_id for hit in cut.hits]


def test_no_least_fit_changes_nothing(demo: Demo) -> None:
    text = "lonely people in a big city"
    assert demo.search(SearchQuery(text=text, min_fit=0.0)) == demo.search(SearchQuery(text=text))


def test_liked_movies_fit_by_how_near_they_are(demo: Demo) -> None:
    movie = load_catalogue()[0].movie_id
    fits = [hit.fit for hit in demo.searcher.similar(movie, k=20, evidence=0).hits]
    assert fits == sorted(fits, reverse=True)
    assert 0 < fits[-1] < fits[0] < 1
