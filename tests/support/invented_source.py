"""A data set that changes between two crawls, and what may be said of its movies; all invented."""

from __future__ import annotations

import json
import random
from pathlib import Path
from threading import Lock

_FIRST = ("Amber", "Cobalt", "Marble", "Willow", "Copper", "Velvet", "Hollow", "Saffron")
_SECOND = ("Lighthouse", "Orchard", "Carousel", "Harbour")
_WORDS = (
    "quiet", "warm", "bitter", "train", "winter", "brother", "letter", "stranger", "music",
    "garden", "promise", "laughter", "silence", "window", "mountain", "summer", "thief", "doctor",
    "village", "funny", "slow", "tense", "sad", "gentle", "brutal", "clever", "lonely", "bright",
)  # fmt: skip


class InventedSource:
    """The files of a ``dataset`` source, and every text that it has ever had for a movie.

    Args:
        folder: The folder for the files.
        popular: How many reviews the first movie has; the others have three.
    """

    def __init__(self, folder: Path, *, popular: int) -> None:
        self.folder = folder
        self.titles = {
            f"tt88{number:05d}": f"{first} {second}"
            for number, (first, second) in enumerate((a, b) for a in _FIRST for b in _SECOND)
        }
        self.popular = next(iter(self.titles))
        self._chance = random.Random(5)
        self._lock = Lock()
        self._texts: dict[str, set[str]] = {movie_id: set() for movie_id in self.titles}
        self._reviews: dict[str, tuple[str, str]] = {}
        self._number = 0
        for movie_id in self.titles:
            for _ in range(popular if movie_id == self.popular else 3):
                self._add(movie_id)
        self._write()

    @property
    def toml(self) -> str:
        """The source's table in ``sources.toml``."""
        files = (self.folder / "movies.jsonl", self.folder / "reviews.jsonl")
        movies, reviews = (json.dumps(str(file)) for file in files)
        return f'[sources.files]\nspider = "dataset"\nmovies = {movies}\nreviews = {reviews}\n'

    def change(self) -> None:
        """Edit some reviews, remove one and add one, also of the popular movie."""
        with self._lock:
            for review_id in self._chance.sample(sorted(self._reviews), 5):
                movie_id, _ = self._reviews[review_id]
                self._reviews[review_id] = (movie_id, self._text(movie_id))
            del self._reviews[self._chance.choice(sorted(self._reviews))]
            self._add(self.popular)
            self._add(self._chance.choice(sorted(self.titles)))
            self._write()

    def texts_of(self, movie_id: str) -> list[str]:
        """The texts that a movie has now, sorted."""
        with self._lock:
            return sorted(text for movie, text in self._reviews.values() if movie == movie_id)

    def may_be_said(self, movie_id: str, passage: str) -> bool:
        """Whether any text that the movie has ever had contains a passage."""
        with self._lock:
            return any(passage in text for text in self._texts[movie_id])

    def _add(self, movie_id: str) -> None:
        self._number += 1
        self._reviews[f"r{self._number}"] = (movie_id, self._text(movie_id))

    def _text(self, movie_id: str) -> str:
        self._number += 1
        words = " ".join(self._chance.choices(_WORDS, k=8))
        text = f"Viewer {self._number} calls {self.titles[movie_id]} {words}."
        self._texts[movie_id].add(text)
        return text

    def _write(self) -> None:
        rows = {
            "movies": [{"movie_id": id_, "title": title} for id_, title in self.titles.items()],
            "reviews": [
                {"review_id": review_id, "movie_id": movie_id, "text": text}
                for review_id, (movie_id, text) in self._reviews.items()
            ],
        }
        for name, lines in rows.items():
            partial = self.folder / f"{name}.partial"
            partial.write_text("\n".join(map(json.dumps, lines)) + "\n")
            partial.replace(self.folder / f"{name}.jsonl")
