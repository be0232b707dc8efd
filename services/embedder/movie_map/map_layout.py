"""The layout of the map: pooled vectors to 2-D positions and clusters that stay stable.

1. A movie that is on the previous map, and whose vector is nearly the same, keeps its exact
   position. Other movies are placed beside their nearest neighbours (``placement``).
2. When more than a tenth of the movies have been placed or removed since the last full layout, a
   full layout is made: t-SNE, started from the positions of step 1, then rotated, mirrored, scaled
   and shifted onto the previous map as well as possible (Procrustes).
3. Clusters are K-means over the vectors. A full layout computes them again, started from the
   previous centres and numbered so that most movies keep their number (Hungarian algorithm);
   between full layouts a placed movie joins the nearest centre.

The cost of a layout is bounded: t-SNE gets at most ``LANDMARKS`` movies, chosen by the hashes of
their ids, and the others are placed. The same input gives the same map. Pure; scikit-learn takes a
second to import, and is imported when it is first needed, or by ``load``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

import numpy as np
import numpy.typing as npt

from services.embedder.movie_map.placement import Positions, Vectors, place, spread
from shared.snapshot.files.atlas import DECIMALS, MAX_CLUSTERS

LANDMARKS = 2000
STALE_SHARE = 0.1
SAME_COSINE = 0.95
PERPLEXITY = 30.0
MIN_FOR_TSNE = 8
_COLD_ITERATIONS, _WARM_ITERATIONS = 500, 250
_EXAGGERATION = 12.0
_FULL = 0.9
_EXTENT = (0.5, 1.0)
"""Largest coordinate of a new layout, and the bounds that it may reach by alignment."""

Clusters = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class MapLayout:
    """A map: the position and the cluster of each movie.

    Attributes:
        movie_ids: Id of the movie of each row.
        vectors: Pooled unit vectors, float32, shape ``(n, dim)``.
        positions: Positions in [-1, 1], rounded to ten-thousandths, float32, shape ``(n, 2)``.
        cluster: Number of each movie's cluster, uint8, shape ``(n,)``.
        moved: Number of movies that were placed or removed since the last full layout.
        is_full: Whether this is a full layout, whose clusters were computed again.
    """

    movie_ids: Sequence[str]
    vectors: Vectors
    positions: Positions
    cluster: Clusters
    moved: int
    is_full: bool = False


def load() -> None:
    """Import the libraries of a full layout, so that the first layout does not wait for them."""
    for name in ("sklearn.manifold", "sklearn.cluster", "scipy.optimize"):
        import_module(name)


def lay_out(movie_ids: Sequence[str], vectors: Vectors, previous: MapLayout | None) -> MapLayout:
    """Lay out the map of these movies.

    Args:
        movie_ids: Distinct ids of the movies.
        vectors: Pooled unit vectors of the movies, float32, shape ``(n, dim)``.
        previous: The map to stay close to, of any movies and encoder; None for a new map.
    """
    if len(movie_ids) == 0:
        return MapLayout([], vectors, np.empty((0, 2), np.float32), np.empty(0, np.uint8), 0, True)
    if previous is not None and len(previous.movie_ids):
        kept, rows = _kept(movie_ids, vectors, previous)
        removed = len(set(previous.movie_ids) - set(movie_ids))
        moved = previous.moved + removed + int((~kept).sum())
        if kept.any() and moved <= STALE_SHARE * len(movie_ids):
            return _extended(movie_ids, vectors, previous, kept, rows, moved)
        known = rows >= 0
    else:
        previous, known, rows = None, np.zeros(len(movie_ids), bool), np.empty(0, np.int64)
    positions = _full_layout(movie_ids, vectors, previous, known, rows)
    cluster = _cluster(movie_ids, vectors, previous, known, rows)
    return MapLayout(movie_ids, vectors, _rounded(positions), cluster, 0, True)


def _kept(
    movie_ids: Sequence[str], vectors: Vectors, previous: MapLayout
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Return which movies keep their position, and the previous row of each movie, or -1."""
    before = {movie_id: row for row, movie_id in enumerate(previous.movie_ids)}
    rows = np.array([before.get(movie_id, -1) for movie_id in movie_ids], np.int64)
    kept = rows >= 0
    if previous.vectors.shape[1] != vectors.shape[1]:
        return np.zeros_like(kept), rows
    cosines = np.einsum("ij,ij->i", vectors[kept], previous.vectors[rows[kept]])
    kept[kept] = cosines >= SAME_COSINE
    return kept, rows


