"""Movies that a text compares with: "something like X", "X but sadder", "a cross of X and Y". Pure.

A title behind such words is taken as long as possible, so that "and" and "but" may be part of it;
a title with slips must end where the clause ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.retrieval.interpretation.words import KINDS, Reading, match, phrases_by_first

if TYPE_CHECKING:
    from shared.retrieval.titles.titles import Titles

_MOST_TITLE_WORDS = 10
_MOST_NEAR_WORDS = 6

_CUES = phrases_by_first((
    "similar to", "in the vein of", "in the style of", "in the spirit of", "along the lines of",
    "reminds me of", "remind me of", "reminiscent of", "that remind me of", "that reminds me of",
    "if you liked", "if you loved", "if i liked", "if i loved", "if i like", "if i love",
    "if you like", "if you love", "if you enjoyed", "if i enjoyed", "because i liked",
    "because i loved", "because i enjoyed", "since i liked", "since i loved", "i loved", "i liked",
    "i really liked", "i really loved", "i enjoyed", "i really enjoyed", "i love", "we loved",
    "for fans of", "fans of", "same vibe as", "same vibes as", "the same vibe as",
    "the same mood as", "the same feel as", "same feel as", "same feeling as", "vibes of",
    "in the same vein as", "in the mould of", "in the mold of", "a la",
    "cross between", "a cross between", "mix of", "a mix of", "mixture of", "a mixture of",
    "mix between", "a mix between", "combination of", "a combination of", "blend of", "a blend of",
    "just like", "a bit like", "kind of like", "sort of like", "a lot like", "more like",
    "much like",
    "close to", "comparable to", "akin to", "as good as", "as funny as", "as scary as",
    "like", "movies like", "more movies like", "such as", "than", "the likes of", "kinda like",
    "sorta like",
    "on par with", "since i enjoyed", "because i love", "after watching", "i just watched",
    "we just watched", "i recently watched", "we liked", "we enjoyed", "my favorite movie is",
    "my favourite movie is", "my favorite film is", "my favourite film is", "big fan of",
    "fan of", "same style as", "the same style as", "spiritual successor to",
))  # fmt: skip
_WEAK = frozenset(("than", "like", "close to", "i love", "mix of", "a mix of", "blend of",
    "a blend of",
                   "combination of", "a combination of", "more like"))  # fmt: skip
"""Cues that often stand before something else, so that the title must be written without a slip."""
_NOUNS_BEFORE_LIKE = KINDS | frozenset((
    "something", "anything", "one", "ones", "stuff", "things", "story", "stories", "comedy",
    "comedies", "thriller", "thrillers", "drama", "dramas", "horror", "western", "westerns",
    "romance", "romances", "musical", "musicals", "sci-fi", "adventure", "adventures", "fantasy",
    "mystery", "mysteries", "documentary", "documentaries", "more", "noir", "animation", "classic",
    "classics", "romcom", "rom-com", "action", "that's", "is", "funny", "scary", "sad", "dark",
    "show",
    "exactly", "much", "bit", "lot", "just", "titles", "anime", "suggestions", "recommendations",
))  # fmt: skip
_JOINTS = frozenset(("and", "or", "meets", "with", "crossed", "x", "plus"))
_TITLE_ENDS = frozenset(("but", "and", "with", "only", "or", "just", "except", "meets", "without"))
_PRONOUNS = frozenset((
    "it", "her", "him", "them", "us", "me", "this", "that", "you", "we", "they", "he", "she", "i",
    "these", "those", "one", "what", "who", "no", "home", "a", "the", "watching", "crazy", "life",
))  # fmt: skip
_WORDS_BEFORE = frozenset((
    "something", "anything", "movies", "movie", "films", "film", "more", "one", "ones", "stuff",
    "a", "an", "the", "some", "any", "that", "that's", "is", "which", "are", "bit", "just", "other",
    "exactly", "much", "lot", "things", "titles", "suggestions", "recommendations", "for", "show",
))  # fmt: skip


def read(reading: Reading, titles: Titles) -> None:
    """Find the movies that the result should be like."""
    before = len(reading.like)
    i = 0
    while i < len(reading):
        length = match(reading, i, _CUES)
        denied = length and reading.key(i) != "than" and reading.negated(i, within=3)
        if not length or denied or not _is_cue(reading, i, length):
            i += 1
            continue
        cue = reading.phrase(i, i + length)
        title = _title(reading, i + length, titles, near=cue not in _WEAK or _is_sure(reading, i))
        if title is None:
            i += 1
            continue
        row, end = title
        end = _more(reading, row, end, titles)
        if reading.key(end) in {"movie", "film"} and not reading.breaks[end - 1]:
            end += 1
        start = i
        while start and not reading.used[start - 1] and not reading.breaks[start - 1]:
            word, further = reading.key(start - 1), reading.key(start - 2)
            alone = start == 1 or reading.breaks[start - 2] or further in _WORDS_BEFORE
            if word not in _WORDS_BEFORE or (word in KINDS and not alone):
                break  # "crime" of "crime movies like Heat" needs its noun
            start -= 1
        reading.use(start, end)
        i = end
    if len(reading.like) == before:
        _compared(reading, titles)
    if len(reading.like) == before:
        _likened(reading, titles)


def _is_cue(reading: Reading, i: int, length: int) -> bool:
    """Whether words compare with a movie, rather than a dream: "feels like home"."""
    cue = reading.phrase(i, i + length)
    if cue == "than":
        word = reading.key(i - 1)
        graded = reading.key(i - 2) in {"more", "less"} and word not in _NO_GRADES
        return graded or (word.endswith("er") and word not in _NO_GRADES)
    if cue == "like":
        return i == 0 or reading.breaks[i - 1] or reading.key(i - 1) in _NOUNS_BEFORE_LIKE
    return True


_NO_GRADES = frozenset((
    "better", "rather", "other", "older", "newer", "longer", "shorter", "later", "earlier",
    "greater", "ever", "never", "whether", "further", "younger", "recent", "nothing", "anything",
    "", "fewer", "higher", "lower", "bigger",
))  # fmt: skip
"""Words before "than" that compare no two movies by what they are like."""


def _is_sure(reading: Reading, i: int) -> bool:
    return reading.key(i) == "like" and reading.key(i - 1) in _WORDS_BEFORE and i > 0


def _more(reading: Reading, row: int, end: int, titles: Titles) -> int:
    """Take further titles of a list, and return where it ends."""
    reading.like.append(row)
    while end < len(reading):
        joint = end
        while reading.key(joint) in _JOINTS:
            joint += 1
        if joint == end and not reading.breaks[end - 1]:
            break
        following = _title(reading, joint, titles, near=False, whole_clause=True)
        if following is None:
            break
        if following[0] not in reading.like:
            reading.like.append(following[0])
        end = following[1]
    return end


def _title(
    reading: Reading, first: int, titles: Titles, *, near: bool, whole_clause: bool = False
) -> tuple[int, int] | None:
    """The movie whose title begins at a position, and where it ends."""
    if reading.phrase(first, first + 2) in {"the movie", "the film"}:
        first += 2
    elif reading.key(first) in KINDS:
        first += 1
    last = min(len(reading), first + _MOST_TITLE_WORDS)
    for end in range(last, first, -1):
        if not reading.free(first, end) or _is_pronoun(reading, first, end):
            continue
        ends = end == len(reading) or reading.breaks[end - 1] or reading.key(end) in _TITLE_ENDS
        if not ends and (whole_clause or not _may_end(reading, end)):
            continue
        rows = titles.exact(reading.written(first, end))
        if rows:
            year = reading.key(end)
            takes_year = year.isdigit() and len(year) == 4 and reading.free(end, end + 1)
            return rows[0], end + takes_year
    return _near_title(reading, first, last, titles) if near else None


def _near_title(reading: Reading, first: int, last: int, titles: Titles) -> tuple[int, int] | None:
    """As ``_title``, for a title with slips, which takes the whole clause."""
    end = first
    while end < last and reading.free(end, end + 1) and reading.key(end) not in _TITLE_ENDS:
        end += 1
        if reading.breaks[end - 1]:
            break
    if not 0 < end - first <= _MOST_NEAR_WORDS or len(reading.written(first, end)) < 4:
        return None
    rows = titles.near(reading.written(first, end))
    return (rows[0], end) if rows else None


def _is_pronoun(reading: Reading, first: int, end: int) -> bool:
    """Whether a word is a pronoun rather than a title: "like it", not "like It"."""
    if end - first > 1 or reading.key(first) not in _PRONOUNS:
        return False
    return reading.key(first) == "i" or not reading.written(first, end)[0].isupper()


def _may_end(reading: Reading, end: int) -> bool:
    """Whether a title can end before this word: "movies like Alien from the 90s"."""
    return reading.key(end) in {
        "from", "in", "set", "for", "where", "about", "that", "which", "on", "by", "not", "no",
        "please", "tonight", "movie", "film", "to", "because", "as", "starring", "minus", "less",
        "more", "made", "also", "though", "instead", "when", "i", "than", "of", "is",
    } or (reading.key(end).isdigit() and len(reading.key(end)) == 4)  # fmt: skip


def _compared(reading: Reading, titles: Titles) -> None:
    """Find "X but sadder" and "X meets Y"."""
    for i in range(1, min(len(reading), _MOST_TITLE_WORDS)):
        word = reading.key(i)
        if word not in {"but", "meets"} or not reading.free(0, i):
            continue
        rows = titles.exact(reading.written(0, i))
        if not rows or not _names_a_movie(reading, 0, i):
            continue
        if word == "but":
            reading.like.append(rows[0])
            reading.use(0, i + 1)
            return
        other = _title(reading, i + 1, titles, near=False)
        if other:
            reading.like.append(rows[0])
            reading.use(0, i + 1)
            reading.use(i + 1, _more(reading, other[0], other[1], titles))
            return


_LIKENING = frozenset(("type", "style", "vibe", "vibes", "esque", "feel", "feeling", "mood"))
_SUFFIXES = ("-like", "-esque", "-style", "-type", "esque")


def _likened(reading: Reading, titles: Titles) -> None:
    """Find "Inception type movies", "Inception vibes" and "Inception-like"."""
    for i in range(len(reading)):
        key = reading.key(i)
        suffix = next((end for end in _SUFFIXES if key.endswith(end) and key != end), "")
        if not suffix and (key not in _LIKENING or not i):
            continue
        end = i + bool(suffix)
        for first in range(max(0, end - _MOST_NEAR_WORDS), end):
            if not reading.starts_at(first) or not reading.free(first, i + 1):
                continue
            title = reading.written(first, end)[: -len(suffix) or None]
            rows = titles.exact(title)
            following = reading.key(i + 1)
            closed = reading.ends_at(i + 1) or following in KINDS | _TITLE_ENDS
            if not rows or not closed or not _names_a_movie(reading, first, end, suffix):
                continue
            reading.like.append(rows[0])
            reading.use(first, i + 1 + (following in KINDS and not reading.breaks[i]))
            return


_DESCRIBING = frozenset((
    "funny", "scary", "sad", "dark", "happy", "war", "love", "romance", "romantic", "horror",
    "comedy", "drama", "thriller", "western", "action", "musical", "serious", "old", "short",
    "weird", "strange", "slow", "cute", "sweet", "silly", "creepy", "violent", "black", "smart",
    "crazy", "simple", "tense", "emotional", "sexy", "wild", "fast", "quiet", "beautiful", "it",
    "documentary", "mystery", "fantasy", "crime", "family", "animation", "relaxing", "light",
    "thrilling", "epic", "space", "christmas", "halloween", "gritty", "bleak", "clueless", "brave",
    "heavy", "cold", "warm", "hot", "cozy", "cosy", "uplifting", "gripping", "stylish", "clever",
))  # fmt: skip


def _names_a_movie(reading: Reading, first: int, end: int, suffix: str = "") -> bool:
    """Whether words are a title rather than a description that is also a title."""
    keys = [key.removesuffix(suffix) for key in reading.keys[first:end]]
    if all(key in _DESCRIBING | {"and", "a", "the"} for key in keys):
        return len(keys) == 1 and reading.written(first, end)[0].isupper()
    return True
