"""People, countries and languages that a text asks for. Pure.

A surname alone counts where a person is expected: "by Kubrick", "Hitchcock thriller". An adjective
counts beside a kind of movie: "korean thriller", not "an italian restaurant".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.retrieval.interpretation.genres import HEAD_NEXT, GenreReader
from shared.retrieval.interpretation.words import KINDS, PEOPLE, Reading

if TYPE_CHECKING:
    from shared.retrieval.interpretation.lexicon import Lexicon

_MOST_NAME_WORDS = 4
_PERSON_CUES = frozenset(("starring", "featuring", "with", "by", "director", "actor", "actress"))
_SURNAMES_THAT_ARE_WORDS = frozenset((
    "love", "stone", "snow", "fish", "page", "young", "king", "rock", "cage", "wise", "grant",
    "hunt", "fox", "bird", "bell", "black", "white", "green", "brown", "gold", "gray", "grey",
    "day", "may", "english", "french", "german", "moon", "star", "swan", "wolf", "knight", "bishop",
    "pope", "baker", "cook", "carpenter", "hunter", "fisher", "shepherd", "smith", "mason",
    "miller",
    "rich", "long", "short", "small", "little", "good", "best", "sharp", "strong", "savage",
    "swift",
    "bond", "cross", "church", "hall", "house", "wood", "woods", "field", "hill", "lake", "rivers",
    "waters", "winter", "summers", "christmas", "monday", "friday", "nature", "humor", "guns",
    "power", "powers", "pain", "law", "case", "crime", "chase", "heart", "hope", "joy", "grace",
    "faith", "music", "singer", "dancer", "dance", "magic", "horn", "ford", "cars", "trees",
    "animals",
    "accident", "night", "force", "nobody", "everyone", "someone", "anyone", "women", "men",
    "children", "kids", "friends", "ball", "cash", "chance", "coward", "dark", "duke", "early",
    "fast", "flowers", "forest", "frost", "gore", "hardy", "hand", "hero", "host", "judge", "lane",
    "major", "marshal", "marsh", "may", "noble", "north", "west", "east", "south", "owl", "paris",
    "london", "price", "prince", "quick", "rain", "read", "reed", "rose", "ruby", "sand", "sea",
    "silver", "singer", "sun", "sweet", "thorn", "war", "ward", "weather", "wine", "worth",
    "wright",
))  # fmt: skip
_MOST_CONTENT_WORDS = 4  # of a text in which "from Japan" needs no kind of movie before it
_WORKS = frozenset(("best", "greatest", "early", "earlier", "later", "latest", "work", "works"))
_SPOKEN = frozenset(("in", "speaking", "dubbed", "language"))
_COUNTRY_NEXT = KINDS | {"cinema", "language", "language's", "production", "productions"}


def read_people(reading: Reading, lexicon: Lexicon) -> None:
    """Find the people whose movies are asked for."""
    i, last_end, directed = 0, -1, False
    while i < len(reading):
        match = None
        if not reading.used[i] and not reading.topic[i] and not reading.negated(i):
            match = _person(reading, i, lexicon)
        if match is None:
            i += 1
            continue
        names, end = match
        # "by Nolan, Fincher" continues a list.
        start, directed = (i, directed) if last_end == i else _cue(reading, i)
        directed = directed and all(map(lexicon.is_director, names))
        _add(reading.directors if directed else reading.people, names)
        reading.use(start, end)
        i = last_end = end
        # "starring Tom Hanks and Meg Ryan"
        if reading.key(i) in {"and", "or"} and _person(reading, i + 1, lexicon, cued=True):
            reading.use(i, i + 1)
            last_end = i + 1


def _cue(reading: Reading, i: int) -> tuple[int, bool]:
    """Where the words before a name start that introduce it, and whether it directs."""
    start, directed = i, False
    while start and not reading.used[start - 1] and not reading.breaks[start - 1]:
        word = reading.key(start - 1)
        if word not in _PERSON_CUES | {"directed", "from", "the", "of", "made"}:
            break
        directed = directed or word in {"director", "directed", "by"}
        start -= 1
    if reading.key(start) in {"the", "of", "from"} and not directed:
        start = i
    return start, directed


def _person(
    reading: Reading, i: int, lexicon: Lexicon, *, cued: bool = False
) -> tuple[tuple[str, ...], int] | None:
    """The person, or the family, whose name stands at a position, and where the name ends."""
    for length in range(min(_MOST_NAME_WORDS, len(reading) - i), 1, -1):
        end = i + length
        if reading.free(i, end) and reading.joined(i, end):
            names = _named(lexicon, reading.phrase(i, end))
            if names:
                return names, end
    if i >= len(reading) or reading.used[i]:
        return None
    word = reading.key(i)
    surname = word.removesuffix("'s")
    before = reading.key(i - 1) if not reading.starts_at(i) else ""
    cued = cued or before in _PERSON_CUES
    followed = not reading.breaks[i] and (
        reading.key(i + 1) in KINDS | _WORKS or (i + 1 < len(reading) and reading.used[i + 1])
    )
    alone = reading.starts_at(i) and reading.ends_at(i + 1) and reading.words_left() <= 2
    if reading.starts_at(i) and reading.key(i + 1) in {"and", "or"} and reading.words_left() == 3:
        alone = reading.ends_at(i + 3) and bool(_named(lexicon, reading.key(i + 2)))
    possessive = word != surname
    written = reading.text[reading.spans[i][0]]
    is_word = not _SURNAMES_THAT_ARE_WORDS.isdisjoint((surname, surname.removesuffix("s")))
    is_word = is_word and (not written.isupper() or reading.text.isupper())
    if len(surname) < 3 or is_word or not (cued or followed or possessive or alone):
        return None
    names = _named(lexicon, surname)
    return (names, i + 1) if names else None


def _named(lexicon: Lexicon, phrase: str) -> tuple[str, ...]:
    phrase = phrase.removesuffix("'s").removesuffix("'")
    person = lexicon.person(phrase)
    return (person,) if person else lexicon.family(phrase)


def read_origins(reading: Reading, lexicon: Lexicon, genres: GenreReader) -> None:
    """Find the countries and languages that are asked for."""
    for i in range(len(reading)):
        if reading.used[i] or reading.topic[i] or reading.negated(i):
            continue
        for length in (2, 1):
            end = i + length
            if not reading.free(i, end) or not reading.joined(i, end):
                continue
            word = reading.phrase(i, end).removesuffix("-language").removesuffix("-speaking")
            countries, languages = lexicon.countries(word) or (), lexicon.languages(word) or ()
            if not (countries or languages):
                continue
            if _read_origin(reading, i, end, countries, languages, genres):
                break


def _read_origin(
    reading: Reading,
    i: int,
    end: int,
    countries: tuple[str, ...],
    languages: tuple[str, ...],
    genres: GenreReader,
) -> bool:
    before = "" if reading.starts_at(i) else reading.key(i - 1)
    following = reading.key(end)
    closed = reading.ends_at(end)
    if before in _SPOKEN and languages and (closed or following in HEAD_NEXT | {"language"}):
        end += following == "language"
        _add(reading.languages, languages)
        reading.use(i - 1, end)
        return True
    if before == "from" and countries and (closed or following in HEAD_NEXT):
        noun = reading.key(i - 2)
        if noun in KINDS or (reading.content_words() <= _MOST_CONTENT_WORDS and noun not in PEOPLE):
            _add(reading.countries, countries)
            reading.use(i - 1, end)
            return True
        return False
    spoken = reading.key(end - 1).endswith(("-language", "-speaking")) or following == "language"
    noun_at = end  # "korean revenge thriller"
    while reading.key(noun_at) in _SUBGENRES and reading.free(noun_at, noun_at + 1):
        noun_at += 1
    noun = reading.key(noun_at)
    adjective = following in _COUNTRY_NEXT or genres.at(reading, end) is not None
    if noun_at > end and reading.joined(i, noun_at + 1):
        adjective = adjective or noun in _COUNTRY_NEXT or bool(genres.at(reading, noun_at))
        adjective = adjective or (noun_at < len(reading) and reading.used[noun_at])
    alone = closed and (reading.starts_at(i) or reading.key(i - 1) in KINDS)
    if before in {"in", "from", "of", "a", "an", "the"} and not adjective and not spoken:
        return False
    if not (adjective or alone or spoken):
        return False
    if reading.key(i) in _PLACES_NOT_ADJECTIVES and before != "from":
        return False
    if languages and (spoken or not countries):
        _add(reading.languages, languages)
    else:
        _add(reading.countries, countries)
    reading.use(i, end + (following == "language"))
    return True


_SUBGENRES = frozenset((
    "revenge", "gangster", "crime", "heist", "ghost", "zombie", "vampire", "romantic", "spy",
    "psychological", "historical", "period", "arthouse", "art-house", "indie", "horror", "sports",
    "martial", "arts", "samurai", "yakuza", "mafia", "courtroom", "prison", "neorealist", "noir",
    "slasher", "supernatural", "political", "teen", "coming-of-age", "family", "war", "action",
    "black", "dark", "sad", "funny", "classic", "old", "new", "recent", "modern", "silent",
    "sci-fi",
    "animated", "erotic", "feel-good", "slow-burn", "survival", "monster", "detective", "police",
    "cop", "epic", "costume", "disaster", "superhero", "musical", "science", "fantasy", "comedy",
    "kids", "children's", "independent", "cult", "good", "great", "best", "weird", "scary", "slow",
))  # fmt: skip
"""Words that may stand between where a movie is from and what kind it is."""
_PLACES_NOT_ADJECTIVES = frozenset(("new", "us", "in", "it"))


def _add(names: list[str], new: tuple[str, ...]) -> None:
    names += [each for each in new if each not in names]