def _extended(
    movie_ids: Sequence[str],
    vectors: Vectors,
    previous: MapLayout,
    kept: npt.NDArray[np.bool_],
    rows: npt.NDArray[np.int64],
    moved: int,
) -> MapLayout:
    """Return the previous map with the new movies placed on it, and the removed ones left out."""
    positions = np.empty((len(movie_ids), 2), np.float32)
    cluster = np.empty(len(movie_ids), np.uint8)
    positions[kept] = previous.positions[rows[kept]]
    cluster[kept] = previous.cluster[rows[kept]]
    if not kept.all():
        kept_positions = positions[kept]
        positions[~kept] = _rounded(
            place(
                vectors[~kept],
                vectors[kept],
                kept_positions,
                taken=kept_positions,
                total=len(movie_ids),
            )
        )
        numbers, centres = _centres(vectors[kept], cluster[kept])
        cluster[~kept] = numbers[np.argmax(vectors[~kept] @ centres.T, axis=1)]
    return MapLayout(movie_ids, vectors, positions, cluster, moved)


def _full_layout(
    movie_ids: Sequence[str],
    vectors: Vectors,
    previous: MapLayout | None,
    known: npt.NDArray[np.bool_],
    rows: npt.NDArray[np.int64],
) -> Positions:
    """Return new positions of all movies, float32, shape ``(n, 2)``."""
    chosen = _landmarks(movie_ids)
    start = None
    if previous is not None and known[chosen].mean() >= 0.5:
        start = _start(vectors[chosen], previous, known[chosen], rows[chosen])
    landmarks = _fit(_embed(vectors[chosen], start))
    if previous is not None and known[chosen].sum() >= 2:
        common = known[chosen]
        landmarks = _aligned(landmarks, landmarks[common], previous.positions[rows[chosen][common]])
    landmarks = spread(landmarks, taken=np.empty((0, 2), np.float32), total=len(chosen))
    positions = np.empty((len(movie_ids), 2), np.float32)
    positions[chosen] = landmarks
    others = np.setdiff1d(np.arange(len(movie_ids)), chosen)
    if len(others):
        positions[others] = place(
            vectors[others], vectors[chosen], landmarks, taken=landmarks, total=len(movie_ids)
        )
    return positions


