"""The collections that ``make evaluate`` measures, as sources of the real pipeline.

They are other people's texts, so they are beside the checkout (``../shared/data``) and never in it.

Where the queries are the descriptions that the catalogue itself has of the movies (plots), a search
for a description would find a copy of it. Such sets are measured over a second snapshot of the same
reviews, in which the movies of the set have no description.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.evaluation.movie_files import write_titled, write_without_descriptions
from services.evaluation.snapshot_build import ensure_snapshot
from services.evaluation.typed_forms import FORMS
from shared.evaluation.floors import parse_floor
from shared.evaluation.query_sets import read_query_set, write_query_set
from shared.snapshot.storage.store import SnapshotStore


@dataclass(frozen=True)
class JudgedQueries:
    """A query set of a collection.

    Attributes:
        name: Its folder below ``queries``.
        own_descriptions: Whether its queries are the catalogue's descriptions of the movies, so
            that these must be left out of the snapshot.
        forms: Names of ``typed_forms.FORMS``: it is measured in each of them, too.
    """

    name: str
    own_descriptions: bool = False
    forms: tuple[str, ...] = ()

    @property
    def set_names(self) -> tuple[str, ...]:
        """The names of the sets that are measured."""
        return (self.name, *(f"{self.name}-{form}" for form in self.forms))


@dataclass(frozen=True)
class Collection:
    """A collection of reviews, and the judged queries and floors for it.

    Attributes:
        name: Its folder below the data folder, and the name of the source.
        reviews_per_movie: Reviews kept for each movie; 0 keeps all.
        query_sets: Query sets that are searched over it.
        floors: Minimum values in the form that ``shared.evaluation.floors`` parses.
        titled_only: Whether movies without a title, and their reviews, are left out.
    """

    name: str
    reviews_per_movie: int
    query_sets: tuple[JudgedQueries, ...]
    floors: tuple[str, ...] = ()
    titled_only: bool = False


@dataclass(frozen=True)
class Measurement:
    """A snapshot, and what is measured over it.

    Attributes:
        store: The store of the snapshot.
        queries: Folders of query sets.
        floors: The floors of these sets.
    """

    store: SnapshotStore
    queries: tuple[Path, ...]
    floors: tuple[str, ...]


SMALL = Collection(
    "imdb500",
    reviews_per_movie=5,
    query_sets=(
        JudgedQueries("imdb500-plot", own_descriptions=True),
        JudgedQueries("imdb500-mood"),
        JudgedQueries("imdb500-feel"),
        JudgedQueries("imdb500-titles"),
        JudgedQueries("imdb500-foreign"),
        JudgedQueries("imdb500-people", forms=("slip",)),
        JudgedQueries("imdb500-avoid", forms=("typed",)),
    ),
    floors=(
        "plot:MRR@10>=0.82", "plot:R@10>=0.92", "mood:nDCG@10>=0.70", "people:nDCG@10>=0.975",
        "people-slip:nDCG@10>=0.95",
        "avoid:nDCG@10>=0.50", "avoid:violations@10<=1.5", "titles:success@1>=0.96",
        "foreign:MRR@10>=0.93", "feel:nDCG@10>=0.45", "feel:opposites@10<=18",
        "avoid-typed:nDCG@10>=0.48", "avoid-typed:violations@10<=1",
    ),
)  # fmt: skip
LARGE = Collection(
    "imdb75k",
    reviews_per_movie=0,
    query_sets=(
        JudgedQueries("imdb75k-plot", own_descriptions=True),
        JudgedQueries("imdb75k-titles"),
        JudgedQueries("imdb75k-asks"),
    ),
    floors=(
        "plot:MRR@10>=0.87", "plot:R@10>=0.94", "titles:success@1>=0.95", "asks:kept@10>=0.92",
    ),
    titled_only=True,
)  # fmt: skip


def missing_files(collection: Collection, data: Path) -> list[Path]:
    """The files and folders of a collection that are absent."""
    sets = [data / "queries" / queries.name for queries in collection.query_sets]
    files = [data / collection.name / f"{name}.parquet" for name in ("reviews", "movies")]
    return [path for path in (*files, *sets) if not path.exists()]


def measurements_of(
    collection: Collection, *, data: Path, work: Path, say: Callable[[str], None]
) -> list[Measurement]:
    """A collection's snapshots, built unless they are up to date, with the sets for each.

    Args:
        collection: The collection to build.
        data: The folder of all collections.
        work: The folder of the stores and of the sets in other forms; it is kept from one
            evaluation to the next.
        say: Prints a line of progress.

    Raises:
        services.evaluation.snapshot_build.BuildFailed: a snapshot cannot be built.
        shared.evaluation.query_sets.QuerySetInvalid: a set cannot be read.
        OSError: a file cannot be read or written.
    """
    described = tuple(queries for queries in collection.query_sets if queries.own_descriptions)
    others = tuple(queries for queries in collection.query_sets if not queries.own_descriptions)
    folder = work / f"{collection.name}-without-descriptions"
    folder.mkdir(parents=True, exist_ok=True)
    movies = movies_without_descriptions(collection, data, folder)
    if movies is None:
        store = snapshot_of(collection, data=data, work=work, say=say)
        return [_measurement(collection, collection.query_sets, store, data, work)]
    files = {**_files_of(collection, data, folder), "movies": movies}
    first = _built(collection, folder, files, say)
    # The first says less about some movies and nothing else, so the second can begin with it.
    second = snapshot_of(collection, data=data, work=work, say=say, begin_with=folder / "data")
    return [
        _measurement(collection, described, first, data, work),
        _measurement(collection, others, second, data, work),
    ]


def snapshot_of(
    collection: Collection,
    *,
    data: Path,
    work: Path,
    say: Callable[[str], None],
    begin_with: Path | None = None,
) -> SnapshotStore:
    """The store with a collection's whole snapshot, which is built unless it is up to date.

    Args:
        collection: The collection to build.
        data: The folder of all collections.
        work: The folder of the stores; it is kept from one evaluation to the next.
        say: Prints a line of progress.
        begin_with: See ``ensure_snapshot``.

    Raises:
        services.evaluation.snapshot_build.BuildFailed: the snapshot cannot be built.
        OSError: a file cannot be read or written.
    """
    folder = work / collection.name
    return _built(collection, folder, _files_of(collection, data, folder), say, begin_with)


def query_folders(
    query_sets: tuple[JudgedQueries, ...], *, data: Path, work: Path
) -> tuple[Path, ...]:
    """The folders of query sets; those in another form are made below ``work``.

    Raises:
        shared.evaluation.query_sets.QuerySetInvalid: a set cannot be read.
    """
    folders = []
    for queries in query_sets:
        folder = data / "queries" / queries.name
        folders.append(folder)
        for form in queries.forms:
            typed = FORMS[form](read_query_set(folder))
            folders.append(write_query_set(work / "queries", typed))
    return tuple(folders)


def floors_of(collection: Collection, query_sets: tuple[JudgedQueries, ...]) -> tuple[str, ...]:
    """The floors of a collection that apply to some of its query sets."""
    names = [name for queries in query_sets for name in queries.set_names]
    return tuple(
        floor
        for floor in collection.floors
        if any(parse_floor(floor).is_within(name) for name in names)
    )


def movies_without_descriptions(collection: Collection, data: Path, folder: Path) -> Path | None:
    """Write a collection's movies without the descriptions that are queries.

    Args:
        collection: The collection to measure.
        data: The folder of all collections.
        folder: Where to write ``movies.parquet``.

    Returns:
        The file; None when no description is a query, so that there is nothing to leave out.

    Raises:
        shared.evaluation.query_sets.QuerySetInvalid: a set cannot be read.
        OSError: a file cannot be read or written.
    """
    movie_ids: set[str] = set()
    for queries in collection.query_sets:
        if queries.own_descriptions:
            movie_ids |= read_query_set(data / "queries" / queries.name).movie_ids()
    written = folder / "movies.parquet"
    movies = data / collection.name / "movies.parquet"
    return written if write_without_descriptions(movies, movie_ids, written) else None


def _measurement(
    collection: Collection,
    query_sets: tuple[JudgedQueries, ...],
    store: SnapshotStore,
    data: Path,
    work: Path,
) -> Measurement:
    folders = query_folders(query_sets, data=data, work=work)
    return Measurement(store, folders, floors_of(collection, query_sets))


def _built(
    collection: Collection,
    folder: Path,
    files: dict[str, Path],
    say: Callable[[str], None],
    begin_with: Path | None = None,
) -> SnapshotStore:
    folder.mkdir(parents=True, exist_ok=True)
    sources = folder / "sources.toml"
    sources.write_text(
        f'[sources.{collection.name}]\nspider = "dataset"\n'
        f'movies = "{files["movies"].absolute()}"\nreviews = "{files["reviews"].absolute()}"\n'
        f"reviews_per_movie = {collection.reviews_per_movie}\n"
    )
    return ensure_snapshot(
        folder / "data", sources=sources, source=collection.name, files=files.values(), say=say,
        begin_with=begin_with,
    )  # fmt: skip


def _files_of(collection: Collection, data: Path, folder: Path) -> dict[str, Path]:
    files = {name: data / collection.name / f"{name}.parquet" for name in ("movies", "reviews")}
    return write_titled(files, folder) if collection.titled_only else files
