"""People of the catalogue by full name, by name with a slip, and by surname. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from rapidfuzz.distance import OSA

from shared.retrieval.titles.title_frames import is_ordinary
from shared.retrieval.titles.title_keys import joined, words_of

_LEAST_SURNAME = 4  # letters of a surname that stands for the person
_LEAST_WITH_TWO_SLIPS = 8  # letters of a name, without spaces
_LEAST_WORD_WITH_SLIP = 4  # letters of the word that has the slip
_MOST_NAME_WORDS = 5
_CLEARLY_MORE = 4  # times the movies of all others with a surname, so that it means one person
_PARTICLES = frozenset({
    "de", "del", "della", "di", "da", "du", "van", "von", "der", "den", "le", "la", "el", "al",
    "bin", "ben", "ter", "st", "saint", "mac", "mc",
})  # fmt: skip
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii"})
_ALSO_WORDS_TEXT = """
banks bell berry bird bloom brand brown bush carter chase church cook cross cruise field fields fish
fisher freeman glass gold gray green grey hand hardy hill hunt hunter hurt judge king knight lake
lane lord marsh mason moon newman page park pope price prince reed rich rock rose rush sands singer
snow spade stone storm street swan swift temple walker wall ward waters wells west winters wise wood
woods
"""
_ALSO_WORDS = frozenset(_ALSO_WORDS_TEXT.split())


class People:
    """People by what is typed; of several spellings of a name the commonest is returned."""

    def __init__(self, movies: Counter[str]) -> None:
        """Prepare the look-ups.

        Args:
            movies: The number of movies of every name.
        """
        self._by_key = commonest_spellings(movies)
        self._by_surname: dict[str, Counter[str]] = defaultdict(Counter)
        self._by_word: dict[str, list[tuple[list[str], str]]] = defaultdict(list)
        also: dict[str, set[str]] = defaultdict(set)
        for name in self._by_key.values():
            words = words_of(name)
            for word in set(words):
                self._by_word[word].append((words, name))
            for surname in _surnames(name):
                self._by_surname[surname][name] += movies[name]
            for other in _other_orders(name):
                also[other].add(name)
        for key, names in also.items():
            if len(names) == 1:
                self._by_key.setdefault(key, *names)

    def find(self, phrase: str) -> str | None:
        """The person whom a phrase names; None where it names no person, or several."""
        words = words_of(phrase)
        if not 0 < len(words) <= _MOST_NAME_WORDS:
            return None
        key = "".join(words)
        return self._by_key.get(key) or self._with_surname(key) or self._nearly(words)

    def _with_surname(self, key: str) -> str | None:
        bearers = self._by_surname.get(key)
        if not bearers or len(key) < _LEAST_SURNAME or key in _ALSO_WORDS or is_ordinary([key]):
            return None
        ((name, movies),) = bearers.most_common(1)
        others = bearers.total() - movies
        return name if movies >= _CLEARLY_MORE * others else None

    def _nearly(self, words: list[str]) -> str | None:
        """The only person whose name differs by slips, all of them in one of its words."""
        unknown = [n for n, word in enumerate(words) if word not in self._by_word]
        if len(words) < 2 or len(unknown) != 1:
            return None
        at = unknown[0]
        written = words[at]
        if len(written) < _LEAST_WORD_WITH_SLIP or is_ordinary([written]):
            return None
        most = 2 if sum(map(len, words)) >= _LEAST_WITH_TWO_SLIPS else 1
        others = words[:at] + words[at + 1 :]
        slips_of: dict[str, int] = {}
        for known, name in self._by_word[others[0]]:
            if len(known) == len(words) and known[:at] + known[at + 1 :] == others:
                slips = OSA.distance(written, known[at], score_cutoff=most)
                if slips <= min(most, 1 + len(known[at]) // 5) and _begin_alike(written, known[at]):
                    slips_of[name] = slips
        least = min(slips_of.values(), default=0)
        nearest = [name for name, slips in slips_of.items() if slips == least]
        return nearest[0] if len(nearest) == 1 else None


def commonest_spellings(movies: Counter[str]) -> dict[str, str]:
    """The commonest of the names that differ by case, accents and punctuation only, by key."""
    spellings: dict[str, str] = {}
    for name, _ in sorted(movies.items(), key=lambda entry: (-entry[1], entry[0])):
        key = joined(name)
        if key:
            spellings.setdefault(key, name)
    return spellings


def _begin_alike(word: str, other: str) -> bool:
    """Whether two words have the same first letter, or the first two in the other order."""
    return word[0] == other[0] or word[1] + word[0] == other[:2]


def _surnames(name: str) -> Iterator[str]:
    """The last part of a name of several, without and with the particles before it."""
    parts = [key for part in name.split() if (key := joined(part)) and key not in _SUFFIXES]
    if len(parts) < 2:
        return
    surname = parts[-1]
    yield surname
    for particle in reversed(parts[1:-1]):
        if particle not in _PARTICLES:
            break
        surname = particle + surname
        yield surname


def _other_orders(name: str) -> Iterator[str]:
    """Keys of a name without its middle initials, and with its last or first part elsewhere."""
    parts = [joined(part) for part in name.replace(".", ". ").split()]
    short = [part for n, part in enumerate(parts) if len(part) > 1 or n in (0, len(parts) - 1)]
    if len(short) < len(parts):
        yield "".join(short)
    if 2 <= len(parts) <= 3:
        yield parts[-1] + "".join(parts[:-1])
        yield "".join(parts[1:]) + parts[0]