def _landmarks(movie_ids: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return the rows of the movies for t-SNE; mostly the same movies from map to map."""
    if len(movie_ids) <= LANDMARKS:
        return np.arange(len(movie_ids))
    hashes = [hashlib.blake2b(one.encode(), digest_size=8).digest() for one in movie_ids]
    return np.sort(np.array(sorted(range(len(hashes)), key=hashes.__getitem__)[:LANDMARKS]))


def _start(
    vectors: Vectors,
    previous: MapLayout,
    known: npt.NDArray[np.bool_],
    rows: npt.NDArray[np.int64],
) -> Positions:
    """Return the initial positions of t-SNE: the previous map, scaled to the size t-SNE makes."""
    start = np.empty((len(vectors), 2), np.float32)
    start[known] = previous.positions[rows[known]]
    if not known.all():
        known_positions = start[known]
        start[~known] = place(
            vectors[~known],
            vectors[known],
            known_positions,
            taken=known_positions,
            total=len(vectors),
        )
    start -= start.mean(axis=0)
    # Maps of t-SNE grow with the square root of the number of points; 0.5 was measured.
    scaled: Positions = start * np.float32(0.5 * np.sqrt(len(start)) / max(start.std(), 1e-6))
    return scaled


def _embed(vectors: Vectors, start: Positions | None) -> Positions:
    """Run scikit-learn's t-SNE in one thread and without randomness."""
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - as scikit-learn

    # Several threads would add sums in varying order; and searches need the other cores.
    with threadpool_limits(limits=1):
        principal = _principal(vectors)
        if len(vectors) < MIN_FOR_TSNE:
            return principal
        from sklearn.manifold import TSNE  # noqa: PLC0415 - takes a second

        deviation = max(float(principal[:, 0].std()), 1e-6)
        tsne = TSNE(
            perplexity=min(PERPLEXITY, (len(vectors) - 1) / 3),
            metric="cosine",
            init=start if start is not None else principal / deviation * 1e-4,
            early_exaggeration=_EXAGGERATION if start is None else 1.0,
            max_iter=_COLD_ITERATIONS if start is None else _WARM_ITERATIONS,
            angle=0.8,
            random_state=0,
            n_jobs=1,
        )
        embedded: Positions = tsne.fit_transform(vectors)
    return embedded


def _principal(vectors: Vectors) -> Positions:
    """Return the first two principal components, signed so that their largest entry is positive."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    # The dim x dim matrix takes a tenth of the time of the n x dim one with thousands of movies.
    _, ascending = np.linalg.eigh(centred.T @ centred)
    axes = ascending.T[:-3:-1]
    signs = np.sign(axes[np.arange(len(axes)), np.argmax(np.abs(axes), axis=1)])
    components = np.zeros((len(vectors), 2))
    components[:, : len(axes)] = centred @ (axes * signs[:, None]).T
    # If all vectors are alike, only rounding noise is left.
    components[:, np.abs(components).max(axis=0) < 1e-6] = 0
    return components.astype(np.float32)


def _fit(positions: Positions) -> Positions:
    """Centre positions on the map and scale them, leaving a margin for new movies."""
    low, high = positions.min(axis=0), positions.max(axis=0)
    extent = float((high - low).max()) / 2
    fitted: Positions = (positions - (low + high) / 2) * (_FULL / max(extent, 1e-6))
    return fitted.astype(np.float32)


def _aligned(positions: Positions, common: Positions, before: Positions) -> Positions:
    """Rotate, mirror, scale and shift a layout onto the previous one, within the map's bounds.

    Args:
        positions: The layout, shape ``(n, 2)``.
        common: New positions of the movies that the previous layout has too, shape ``(m, 2)``.
        before: Previous positions of these movies, shape ``(m, 2)``.
    """
    middle, old_middle = common.mean(axis=0), before.mean(axis=0)
    left, strengths, right = np.linalg.svd((common - middle).T @ (before - old_middle))
    size = float(((common - middle) ** 2).sum())
    scale = strengths.sum() / size if size > 1e-9 else 1.0
    aligned: Positions = ((positions - middle) @ (left @ right)) * max(scale, 1e-3) + old_middle
    aligned = aligned.astype(np.float32)
    extent = float(np.abs(aligned).max())
    if not _EXTENT[0] <= extent <= _EXTENT[1]:
        return _fit(aligned)
    return aligned


def _cluster(
    movie_ids: Sequence[str],
    vectors: Vectors,
    previous: MapLayout | None,
    known: npt.NDArray[np.bool_],
    rows: npt.NDArray[np.int64],
) -> Clusters:
    """Return the K-means cluster of each movie, numbered like the previous clusters."""
    before = previous.cluster[rows[known]] if previous is not None else np.empty(0, np.uint8)
    chosen = _landmarks(movie_ids)
    landmarks = vectors[chosen]
    count = min(cluster_count(len(vectors)), len(np.unique(landmarks.round(5), axis=0)))
    if count == 1:
        return renumber(np.zeros(len(vectors), np.int64), np.zeros(len(before), np.int64), before)
    from sklearn.cluster import KMeans  # noqa: PLC0415 - takes a second
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    start = _first_centres(vectors[known], before, landmarks, count) if known.any() else None
    kmeans = KMeans(
        count,
        init="k-means++" if start is None else start,
        n_init=8 if start is None else 1,
        random_state=0,
    )
    with threadpool_limits(limits=1):
        labels = kmeans.fit(landmarks).predict(vectors)
    return renumber(labels, labels[known], before)


def _first_centres(known: Vectors, before: Clusters, landmarks: Vectors, count: int) -> Vectors:
    """Return the initial centres of K-means: those of the largest previous clusters.

    If there are too few, each further centre is the landmark that is farthest from all centres.
    """
    numbers, centres = _centres(known, before)
    sizes = np.bincount(before)[numbers]
    centres = centres[np.sort(np.argsort(-sizes, kind="stable")[:count])]
    while len(centres) < count:
        farthest = np.argmin((landmarks @ centres.T).max(axis=1))
        centres = np.concatenate([centres, landmarks[farthest, None]])
    return centres


def cluster_count(movies: int) -> int:
    """Return the number of clusters: 15, fewer for less than about 400 movies."""
    return min(MAX_CLUSTERS, max(1, round(float(np.sqrt(movies / 2)))))


def renumber(
    labels: npt.NDArray[np.integer], common: npt.NDArray[np.integer], before: Clusters
) -> Clusters:
    """Number clusters so that as many movies as possible keep their number.

    Args:
        labels: Label of each movie's new cluster, in [0, 15), shape ``(n,)``.
        common: Labels of the movies that had a number before, shape ``(m,)``.
        before: Previous numbers of these movies, shape ``(m,)``.

    Returns:
        The new number of each movie's cluster, shape ``(n,)``.
    """
    used = np.unique(labels)
    if len(before):
        from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - as scikit-learn

        shared = np.zeros((MAX_CLUSTERS, MAX_CLUSTERS))
        np.add.at(shared, (common, before), 1)
        # Ties go to the lower number: these terms add up to less than one movie.
        _, targets = linear_sum_assignment(np.arange(MAX_CLUSTERS) * 1e-4 - shared[used])
    else:
        used = used[np.argsort(-np.bincount(labels)[used], kind="stable")]
        targets = np.arange(len(used))
    numbers = np.zeros(MAX_CLUSTERS, np.uint8)
    numbers[used] = targets
    numbered: Clusters = numbers[labels]
    return numbered


def _centres(vectors: Vectors, cluster: Clusters) -> tuple[Clusters, Vectors]:
    """Return the numbers of the clusters that have movies, and the mean vector of each."""
    numbers = np.unique(cluster)
    centres = np.stack([vectors[cluster == number].mean(axis=0) for number in numbers])
    return numbers, centres.astype(np.float32)


def _rounded(positions: Positions) -> Positions:
    """Return positions as they are written to the file."""
    return np.round(positions.astype(np.float64).clip(-1, 1), DECIMALS).astype(np.float32)
