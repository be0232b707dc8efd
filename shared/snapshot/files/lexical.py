"""The lexical index of a snapshot: BM25 over each movie's reviews and facts, with tantivy.

One document a movie, its terms (``shared.text.terms``) joined by spaces. Scores are BM25's with
tantivy's constants (k1 1.2, b 0.75) and its one-byte document lengths; they do not depend on how
the index is cut into segments. tantivy maps its files, so processes on a machine share them.

An index can be written as a changed copy of another. tantivy never changes a file that it has
written, so the files of the other are linked, not copied; documents that were removed are marked in
a separate file. They still count as documents in the scores until their segment is merged, so their
share is limited: beyond ``MOST_DELETED_SHARE`` the index must be written from scratch.

tantivy creates a lock file in the index's folder even to read, and a snapshot's folder is read-only
for its readers; so the index is opened through a private folder of links, which is deleted as soon
as the files are mapped. A process that is killed meanwhile leaves its folder; the next process that
opens an index deletes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import orjson
import tantivy

from shared.snapshot.storage.verify import SnapshotCorrupt
from shared.system.fsync import link_or_copy
from shared.system.scratch import scratch_folder

_TOKENIZER = "terms"
_LINKS = "movie-search-lexical-"
_HEAP_BYTES = 64 * 1024 * 1024
_LOCKS = (".tantivy-writer.lock", ".tantivy-meta.lock")
_META = "meta.json"
MOST_DELETED_SHARE = 0.02
MAX_QUERY_TERMS = 256
_FEW_ROWS = 128
_CACHED_TERMS = 8192


class LexicalWriter:
    """Writes the index of a snapshot into a new folder; use as a context manager.

    Args:
        folder: The index's folder, which is created.
        base: Another index, of which the new one is a changed copy.
    """

    def __init__(self, folder: Path, *, base: Path | None = None) -> None:
        folder.mkdir()
        self._folder = folder
        if base is not None:
            for path in base.iterdir():
                link_or_copy(path, folder / path.name)
            index = tantivy.Index.open(str(folder))
        else:
            index = tantivy.Index(_schema(), path=str(folder))
        _register(index)
        self._schema = index.schema
        self._writer = index.writer(_HEAP_BYTES, num_threads=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._writer.commit()
            # Also delete the segments that merging has replaced, or they would be published.
            self._writer.wait_merging_threads()
            for name in _LOCKS:
                (self._folder / name).unlink(missing_ok=True)

    def add(self, row: int, terms: Iterable[str]) -> None:
        """Add a movie's terms."""
        self._writer.add_document(tantivy.Document(row=row, body=" ".join(terms)))

    def remove(self, row: int) -> None:
        """Remove the movie that has this row now; a movie that is added later stays."""
        self._writer.delete_documents_by_query(
            tantivy.Query.term_query(self._schema, "row", row, "basic")
        )


def deleted_share(folder: Path, *, more: int) -> float:
    """The share of deleted documents that an index would have.

    Args:
        folder: The index's folder.
        more: How many more documents would be removed.
    """
    segments = orjson.loads((folder / _META).read_bytes())["segments"]
    documents: int = sum(segment["max_doc"] for segment in segments)
    marked = [segment["deletes"] for segment in segments if segment["deletes"]]
    deleted: int = sum(deletes["num_deleted_docs"] for deletes in marked)
    return (deleted + more) / max(1, documents)


class LexicalIndex:
    """An open index; searching is read-only and thread-safe."""

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
        # Not a method, which would keep this index alive until it is collected.
        self._document_count = lru_cache(_CACHED_TERMS)(partial(self._searcher.doc_freq, "body"))
        if self._searcher.num_docs != rows:
            raise SnapshotCorrupt(
                f"{folder.name} holds {self._searcher.num_docs} movies, not {rows}"
            )

    def document_count(self, term: str) -> int:
        """The number of movies that have a term."""
        return self._document_count(term)

    def document_counts(self) -> dict[str, int]:
        """All terms, each with the number of movies that have it."""
        return dict(self._searcher.terms_with_prefix("body", ""))

    def search(
        self, terms: Sequence[str], k: int, *, among: npt.NDArray[np.int64] | None = None
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """The movies that BM25 ranks highest, without those that share no term with the query.

        Args:
            terms: The query's terms; repeats count once.
            k: How many movies, at least 1.
            among: The rows to search, which does not change their scores; None for all.

        Returns:
            Scores and rows, of equal length, best first; of equal scores the lower row first.
        """
        distinct = list(dict.fromkeys(terms))[:MAX_QUERY_TERMS]
        if not distinct or (among is not None and not len(among)):
            return np.empty(0, np.float32), np.empty(0, np.int64)
        left_out = 0 if among is None else self._searcher.num_docs - len(among)
        if among is not None and left_out <= _FEW_ROWS:
            # Few movies are left out, such as one that the others should be like.
            allowed = np.zeros(self._searcher.num_docs, bool)
            allowed[among] = True
            scores, ranked = self.search(terms, k + left_out)
            kept = allowed[ranked]
            return scores[kept][:k], ranked[kept][:k]
        query = tantivy.Query.boolean_query(
            [
                (tantivy.Occur.Should, tantivy.Query.term_query(self._schema, "body", term, "freq"))
                for term in distinct
            ]
        )
        if among is not None:
            rows = self._rows(among.tolist())
            query = tantivy.Query.boolean_query(
                [
                    (tantivy.Occur.Must, tantivy.Query.const_score_query(rows, 0.0)),
                    (tantivy.Occur.Must, query),
                ]
            )
        hits = self._searcher.search(query, k, count=False).hits
        if not hits:
            return np.empty(0, np.float32), np.empty(0, np.int64)
        hit_scores, addresses = zip(*hits, strict=True)
        scores = np.array(hit_scores, np.float32)
        hit_rows = np.array(self._searcher.fast_field_values("row", list(addresses)), np.int64)
        if (scores[1:] < scores[:-1]).all():
            return scores, hit_rows
        order = np.lexsort((hit_rows, -scores))
        return scores[order], hit_rows[order]

    def _rows(self, rows: list[int]) -> tantivy.Query:
        """A query for the movies with these rows."""
        if len(rows) > _FEW_ROWS:
            return tantivy.Query.term_set_query(self._schema, "row", rows)
        # A set is looked up in all of a segment first, which takes longer than few terms do.
        each = [tantivy.Query.term_query(self._schema, "row", row, "basic") for row in rows]
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in each])


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
    # shared.text.terms makes the terms; tantivy only splits them at spaces again.
    whitespace = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer(_TOKENIZER, whitespace)
