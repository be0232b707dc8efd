"""Genres that a text asks for. Pure.

Only words that name the kind of movie count: "a drama from 1989", "romantic comedy", not "a drama
student", "comedy of errors" or "a film about war".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.retrieval.interpretation.words import ARTICLES, KINDS, PEOPLE, Reading

if TYPE_CHECKING:
    from shared.retrieval.interpretation.lexicon import Lexicon

_MOST_GENRE_WORDS = 3

_ADJECTIVES = {
    "romantic": "romance", "animated": "animation", "comic": "comedy", "comedic": "comedy",
    "dramatic": "drama", "historical": "history", "biographical": "biography",
    "musical": "musical", "documentary": "documentary",
}  # fmt: skip
"""Adjectives that mean a genre before a kind of movie: "romantic comedy", "animated film"."""
_QUALITIES = {
    "funny": "comedy", "hilarious": "comedy", "scary": "horror", "makes me laugh": "comedy",
    "make me laugh": "comedy", "made me laugh": "comedy", "laugh out loud": "comedy",
}  # fmt: skip
"""What movies of a genre are like. The words stay: they say more than the genre."""
_ALONE = frozenset(("funny", "hilarious", "makes me laugh", "make me laugh", "laugh out loud"))
"""Qualities that need no kind of movie behind them."""
_COMMON = frozenset((
    "war", "family", "crime", "music", "history", "sport", "sports", "short", "news", "biography",
    "adult", "children", "kids", "mysteries", "adventures", "shorts", "wars", "crimes", "teen",
    "martial arts", "historical", "political", "political thriller", "supernatural", "spy",
    "superhero", "holiday", "christmas", "disaster", "epic", "gangster", "mafia",
    "foreign", "indie", "independent", "black comedy", "experimental", "silent", "tv", "imax",
    "children's", "kid", "child", "love", "loves", "western", "musical", "fun", "suspense",
    "fantasies", "history", "police", "detective", "future", "space",
))  # fmt: skip
"""Genres that are also everyday words: they need a kind of movie behind them."""
_NOUNS_TOO = frozenset(("western", "musical", "documentary"))
_NARROWER = frozenset((
    "anime", "slasher", "slashers", "whodunit", "whodunits", "zombie", "zombies", "spy", "heist",
    "gangster", "mafia", "superhero", "cyberpunk", "space opera", "monster", "ghost", "vampire",
    "suspense", "murder mystery", "murder mysteries", "period drama", "costume drama", "scary",
    "bollywood", "spaghetti western", "spaghetti westerns", "historical drama", "funny", "kung fu",
    "martial arts", "swashbuckler", "detective", "police",
))  # fmt: skip
"""Words that mean more than the genre that they imply, so that they are searched as well."""
HEAD_NEXT = frozenset((
    "from", "about", "with", "without", "set", "in", "by", "starring", "featuring", "directed",
    "for", "where", "that", "which", "who", "and", "but", "or", "like", "not", "no", "nothing",
    "never", "made", "based", "having", "to", "similar", "during", "under", "over", "only",
    "instead", "tonight", "please", "set", "released", "minus", "whose", "as", "mixed", "meets",
    "before", "after", "since", "until", "is", "on", "at", "isn't", "except", "plus", "made",
))  # fmt: skip
"""Words that may follow a genre when it is what the phrase is about."""
_OBJECT_OF = frozenset(("of", "into", "against", "between", "like", "on", "with", "the", "real"))
_MIXES = frozenset(("mix", "mixture", "blend", "combination", "cross", "kind", "sort", "type"))
AUDIENCES = frozenset((
    "family friendly", "kid friendly", "child friendly", "family-friendly", "kid-friendly",
    "child-friendly", "for kids", "for children", "for the kids", "for my kids", "for our kids",
    "for the children", "for my children", "for young kids", "for small kids", "for young children",
    "for small children", "for little kids", "for toddlers", "for the family",
    "for the whole family", "for the entire family", "for all the family", "for family",
    "for families", "with the kids", "with my kids", "with kids", "with our kids",
    "with the family", "with the whole family", "with my family", "with family",
    "with the children", "with my children", "with our children", "with my whole family",
    "with the entire family", "suitable for kids", "suitable for children",
))  # fmt: skip
"""For whom the movie is to be."""
_BEFORE_AGE = frozenset(("my", "a", "an", "our", "the", "his", "her", "their"))
_YEARS_OLD = frozenset(
    ("year old", "years old", "year olds", "yo", "year-old", "year-olds", "yr old")
)
_OLDEST_CHILD = 12
_CHILDREN = frozenset((
    "boy", "girl", "boys", "girls", "son", "daughter", "kid", "kids", "child", "children", "nephew",
    "niece", "brother", "sister",
))  # fmt: skip
_FAMILY_NAMES = ("family", "children", "kids", "animation")
_FAMILY_ADJECTIVES = frozenset((
    "kids", "kid's", "kids'", "kid", "children's", "childrens", "children", "family", "childrens'",
))  # fmt: skip
_FAMILY_NOUNS = KINDS | {"adventure", "comedy", "entertainment", "animation", "fun", "classic"}


class GenreReader:
    """Reads genres with the names that a catalogue has."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon

    def at(self, reading: Reading, i: int) -> tuple[tuple[str, ...], int] | None:
        """The genres that the words at a position name, and where the phrase ends.

        Args:
            reading: The text.
            i: Position of the first word.
        """
        for length in range(min(_MOST_GENRE_WORDS, len(reading) - i), 0, -1):
            end = i + length
            if not reading.free(i, end) or not reading.joined(i, end):
                continue
            genres = self.of(reading.phrase(i, end))
            if genres:
                return genres, end
        return None

    def of(self, phrase: str) -> tuple[str, ...]:
        """The genres that a phrase names; empty when it names none that the catalogue has."""
        return self._lexicon.genres(_ADJECTIVES.get(phrase, phrase)) or ()

    def denied(self, phrase: str) -> tuple[str, ...]:
        """As ``of``, for what a text excludes: "horror movies", "romance", "for kids"."""
        words = phrase.split()
        while words and words[0] in ARTICLES:
            words = words[1:]
        if " ".join(words) in AUDIENCES:
            return self.family()
        kind = len(words) > 1 and words[-1] in KINDS
        if kind:
            words = words[:-1]
        phrase = " ".join(words)
        if kind and phrase in _FAMILY_ADJECTIVES:
            return self.family()
        if phrase in _NARROWER or phrase in _QUALITIES:
            return self._quality(phrase) if kind and phrase in {"scary", "funny"} else ()
        if phrase in _COMMON and not kind and phrase not in _DENIED_AS_NOUN:
            return ()
        return self.of(phrase)

    def family(self) -> tuple[str, ...]:
        """What the catalogue calls movies for children."""
        for name in _FAMILY_NAMES:
            genre = self._lexicon.genre(name)
            if genre:
                return (genre,)
        return ()

    def _quality(self, phrase: str) -> tuple[str, ...]:
        genre = self._lexicon.genre(_QUALITIES[phrase])
        return (genre,) if genre else ()

    def read(self, reading: Reading) -> None:
        """Find the genres that are asked for."""
        self._audiences(reading)
        last_end = -1
        listed = 0  # the group with which the list begins that the last genre is in
        i = 0
        while i < len(reading):
            match = self._head(reading, i)
            if match is None:
                self._read_quality(reading, i)
                i += 1
                continue
            genres, end = match
            plural = reading.key(i - 2).endswith("s") and reading.key(end - 1).endswith("s")
            joint = reading.key(i - 1)
            alternatives = last_end == i - 1 and (joint == "or" or (joint == "and" and plural))
            if alternatives and len(genres) == 1 and reading.genres:
                listed = listed if joint == "or" else len(reading.genres) - 1
                # "action, comedy or western"
                together = [genre for group in reading.genres[listed:] for genre in group]
                reading.genres[listed:] = [(*together, *genres)]
                reading.use(i - 1, i)
            else:
                if not (last_end == i and reading.breaks[i - 1]):
                    listed = len(reading.genres)
                reading.genres += [(genre,) for genre in genres]
                if joint == "of" and reading.key(i - 2) in _MIXES:
                    reading.use(i - 2, i)
            if reading.phrase(i, end) not in _NARROWER:
                reading.use(i, end)
            last_end = end
            i = end

    def _head(self, reading: Reading, i: int) -> tuple[tuple[str, ...], int] | None:
        """A genre phrase that says what kind of movie is asked for."""
        if reading.used[i] or reading.topic[i] or reading.negated(i):
            return None
        match = self.at(reading, i)
        if match is None or _is_object(reading, i):
            return None
        end = match[1]
        phrase = reading.phrase(i, end)
        if phrase in _QUALITIES or phrase == "family":
            return None  # "a family drama" is not for the family
        following = reading.key(end)
        closed = reading.ends_at(end)
        if not closed and (following in KINDS or self._is_kind(reading, end)):
            return match
        is_noun = closed or following in HEAD_NEXT
        if phrase in _NOUNS_TOO:
            starts = reading.key(i - 1) in ARTICLES or reading.starts_at(i)
            return match if is_noun and (starts or closed) else None
        if phrase in _COMMON or phrase in _ADJECTIVES:
            follows = i > 0 and reading.used[i - 1] and closed
            return match if follows else None
        return match if is_noun else None

    def _is_kind(self, reading: Reading, i: int) -> bool:
        """Whether a genre stands here that is no everyday word: "drama", not "family"."""
        match = self.at(reading, i)
        if match is None:
            return False
        phrase = reading.phrase(i, match[1])
        return phrase not in _COMMON or phrase in _NOUNS_TOO

    def _read_quality(self, reading: Reading, i: int) -> None:
        for length in (3, 1):
            phrase = reading.phrase(i, i + length)
            if phrase not in _QUALITIES or not reading.free(i, i + length):
                continue
            if reading.negated(i) or (reading.topic[i] and length == 1):
                continue
            end = i + length
            following = reading.key(end)
            near_kind = following in KINDS or (
                reading.joined(i, end + 2) and reading.key(end + 1) in KINDS
            )
            alone = phrase in _ALONE and (
                reading.ends_at(end) or following in {"and", "but", "or", "without"}
            )
            if phrase == "scary" and self.family() in reading.genres:
                continue  # for a child, not a horror movie
            genres = self._quality(phrase)
            if genres and (near_kind or alone) and (genres not in reading.genres):
                reading.genres.append(genres)

    def _audiences(self, reading: Reading) -> None:
        family = self.family()
        for i in range(len(reading) if family else 0):
            if reading.used[i] or reading.topic[i] or reading.negated(i):
                continue
            end = _audience_end(reading, i)
            if end > i and reading.free(i, end) and reading.joined(i, end):
                if family not in reading.genres:
                    reading.genres.append(family)
                reading.use(i, end)


