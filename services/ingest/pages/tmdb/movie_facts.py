"""Reads the facts of a movie from TMDB's answer, each by itself. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from services.ingest.pages.items import MovieItem
from services.ingest.pages.unread import Unread
from services.ingest.pages.values.days import year
from services.ingest.pages.values.name_lists import names
from services.ingest.pages.values.numbers import count, minutes
from services.ingest.pages.values.ratings import rating
from services.ingest.pages.values.texts import ValueUnread, text

MOVIE_PAGE = "https://www.themoviedb.org/movie"
BEST_RATING = 10.0

_T = TypeVar("_T")


class FactReader:
    """Reads values of one answer; one that cannot be read is listed, and costs only its field.

    Args:
        url: The URL of the answer.

    Attributes:
        unread: The values that could not be read.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.unread: list[Unread] = []

    def read(self, name: str, read: Callable[[Any], _T], value: Any, default: _T) -> _T:
        """A value, or the default after listing it as unread."""
        try:
            return read(value)
        except ValueUnread as error:
            self.unread.append(Unread("value", f"{self._url} {name}", error.why, error.excerpt))
            return default

    def text(self, name: str, value: Any) -> str | None:
        """A text."""
        return self.read(name, text, value, None)

    def rating(self, name: str, value: Any) -> float | None:
        """A rating; TMDB's are of 10."""
        return self.read(name, lambda points: rating(points, best=BEST_RATING), value, None)

    def names(self, name: str, value: Any) -> tuple[str, ...]:
        """The names of a list of objects."""
        return self.read(name, names, value, ())


def movie_of(
    answer: Mapping[str, Any], tmdb_id: int, movie_id: str, image_url: str, facts: FactReader
) -> MovieItem:
    """The movie that an answer describes.

    Args:
        answer: What ``/movie/{id}`` answers, with ``credits`` and ``keywords`` appended.
        tmdb_id: The movie's number at TMDB.
        movie_id: The movie's id.
        image_url: What stands before the path of a poster.
        facts: Reads the values.
    """
    votes = facts.read("vote_count", count, answer.get("vote_count"), None)
    return MovieItem(
        movie_id=movie_id,
        title=facts.text("title", answer.get("title")),
        original_title=facts.text("original_title", answer.get("original_title")),
        year=facts.read("release_date", year, answer.get("release_date"), None),
        description=facts.text("overview", answer.get("overview")),
        genres=facts.names("genres", answer.get("genres")),
        directors=facts.read("credits.crew", _directors, _part(answer, "credits", "crew"), ()),
        people=facts.names("credits.cast", _part(answer, "credits", "cast")),
        countries=facts.names("production_countries", answer.get("production_countries")),
        languages=facts.read("spoken_languages", _languages, answer.get("spoken_languages"), ()),
        keywords=facts.names("keywords", _part(answer, "keywords", "keywords")),
        runtime_minutes=facts.read("runtime", minutes, answer.get("runtime"), None),
        # A movie that nobody has rated is answered with an average of 0.
        rating=None if votes == 0 else facts.rating("vote_average", answer.get("vote_average")),
        votes=votes,
        url=f"{MOVIE_PAGE}/{tmdb_id}",
        poster_url=facts.read(
            "poster_path", lambda path: _poster(path, image_url), answer.get("poster_path"), None
        ),
    )


def _part(answer: Mapping[str, Any], appended: str, key: str) -> Any:
    """A part of an appended answer; what is there instead, if that is no object."""
    part = answer.get(appended)
    return part.get(key) if isinstance(part, Mapping) else part


def _directors(crew: Any) -> tuple[str, ...]:
    if not isinstance(crew, list):
        return names(crew)
    return names([one for one in crew if isinstance(one, dict) and one.get("job") == "Director"])


def _languages(spoken: Any) -> tuple[str, ...]:
    """The languages by their English names; their own names are in their own scripts."""
    if not isinstance(spoken, list):
        return names(spoken)
    return names(
        [
            one.get("english_name") or one.get("name") if isinstance(one, dict) else one
            for one in spoken
        ]
    )


def _poster(path: Any, image_url: str) -> str | None:
    if path is None or path == "":
        return None
    if not isinstance(path, str) or not path.startswith("/") or path.startswith("//"):
        raise ValueUnread("the path of a picture", path)
    return f"{image_url}{path}"
