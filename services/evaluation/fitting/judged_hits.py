"""Searches judged queries as the query service does, and notes the signals of each hit.

Hits are the first ten, because ``fit`` is a share of hits, not of all movies. Whether a hit was
accepted:

- descriptions, topics, moods and people: a movie that the set grades above 0 is. One that it does
  not grade is not, although some of those would be: the fit is rather too low than too high;
- texts that ask for no movie, and titles of movies that the catalogue does not have: none is;
- a title that is typed: the movie that is meant;
- a constraint that is typed: what the set says that movies must be.

How often people type what is an assumption: the families count as ``SHARES`` says, and within a
family every query counts the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from shared.encoder import GraphEncoder, artefact_folder
from shared.evaluation.constraints import MovieFacts
from shared.evaluation.measures import DEPTH
from shared.evaluation.query_sets import Query, QuerySet
from shared.retrieval.fit.calibration import shipped
from shared.retrieval.fit.chance import Chance, chance_in
from shared.retrieval.fit.signals import signals_of
from shared.retrieval.query import RankedMovie, SearchPage, SearchQuery
from shared.retrieval.ranking.tone_scores import searched_mood
from shared.retrieval.searcher import Searcher
from shared.snapshot.reader import open_snapshot
from shared.snapshot.storage.store import SnapshotStore

UNRELATED = "unrelated texts"
ABSENT = "titles of other movies"
SHARES: Mapping[str, float] = {
    "descriptions": 0.25, "topics": 0.2, "moods": 0.2, "people": 0.1, UNRELATED: 0.15, ABSENT: 0.1,
}  # fmt: skip
"""How much each family of texts counts."""
FAMILIES: Mapping[str, str] = {
    "plot": "descriptions", "foreign": "descriptions", "mood": "topics", "feel": "moods",
    "people": "people",
}  # fmt: skip
"""The family of a query set, by the last part of its name."""
TITLES, ASKS = "titles", "asks"
LIKED_MOVIES = 300
_ALIKE = 0.5  # of the genres of two movies together, those that both have


@dataclass(frozen=True, slots=True)
class TextHit:
    """A hit of a text.

    Attributes:
        family: What kind of text it is, one of ``SHARES``.
        catalogue: The snapshot that was searched.
        query: The id of the query.
        signals: Its signals, in the order of ``Signals``.
        accepted: Whether a person would accept it.
    """

    family: str
    catalogue: str
    query: str
    signals: tuple[float, ...]
    accepted: bool


@dataclass
class JudgedHits:
    """All hits that were judged.

    Attributes:
        text: Hits of texts, without movies that are named.
        exact: Whether each movie was meant whose title a text is.
        near: The same for titles with slips and for parts of titles.
        kept: Whether each hit is what a typed constraint says.
        liked: For the most similar movies of some: deviations above chance, and whether both have
            most of their genres in common.
    """

    text: list[TextHit] = field(default_factory=list)
    exact: list[bool] = field(default_factory=list)
    near: list[bool] = field(default_factory=list)
    kept: list[bool] = field(default_factory=list)
    liked: list[tuple[float, bool]] = field(default_factory=list)

    def weights(self) -> npt.NDArray[np.float64]:
        """How much each hit of ``text`` counts."""
        queries = {hit.family: set[tuple[str, str]]() for hit in self.text}
        for hit in self.text:
            queries[hit.family].add((hit.catalogue, hit.query))
        of_query = Counter((hit.family, hit.catalogue, hit.query) for hit in self.text)
        return np.array(
            [
                SHARES[hit.family]
                / len(queries[hit.family])
                / of_query[hit.family, hit.catalogue, hit.query]
                for hit in self.text
            ]
        )


def unrelated_texts() -> list[str]:
    """The texts that ask for no movie."""
    lines = files(__package__).joinpath("unrelated.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("# ")]


class JudgedCatalogue:
    """A snapshot in which judged queries are searched."""

    def __init__(self, name: str, store: SnapshotStore, judged: JudgedHits) -> None:
        """Open the current snapshot of a store.

        Args:
            name: Its name in the figures.
            store: The store.
            judged: What the hits are added to.

        Raises:
            shared.snapshot.storage.store.NoSnapshot: the store has no current snapshot.
            shared.snapshot.storage.verify.SnapshotCorrupt: the snapshot cannot be opened.
            shared.encoder.EncoderInvalid: its encoder cannot be opened.
        """
        self._name = name
        self._judged = judged
        current = store.current()
        self._snapshot = open_snapshot(
            store, current.snapshot_id, manifest_sha256=current.manifest_sha256
        )
        encoder_id = self._snapshot.manifest.encoder.encoder_id
        self._encoder = GraphEncoder(artefact_folder(store.root, encoder_id), encoder_id=encoder_id)
        self._searcher = Searcher(self._snapshot)
        self.chance: Chance = chance_in(self._snapshot, shipped().chance.to_chance())

    def add(self, query_set: QuerySet) -> None:
        """Search a set whose judged movies the catalogue has; sets of other kinds are ignored."""
        kind = query_set.name.rpartition("-")[2]
        known = query_set.among(self._movie_ids())
        for query in known.queries:
            grades = known.judgements[query.query_id]
            if kind in FAMILIES:
                self._add_text(FAMILIES[kind], query, grades)
            elif kind == TITLES:
                self._add_named(query, grades)
            elif kind == ASKS:
                self._add_constraint(query)

    def add_absent_titles(self, query_set: QuerySet) -> None:
        """Search the titles of movies that the catalogue does not have."""
        movie_ids = self._movie_ids()
        for query in query_set.queries:
            if not movie_ids & query_set.judgements[query.query_id].keys():
                self._add_named(query, {})
                self._add_text(ABSENT, query, {})

    def add_unrelated(self) -> None:
        """Search the texts that ask for no movie."""
        for number, text in enumerate(unrelated_texts()):
            self._add_text(UNRELATED, Query(f"unrelated-{number}", text), {})

    def add_liked(self) -> None:
        """Search movies that are like others, and compare their genres."""
        catalogue = self._snapshot.catalogue
        rows = np.flatnonzero([len(fact.genres) > 1 for fact in catalogue.all_facts()])
        chosen = rows[:: max(1, len(rows) // LIKED_MOVIES)]
        for movie in catalogue.movies(chosen.tolist()):
            page = self._searcher.similar(movie.movie_id, k=DEPTH, evidence=0)
            cosines = np.array([hit.score for hit in page.hits])
            for above, hit in zip(self.chance.movies.above(cosines), page.hits, strict=True):
                if hit.movie.genres:
                    self._judged.liked.append((float(above), _is_alike(movie.genres, hit)))

    def _movie_ids(self) -> frozenset[str]:
        rows = list(range(self._snapshot.index.rows))
        return frozenset(movie.movie_id for movie in self._snapshot.catalogue.movies(rows))

    def _page(self, query: Query) -> tuple[SearchQuery, SearchPage]:
        search = self._searcher.interpreted(
            SearchQuery(k=DEPTH, evidence=0, text=query.text, avoid=query.avoid)
        )
        if texts := search.texts():
            search = search.with_vectors(self._encoder.encode_queries(texts))
        return search, self._searcher.search(search)

    def _named(self, search: SearchQuery) -> list[int]:
        if search.interpretation is not None:
            return [*search.interpretation.titles]
        return self._searcher.titles.named(search.text or "")

    def _add_text(self, family: str, query: Query, grades: Mapping[str, int]) -> None:
        search, page = self._page(query)
        named = self._named(search)
        hits = [hit for hit in page.hits if hit.movie.row not in named]
        if search.searched_text is None or not hits:
            return
        rows = np.array([hit.movie.row for hit in hits])
        signals = signals_of(
            self._snapshot,
            self.chance,
            rows,
            search.searched_text,
            search.vector,
            mood=searched_mood(search),
        )
        for hit, values in zip(hits, np.column_stack(signals).tolist(), strict=True):
            accepted = grades.get(hit.movie.movie_id, 0) > 0
            self._judged.text.append(
                TextHit(family, self._name, query.query_id, tuple(values), accepted)
            )

    def _add_named(self, query: Query, grades: Mapping[str, int]) -> None:
        """The first movie that a text names, if it names one."""
        search, page = self._page(query)
        named = self._named(search)
        first = page.hits[0] if page.hits else None
        if first is None or first.movie.row not in named[:1]:
            return
        text = search.searched_text or query.text
        titles = self._searcher.titles
        is_exact = first.movie.row in {*titles.exact(text), *titles.exact(query.text)}
        kind = self._judged.exact if is_exact else self._judged.near
        kind.append(grades.get(first.movie.movie_id, 0) > 0)

    def _add_constraint(self, query: Query) -> None:
        _, page = self._page(query)
        understood = page.understood
        if query.must is None or understood is None or understood.filters.is_empty:
            return
        if not understood.relaxed:
            self._judged.kept += [
                query.must.kept_by(MovieFacts(hit.movie.year, tuple(hit.movie.genres)))
                for hit in page.hits
            ]


def smoothed(outcomes: Sequence[bool]) -> float:
    """The share of accepted hits by Laplace's rule, so that few hits are never all or none."""
    return (sum(outcomes) + 1) / (len(outcomes) + 2)


def _is_alike(genres: Iterable[str], hit: RankedMovie) -> bool:
    first, second = set(genres), set(hit.movie.genres)
    return len(first & second) / len(first | second) >= _ALIKE
