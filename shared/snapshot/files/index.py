"""The pooled vectors of a snapshot: a faiss ``IndexFlatIP``, written once and checked before use.

The file is mapped, not read: opening costs nothing, and processes that serve the same snapshot
share its pages. A published file never changes, which is what makes that safe.

faiss raises on a truncated file, but silently accepts flipped bits, NaNs, trailing bytes and a
damaged header. So the header is checked here byte by byte, and the manifest's sha256 covers all
other bytes. Layout of ``IxFI``: fourcc at 0, d (int32) at 4, ntotal (int64) at 8, metric (int32) at
33; after 45 bytes follow n x d float32.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from shared.snapshot.storage.verify import SnapshotCorrupt

HEADER_BYTES = 45
METRIC_INNER_PRODUCT = 0


def write_index(path: Path, vectors: npt.NDArray[np.float32]) -> None:
    """Write unit rows, shape ``(n, dim)``, as an ``IndexFlatIP``."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors, dtype=np.float32))
    faiss.write_index(index, str(path))


class VectorIndex:
    """An open index; searching is read-only and thread-safe."""

    def __init__(self, path: Path, *, rows: int, dim: int) -> None:
        """Open an index whose file has been verified against its manifest.

        Raises:
            SnapshotCorrupt: it is not an ``IndexFlatIP`` of this shape.
        """
        _check_header(path, rows=rows, dim=dim)
        try:
            self._index: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise SnapshotCorrupt(f"{path.name}: faiss cannot read it") from error
        self._vectors: npt.NDArray[np.float32] = np.asarray(_Stored(self._index, rows, dim))
        self.rows = rows
        self.dim = dim

    def search(
        self,
        queries: npt.NDArray[np.float32],
        k: int,
        *,
        among: npt.NDArray[np.int64] | None = None,
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """The rows with the largest inner products.

        Args:
            queries: Unit rows, float32, shape ``(n, dim)``.
            k: How many rows, at least 1; cut to the number of rows (faiss would pad with -1).
            among: The rows to search, all distinct; None for all.

        Returns:
            Scores and row numbers, both of shape ``(n, min(k, rows))``, best first; of equal
            scores the lower row comes first.
        """
        queries = np.require(queries, np.float32, ["A", "C"])
        most = self.rows if among is None else len(among)
        k = min(k, most)
        if k == 0:
            shape = (queries.shape[0], 0)
            return np.empty(shape, np.float32), np.empty(shape, np.int64)
        parameters = None
        if among is not None:
            bits = np.zeros(self.rows, bool)
            bits[among] = True
            # faiss's stubs describe the C++ constructors; its Python wrappers take these.
            packed: Any = np.packbits(bits, bitorder="little")
            selector = faiss.IDSelectorBitmap(packed)  # type: ignore[call-arg]
            parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        # From this threshold on faiss multiplies in blocks, and reads the matrix once for all
        # queries. A single query is faster without; the setting applies to the whole process.
        faiss.cvar.distance_compute_blas_threshold = 2 * self.dim
        depth = min(k + 1, most)
        while True:
            scores, rows = self._index.search(queries, depth, params=parameters)
            if (scores[:, 1:] < scores[:, :-1]).all():  # nearly always: no two are equal
                return scores[:, :k], rows[:, :k]
            # Among equal scores faiss returns any rows, and other rows for another k: pages would
            # overlap.
            if depth == most or (scores[:, -1] < scores[:, k - 1]).all():
                break
            depth = min(2 * depth, most)
        order = np.lexsort((rows, -scores), axis=1)[:, :k]
        return np.take_along_axis(scores, order, 1), np.take_along_axis(rows, order, 1)

    def vectors(self) -> npt.NDArray[np.float32]:
        """All stored vectors, float32, shape ``(rows, dim)``: a read-only view.

        It is not aligned, because the file's header has an odd length; copies of parts of it are.
        """
        return self._vectors


class _Stored:
    """The rows of an index as a numpy array without a copy; keeps the index alive."""

    def __init__(self, index: Any, rows: int, dim: int) -> None:
        self._index = index
        address = faiss.rev_swig_ptr(index.get_xb(), 1).ctypes.data if rows else 1
        self.__array_interface__ = {
            "data": (address, True),  # read-only
            "shape": (rows, dim),
            "typestr": "<f4",
            "version": 3,
        }


def _check_header(path: Path, *, rows: int, dim: int) -> None:
    try:
        with path.open("rb") as stream:
            header = stream.read(HEADER_BYTES)
        size = path.stat().st_size
    except OSError as error:
        raise SnapshotCorrupt(f"{path.name}: {error.strerror}") from error
    if len(header) < HEADER_BYTES or header[:4] != b"IxFI":
        raise SnapshotCorrupt(f"{path.name} is not an IndexFlatIP")
    (found_dim,) = struct.unpack_from("<i", header, 4)
    (found_rows,) = struct.unpack_from("<q", header, 8)
    (metric,) = struct.unpack_from("<i", header, 33)
    if (found_dim, found_rows, metric) != (dim, rows, METRIC_INNER_PRODUCT):
        raise SnapshotCorrupt(
            f"{path.name} holds {found_rows} x {found_dim}, metric {metric}; "
            f"expected {rows} x {dim}, metric {METRIC_INNER_PRODUCT}"
        )
    if size != HEADER_BYTES + 4 * rows * dim:
        raise SnapshotCorrupt(f"{path.name} has {size} bytes")
