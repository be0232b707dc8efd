"""Pairs of a text about a movie and passages of its reviews that say the same. Pure.

Texts are the catalogue's own descriptions, or lines of a file. A third of the movies is kept out by
a hash of their ids, to decide on; the others are trained on. The positives of a text are the best
passages of its movie by BM25, its hard negatives the best passages of other movies: passages that
share words with the text and are about something else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from services.tuning.passage_index import PassageIndex

MOST_POSITIVES: Final = 4
MOST_NEGATIVES: Final = 12
LEAST_SCORE: Final = 8.0
"""A text whose best passage of its own movie scores less has none that says the same."""
LEAST_SHARE: Final = 0.5
"""Of the best positive's score that the others have at least."""
LEAST_WORDS: Final = 5
KEPT_OUT: Final = 3
"""One of so many movies is kept out."""


class PairsInvalid(ValueError):
    """Raised when a file of pairs cannot be used; the message is one line."""


@dataclass(frozen=True, slots=True)
class MovieText:
    """A text about a movie, which should find it."""

    movie_id: str
    text: str


@dataclass(frozen=True, slots=True)
class TrainingPair:
    """A text, passages that say the same, and passages of other movies that share words with it."""

    text: str
    positives: tuple[str, ...]
    negatives: tuple[str, ...]


def read_movie_texts(path: Path) -> list[MovieText]:
    """Read a file of texts: a JSON object with ``movie_id`` and ``text`` in each line.

    Args:
        path: The file; other fields of its lines are not used.

    Raises:
        PairsInvalid: It cannot be read, or a line is something else.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise PairsInvalid(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PairsInvalid(f"{path} cannot be read: it is not UTF-8") from error
    texts = []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            movie_id, text = row["movie_id"], row["text"]
        except (ValueError, KeyError, TypeError):
            movie_id = text = None
        if not isinstance(movie_id, str) or not isinstance(text, str):
            raise PairsInvalid(f'{path}, line {number}: must be {{"movie_id": "tt…", "text": "…"}}')
        if len(text.split()) >= LEAST_WORDS:
            texts.append(MovieText(movie_id, text))
    return texts


def is_kept_out(movie_id: str, seed: int) -> bool:
    """Whether a movie is kept out of the training; the same for all texts about it."""
    digest = hashlib.sha256(f"{seed}:{movie_id}".encode()).digest()
    return int.from_bytes(digest[:8]) % KEPT_OUT == 0


def make_pairs(
    texts: Iterable[MovieText],
    passages: Sequence[str],
    ranges: Mapping[str, range],
    index: PassageIndex,
) -> Iterator[TrainingPair]:
    """Find the passages that belong to each text; a text without any is left out.

    Args:
        texts: The texts to train on.
        passages: The passages of all movies.
        ranges: Where the passages of each movie are, by its id.
        index: The index of these passages.

    Yields:
        The pairs, in the order of the texts.
    """
    for each in texts:
        rows = ranges.get(each.movie_id, range(0))
        if not rows:
            continue
        scores = index.scores(each.text)
        inside = scores[rows.start : rows.stop]
        best = float(inside.max())
        if best < LEAST_SCORE:
            continue
        positives = [n for n in np.argsort(-inside) if inside[n] >= LEAST_SHARE * best]
        outside = scores.copy()
        outside[rows.start : rows.stop] = 0.0
        negatives = [n for n in np.argsort(-outside)[:MOST_NEGATIVES] if outside[n] > 0]
        yield TrainingPair(
            each.text,
            tuple(passages[rows.start + n] for n in positives[:MOST_POSITIVES]),
            tuple(passages[n] for n in negatives),
        )