def _audience_end(reading: Reading, i: int) -> int:
    """Where words end that say for whom the movie is; the same position where there are none."""
    for length in range(min(4, len(reading) - i), 0, -1):
        end = i + length
        if reading.phrase(i, end) in AUDIENCES:
            if reading.keys[i] == "with":  # "a cop with the kids in the car"
                closed = reading.ends_at(end) and reading.key(i - 1) not in PEOPLE
            else:  # "for family night"
                closed = reading.ends_at(end) or reading.key(end) in HEAD_NEXT
            return end if closed or reading.keys[i] not in {"for", "with"} else i
    child = _child_end(reading, i)
    if child:
        return child
    adjective = reading.keys[i] in _FAMILY_ADJECTIVES and not reading.breaks[i]
    kind_follows = reading.key(i + 1) in _FAMILY_NOUNS and reading.key(i - 1) not in {"of", "my"}
    return i + 1 if adjective and kind_follows else i


def _child_end(reading: Reading, i: int) -> int:
    """Where "for my 6 year old" ends that stands here; 0 where it does not."""
    at = i + 1 + (reading.key(i + 1) in _BEFORE_AGE)
    if reading.keys[i] not in {"for", "with"} or at >= len(reading):
        return 0
    age, _, unit = reading.key(at).partition("-")
    if not age.isdecimal() or int(age[:3]) > _OLDEST_CHILD:
        return 0
    for length in (0, 1, 2):
        end = at + 1 + length
        if f"{unit} {reading.phrase(at + 1, end)}".strip() in _YEARS_OLD:
            return end + (reading.key(end) in _CHILDREN)
    return 0


def _is_object(reading: Reading, i: int) -> bool:
    """Whether a word belongs to another: "full of horror", "with the horror of war"."""
    before = reading.key(i - 1)
    if before in {"children's", "kids"}:
        return True
    if reading.starts_at(i) or before not in _OBJECT_OF:
        return False
    if before == "the":
        return reading.key(i - 2) in _OBJECT_OF
    return not (before == "of" and reading.key(i - 2) in _MIXES | {"and"})


_DENIED_AS_NOUN = frozenset(("war", "western", "musical", "music", "crime"))
