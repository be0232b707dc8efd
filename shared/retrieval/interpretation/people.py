"""People of the catalogue by full name, by name with a slip, and by surname. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

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
_BEFORE_FAMILY = frozenset({"the", "brothers", "sisters"})
_FAMILY = frozenset({"brothers", "brother", "bros", "sisters", "siblings", "twins"})
_COMPANIES = frozenset({"warner", "shaw", "blues", "mario", "supermario"})
"""Brothers who are no people to ask for: studios, and the heroes of movies."""
_ALSO_WORDS_TEXT = """
banks bell berry bird bloom brand brown bush carter chase church cook cross cruise field fields fish
fisher freeman glass gold gray green grey hand hardy hill hunt hunter hurt judge king knight lake
lane lord marsh mason moon newman page park pope price prince reed rich rock rose rush sands singer
snow spade stone storm street swan swift temple walker wall ward waters wells west winters wise wood
woods
"""
_ALSO_WORDS = frozenset(_ALSO_WORDS_TEXT.split())


Names = Sequence[str]


class People:
    """People by what is typed; of several spellings of a name the commonest is returned."""

    def __init__(
        self, movies: Counter[str], words: Mapping[str, list[str]], together: Iterable[Names] = ()
    ) -> None:
        """Prepare the look-ups.

        Args:
            movies: The number of movies of every name.
            words: The words of every name.
            together: The names of each movie, to find families that work together.
        """
        self._by_key = _commonest_spellings(movies, words)
        self._by_surname: dict[str, dict[str, int]] = defaultdict(dict)
        self._by_word: dict[str, list[tuple[list[str], str]]] = defaultdict(list)
        also: dict[str, str | None] = {}  # None where several people have it
        surname_of: dict[str, str] = {}
        for name in self._by_key.values():
            for word in set(words[name]):
                self._by_word[word].append((words[name], name))
            parts = _parts(name, words[name])
            for surname in _surnames(parts):
                self._by_surname[surname][name] = movies[name]
                surname_of.setdefault(name, surname)
            for other in _other_orders(parts):
                also[other] = name if also.get(other, name) == name else None
        for key, owner in also.items():
            if owner is not None:
                self._by_key.setdefault(key, owner)
        self._families = _families(together, surname_of)

    def family(self, phrase: str) -> tuple[str, ...]:
        """The people whom "the Coen brothers" or "the Coens" names; empty for none.

        They have worked together, or the surname is clear where the catalogue has only one.
        """
        words = words_of(phrase)
        while words and words[0] in _BEFORE_FAMILY:
            words = words[1:]
        named = len(words) > 1 and words[-1] in _FAMILY
        surname = "".join(words[:-1] if named else words)
        if surname in _COMPANIES:
            return ()
        if surname not in self._by_surname:
            if not surname.endswith("s") or is_ordinary([surname]):
                return ()
            surname = surname[:-1]
        elif not named:
            return ()
        members = self._families.get(surname, {})
        if members:
            return tuple(sorted(members, key=lambda name: (-self._by_surname[surname][name], name)))
        person = self._with_surname(surname)
        return (person,) if person else ()

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
        name = max(bearers, key=bearers.__getitem__)
        movies = bearers[name]
        others = sum(bearers.values()) - movies
        return name if movies >= _CLEARLY_MORE * others else None

    def _nearly(self, words: list[str]) -> str | None:
        """The only person whose name differs by slips, all of them in one of its words."""
        unknown = [n for n, word in enumerate(words) if word not in self._by_word]
        if len(words) < 2 or len(unknown) != 1:
            return None
        at = unknown[0]
        written = words[at]
        if len(written) < _LEAST_WORD_WITH_SLIP - 1 or is_ordinary([written]):
            return None
        most = 2 if sum(map(len, words)) >= _LEAST_WITH_TWO_SLIPS else 1
        others = words[:at] + words[at + 1 :]
        slips_of: dict[str, int] = {}
        for known, name in self._by_word[others[0]]:
            if len(known) == len(words) and known[:at] + known[at + 1 :] == others:
                if max(len(written), len(known[at])) < _LEAST_WORD_WITH_SLIP:
                    continue
                slips = OSA.distance(written, known[at], score_cutoff=most)
                if slips <= min(most, 1 + len(known[at]) // 5) and _begin_alike(written, known[at]):
                    slips_of[name] = slips
        least = min(slips_of.values(), default=0)
        nearest = [name for name, slips in slips_of.items() if slips == least]
        return nearest[0] if len(nearest) == 1 else None


def commonest_spellings(movies: Counter[str]) -> dict[str, str]:
    """The commonest of the names that differ by case, accents and punctuation only, by key."""
    return _commonest_spellings(movies, {name: words_of(name) for name in movies})


def _commonest_spellings(movies: Counter[str], words: Mapping[str, list[str]]) -> dict[str, str]:
    spellings: dict[str, str] = {}
    for name, _ in sorted(movies.items(), key=lambda entry: (-entry[1], entry[0])):
        key = "".join(words[name])
        if key:
            spellings.setdefault(key, name)
    return spellings


def _families(
    together: Iterable[Names], surname_of: Mapping[str, str]
) -> dict[str, dict[str, None]]:
    """People of one surname who took part in the same movie, by surname."""
    families: dict[str, dict[str, None]] = {}
    for names in together:
        seen: dict[str, str] = {}
        for name in names:
            surname = surname_of.get(name)
            other = seen.setdefault(surname, name) if surname else name
            if surname and other != name:
                families.setdefault(surname, {}).update({other: None, name: None})
    return families


def _begin_alike(word: str, other: str) -> bool:
    """Whether two words have the same first letter, or the first two in the other order."""
    return word[0] == other[0] or word[1] + word[0] == other[:2]


def _parts(name: str, words: list[str]) -> list[str]:
    """The parts of a name at its spaces and stops; "Kore-eda" is one."""
    if len(words) == name.count(" ") + 1 and "." not in name:
        return words
    return [part for piece in name.replace(".", ". ").split() if (part := joined(piece))]


def _surnames(parts: list[str]) -> Iterator[str]:
    """The last part of a name of several, without and with the particles before it."""
    parts = [part for part in parts if part not in _SUFFIXES]
    if len(parts) < 2:
        return
    surname = parts[-1]
    yield surname
    for particle in reversed(parts[1:-1]):
        if particle not in _PARTICLES:
            break
        surname = particle + surname
        yield surname


def _other_orders(parts: list[str]) -> Iterator[str]:
    """Keys of a name without its middle initials, and with its last or first part elsewhere."""
    short = [part for n, part in enumerate(parts) if len(part) > 1 or n in (0, len(parts) - 1)]
    if len(short) < len(parts):
        yield "".join(short)
    if 2 <= len(parts) <= 3:
        yield parts[-1] + "".join(parts[:-1])
        yield "".join(parts[1:]) + parts[0]
