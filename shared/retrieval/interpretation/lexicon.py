"""What the catalogue knows by name: genres, people, countries and languages. Pure.

Every look-up takes a phrase as it is typed and returns names in the catalogue's own spelling, or
None. Nothing is returned that no movie of the catalogue has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.retrieval.interpretation.people import People, commonest_spellings
from shared.retrieval.interpretation.places import COMPOUNDS, COUNTRIES, GENRES, LANGUAGES, Naming
from shared.retrieval.titles.near_titles import WordCount
from shared.retrieval.titles.title_keys import joined, words_of
from shared.retrieval.titles.titles import Titles

_KINDS = ("genre", "country", "language", "director", "person")
_LEAST_LETTERS = 3  # of a name that is in no table, so that codes are not taken for words


__all__ = ["Lexicon", "MovieNames", "WordCount"]


@dataclass(frozen=True, slots=True)
class MovieNames:
    """The names that a movie has, as its source spells them."""

    title: str | None = None
    genres: tuple[str, ...] = ()
    directors: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


class Lexicon:
    """The names of a snapshot; built once when it is loaded.

    Example::

        lexicon = Lexicon([MovieNames(genres=("Sci-Fi",), directors=("Ridley Scott",))], titles)
        lexicon.genre("science fiction")  # "Sci-Fi"
        lexicon.person("ridly scott")  # "Ridley Scott"

    Attributes:
        titles: The titles of the same snapshot.
        name_words: Words of titles, names, genres, countries and languages, with the number of
            movies that have each.
    """

    def __init__(
        self, movies: Iterable[MovieNames], titles: Titles, word_count: WordCount | None = None
    ) -> None:
        """Count the names.

        Args:
            movies: The names of every movie.
            titles: The titles of the same movies.
            word_count: Number of movies whose texts have a folded word; None when not known.
        """
        self.titles = titles
        self._word_count = word_count
        stated: dict[str, list[str]] = {kind: [] for kind in _KINDS}
        in_movies: list[str] = []
        words_of_name: dict[str, list[str]] = {}
        together: list[tuple[str, ...]] = []
        for movie in movies:
            stated["genre"] += dict.fromkeys(movie.genres)
            stated["country"] += dict.fromkeys(movie.countries)
            stated["language"] += dict.fromkeys(movie.languages)
            stated["director"] += dict.fromkeys(movie.directors)
            names = tuple(dict.fromkeys((*movie.directors, *movie.people)))
            stated["person"] += names
            in_movie = set(words_of(movie.title)) if movie.title else set()
            for name in names:
                if name not in words_of_name:
                    words_of_name[name] = words_of(name)
                in_movie.update(words_of_name[name])
            in_movies += in_movie
            if len(names) > 1:
                together.append(names)
        counted = {kind: Counter(names) for kind, names in stated.items()}
        words = Counter(in_movies)
        self._genres = _Names(GENRES, counted["genre"])
        self._countries = _Names(COUNTRIES, counted["country"])
        self._languages = _Names(LANGUAGES, counted["language"])
        self._directors = frozenset("".join(words_of_name[name]) for name in counted["director"])
        self._people = People(counted["person"], words_of_name, together)
        for known in (self._genres, self._countries, self._languages):
            words.update(known.typed_words())
        self.name_words: Mapping[str, int] = words

    def word_count(self, word: str) -> int:
        """The number of movies whose texts have a folded word; 0 also when that is not known."""
        return self._word_count(word) if self._word_count else 0

    def genre(self, phrase: str) -> str | None:
        """The genre that a phrase names: "sci-fi", "westerns", "for kids"."""
        matches = self._genres.find(phrase)
        return matches[0] if matches else None

    def genres(self, phrase: str) -> tuple[str, ...] | None:
        """As ``genre``, or all the genres of a word that means several: "romcom"."""
        genre = self.genre(phrase)
        if genre is not None:
            return (genre,)
        key = joined(phrase)
        together = COMPOUNDS.get(key) or COMPOUNDS.get(key.removesuffix("s"))
        matches = [self.genre(name) for name in together or ()]
        known = tuple(name for name in matches if name is not None)
        return known if known and len(known) == len(matches) else None

    def person(self, phrase: str) -> str | None:
        """The person whom a phrase names, in full, perhaps with slips, or by a clear surname."""
        return self._people.find(phrase)

    def family(self, phrase: str) -> tuple[str, ...]:
        """The people whom "the Coen brothers" or "the Coens" names; empty for none."""
        return self._people.family(phrase)

    def is_director(self, name: str) -> bool:
        """Whether a person, in any spelling, has directed a movie of the catalogue."""
        return joined(name) in self._directors

    def country(self, word: str) -> str | None:
        """The country that a word names: "korean", "USA", "British"."""
        matches = self._countries.find(word)
        return matches[0] if matches else None

    def countries(self, word: str) -> tuple[str, ...] | None:
        """As ``country``, with every name that the catalogue uses: Germany and West Germany."""
        return self._countries.find(word) or None

    def language(self, word: str) -> str | None:
        """The language that a word names: "french", "farsi"."""
        matches = self._languages.find(word)
        return matches[0] if matches else None

    def languages(self, word: str) -> tuple[str, ...] | None:
        """As ``language``, with every name that the catalogue uses: Mandarin and Cantonese."""
        return self._languages.find(word) or None


class _Names:
    """Names of one kind, found by what people type."""

    def __init__(self, table: Iterable[Naming], counts: Counter[str]) -> None:
        spellings = commonest_spellings(counts)
        self._found: dict[str, tuple[str, ...]] = {}
        self._typed: Counter[str] = Counter()
        in_table: set[str] = set()
        less_certain: list[tuple[str, tuple[str, ...]]] = []
        for names, typed in table:
            keys = dict.fromkeys(map(joined, names))
            in_table |= keys.keys()
            known = tuple(spellings[key] for key in keys if key in spellings)
            if known:
                first, *others = typed
                self._enter(first, known, counts[known[0]])
                less_certain += [(phrase, known) for phrase in others]
        for phrase, known in less_certain:
            self._enter(phrase, known, counts[known[0]])
        for key, name in spellings.items():
            if key not in in_table and len(key) >= _LEAST_LETTERS:
                self._enter(name, (name,), counts[name])

    def find(self, phrase: str) -> tuple[str, ...]:
        """The names that a phrase means; empty where the catalogue has none of them."""
        return self._found.get(joined(phrase), ())

    def typed_words(self) -> Counter[str]:
        """Single words that people type for a name, with its number of movies."""
        return self._typed

    def _enter(self, phrase: str, known: tuple[str, ...], movies: int) -> None:
        for form in (phrase, f"{phrase}s"):
            self._found.setdefault(joined(form), known)
        words = words_of(phrase)
        if len(words) == 1:
            self._typed[words[0]] = max(movies, self._typed[words[0]])
