"""The lexical index of a snapshot: BM25 over each movie's reviews, with tantivy.

One document a movie, its terms (``shared.terms``) joined by spaces. Scores are BM25's with
tantivy's constants (k1 1.2, b 0.75) and its one-byte document lengths; they do not depend on how
the index is cut into segments. tantivy maps its files, so processes on a machine share them.

tantivy takes a lock file in the index's folder even to read, and a snapshot's folder is read-only
for its readers; so the index is opened through a private folder of links, which is gone as soon as
the files are mapped. A process that is killed meanwhile leaves its folder; the next that opens an
index removes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import tantivy

from shared.scratch import scratch_folder
from shared.snapshot.verify import SnapshotCorrupt

_TOKENIZER = "terms"
_LINKS = "movie-search-lexical-"
_HEAP_BYTES = 64 * 1024 * 1024
_LOCKS = (".tantivy-writer.lock", ".tantivy-meta.lock")
MAX_QUERY_TERMS = 256


class LexicalWriter:
    """Writes the index of a snapshot into a new folder; use as a context manager."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        index = tantivy.Index(_schema(), path=str(folder))
        _register(index)
        self._writer = index.writer(_HEAP_BYTES, num_threads=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._writer.commit()
            self._writer.wait_merging_threads()
            for name in _LOCKS:
                (self._folder / name).unlink(missing_ok=True)

    def add(self, row: int, terms: Sequence[str]) -> None:
        """Add a movie's terms."""
        self._writer.add_document(tantivy.Document(row=row, body=" ".join(terms)))


class LexicalIndex:
    """An opened index; searching is read-only and safe from several threads."""

    def __init__(self, folder: Path, *, rows: int) -> None:
        """Open an index whose files have been verified against their manifest.

        Raises:
            SnapshotCorrupt: it is not an index of this many movies.
        """
        with _links_to(folder) as links:
            try:
                index = tantivy.Index.open(str(links))
                _register(index)
                index.config_reader(reload_policy="manual")
                index.reload()
                self._schema = index.schema
                self._searcher = index.searcher()
            except (ValueError, OSError) as error:
                raise SnapshotCorrupt(f"{folder.name}: tantivy cannot read it") from error
        if self._searcher.num_docs != rows:
            raise SnapshotCorrupt(
                f"{folder.name} holds {self._searcher.num_docs} movies, not {rows}"
            )

    def search(
        self, terms: Sequence[str], k: int, *, among: npt.NDArray[np.int64] | None = None
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """The movies that BM25 ranks highest; those that share no term are not found.

        Args:
            terms: Of the query; repeats count once.
            k: How many, at least 1.
            among: Only these rows; their scores are what they are without the restriction.

        Returns:
            Scores and rows, of equal length, best first; of equal scores the lower row first.
        """
        wanted = list(dict.fromkeys(terms))[:MAX_QUERY_TERMS]
        if not wanted or (among is not None and not len(among)):
            return np.empty(0, np.float32), np.empty(0, np.int64)
        query = tantivy.Query.boolean_query(
            [
                (tantivy.Occur.Should, tantivy.Query.term_query(self._schema, "body", term, "freq"))
                for term in wanted
            ]
        )
        if among is not None:
            rows = tantivy.Query.term_set_query(self._schema, "row", among.tolist())
            query = tantivy.Query.boolean_query(
                [
                    (tantivy.Occur.Must, tantivy.Query.const_score_query(rows, 0.0)),
                    (tantivy.Occur.Must, query),
                ]
            )
        hits = self._searcher.search(query, k, count=False).hits
        scores = np.array([score for score, _ in hits], np.float32)
        values = self._searcher.fast_field_values("row", [address for _, address in hits])
        found = np.array(values, np.int64)
        order = np.lexsort((found, -scores))
        return scores[order], found[order]


@contextmanager
def _links_to(folder: Path) -> Iterator[Path]:
    """A private folder of links to the files of an index."""
    with scratch_folder(_LINKS) as links:
        for path in folder.iterdir():
            (links / path.name).symlink_to(path.absolute())
        yield links


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("row", indexed=True, fast=True)
    builder.add_text_field("body", tokenizer_name=_TOKENIZER, index_option="freq")
    return builder.build()


def _register(index: tantivy.Index) -> None:
    # Terms are made by shared.terms; tantivy only takes them apart again.
    whitespace = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer(_TOKENIZER, whitespace)
