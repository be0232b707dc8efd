"""What a text does not want: "not a horror movie", "but not gory", "without violence". Pure.

A genre is excluded; anything else is to be avoided. Only short texts are read, because in a
description "not" and "without" tell of the story.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.retrieval.interpretation.genres import AUDIENCES, GenreReader
from shared.retrieval.interpretation.words import (
    ARTICLES,
    KINDS,
    PEOPLE,
    Reading,
    match,
    phrases_by_first,
)

if TYPE_CHECKING:
    from shared.retrieval.titles.titles import Titles

MOST_WORDS = 12
MOST_WORDS_AFTER_BUT = 16
_MOST_AVOIDED_WORDS = 5
_LEAST_BEGINNING = 8  # letters of the beginning of a title that is taken for it

_TRIGGERS = phrases_by_first((
    "not", "no", "without", "nothing", "never", "minus", "less", "avoid", "avoiding", "except",
    "excluding", "except for", "other than", "anything but", "everything but", "anything except",
    "everything except", "anything other than",
    "isn't", "aren't", "is not", "are not", "that isn't", "that is not", "that's not",
    "which isn't", "which is not", "that aren't", "that are not", "that doesn't have",
    "that does not have",
    "i don't like", "i do not like", "i don't want", "i do not want", "i hate", "i dislike",
    "i can't stand", "can't stand", "we don't want", "we don't like", "we can't stand", "we hate",
    "i'm not a fan of", "i am not a fan of", "not a fan of", "not a big fan of", "no fan of",
    "i'm not a big fan of", "i don't need", "i could do without", "could do without",
    "i really don't like", "i really hate", "i don't enjoy", "we don't enjoy", "don't show me",
    "don't give me", "i've had enough of", "had enough of", "enough of", "leave out",
    "don't want", "don't like", "i'm not in the mood for", "not in the mood for", "hate",
    "please no",
    "i'm sick of", "i'm tired of", "sick of", "tired of", "rather than", "instead of", "none of",
    "it's not", "but not", "and not", "and no", "but no", "but without", "but nothing", "but never",
    "or anything", "but isn't", "but less", "with no", "that has no", "that have no", "free of",
    "not with", "neither", "nor", "skip the", "and nothing", "and never", "no more", "zero",
    "that's never", "that is never", "not any", "not as", "but not as", "isn't too", "not a lot of",
    "without any", "without too much", "without much", "without the", "minus the", "minus all",
    "preferably not", "preferably no", "rather not", "ideally not", "maybe not",
))  # fmt: skip
_LEADING = frozenset((
    *ARTICLES, "too", "very", "so", "really", "overly", "much", "lots", "lot", "of", "that", "more",
    "another", "super", "extremely", "particularly", "all", "with", "such", "terribly", "anything",
    "incredibly", "completely", "totally", "about", "overtly", "exactly", "from", "in", "be",
    "being",
    "remotely", "excessively", "these", "those", "any", "else", "many", "as", "ones",
    "something", "by", "starring",
))  # fmt: skip
_ENDS = frozenset((
    "but", "just", "only", "set", "please", "that", "which", "where", "who", "although", "though",
    "yet", "however", "maybe", "preferably", "because", "when", "while", "if", "still", "instead",
    "ideally", "for", "i", "not", "no", "without", "nothing", "never", "starring", "made",
    "directed", "under", "over", "before", "after", "since", "more", "something", "on", "thanks",
    "to", "with", "about", "from", "in", "by", "at", "than", "either", "released", "rather", "less",
))  # fmt: skip
_TRAPS = frozenset((
    "one", "body", "sense", "longer", "matter", "doubt", "idea", "way", "less", "problem", "end",
    "need", "wonder", "other", "turning", "return", "exit", "escape", "place", "time", "man's",
    "only", "just", "bad", "necessarily", "sure", "to", "long", "even", "yet", "quite", "really",
    "knowing", "afraid", "alone", "able", "know", "so", "be", "have", "do", "get", "what", "how",
    "why", "like", "happens", "happening", "is", "can", "will", "but", "else", "left", "lose",
    "works", "gets", "ends", "met", "stops", "dies", "die", "see", "let", "go", "give", "forget",
    "seen", "been", "had", "was", "were", "knew", "known", "came", "comes", "leaves", "forgets",
    "than", "more", "whatsoever", "because", "if", "when", "where", "who", "until", "much",
    "anymore", "hold", "holds", "hoped", "his", "her", "their", "my", "your", "our", "him", "them",
    "it", "me", "you", "us", "going", "being", "getting", "having", "making", "telling", "saying",
    "fortunate", "lucky", "mention", "exist", "exists", "all", "everyone", "everything", "enough",
    "brainer", "strings", "budget", "holds", "barred", "questions", "regrets", "limits", "hope",
    "home",
    "goes", "seems", "makes", "knows", "wants", "looks", "finds", "stop", "return", "returned",
    "ever", "again", "always", "my", "there", "this", "these", "too", "realizing", "wanting",
))  # fmt: skip
"""Words that make no exclusion of the negation before them: "no one", "not only", "no sense"."""
_FINITE_VERBS = frozenset((
    "is", "are", "was", "were", "has", "have", "had", "will", "can", "could", "would", "should",
    "does", "did", "must", "knows", "gets", "goes", "comes", "knew", "came", "went",
))  # fmt: skip
_DEGREES = frozenset(("not", "nothing", "never"))
_WISHES_OF_DEGREE = frozenset(("too long", "too short", "too old", "too new", "too bad"))
"""Behind "not", these ask for something in between."""
_VERBS_BEFORE = frozenset((
    "or", "why", "if", "whether", "am", "i'm", "do", "does", "did", "can", "could", "would",
    "should", "will", "has", "have", "had", "may", "might", "must", "was", "were", "is", "are",
    "makes", "make", "made", "there", "there's", "say", "says", "you", "he", "she", "they", "we",
    "it", "who", "takes", "you're", "he's", "she's", "they're", "i", "gives", "sees", "of",
    "for", "than", "shows", "feels", "saying", "people", "knows", "what",
))  # fmt: skip
_NOUN_TRIGGERS = frozenset(("without", "no", "minus", "avoid", "avoiding", "except", "of", "hate"))
_POSITIVE = frozenset((
    "funny", "uplifting", "lots", "some", "good", "great", "with", "set", "a", "an", "the", "more",
    "happy", "light", "short", "exciting", "fun", "smart", "feel-good", "plenty", "sweet", "warm",
    "sad", "scary", "dark", "relaxing", "not", "also", "from", "made", "about", "in", "very",
))  # fmt: skip


def read(reading: Reading, genres: GenreReader, titles: Titles) -> None:
    """Find what is not wanted."""
    words = reading.words_left()
    if words > MOST_WORDS_AFTER_BUT:
        return
    i = 0
    while i < len(reading):
        length = match(reading, i, _TRIGGERS)
        if length and (words <= MOST_WORDS or reading.key(i) == "but"):
            end = _deny(reading, i, i + length, genres, titles)
            if end:
                i = end
                continue
        _read_free_of(reading, i)
        i += 1


_FREE_OF_NOTHING = frozenset(
    ("care", "scot", "hands", "worry", "feel", "sugar", "stress", "trouble")
)


def _read_free_of(reading: Reading, i: int) -> None:
    """Avoid the gore of "gore-free"."""
    thing, _, free = reading.key(i).rpartition("-")
    if free != "free" or not thing or thing in _FREE_OF_NOTHING or not reading.free(i, i + 1):
        return
    if not reading.topic[i] and not reading.negated(i):
        _add(reading.avoid, (reading.written(i, i + 1)[: -len("-free")],))
        reading.use(i, i + 1)


def _deny(reading: Reading, i: int, first: int, genres: GenreReader, titles: Titles) -> int:
    """Read one negation; where it ends, or 0 where it excludes nothing."""
    if not _is_exclusion(reading, i, first, genres) or reading.breaks[first - 1]:
        return 0
    audience = _audience_end(reading, first)
    if audience and genres.family():
        _add(reading.genres_none, genres.family())
        reading.use(i, audience)
        return audience
    start = first
    while reading.key(start) in _LEADING and reading.free(start, start + 1):
        if reading.breaks[start]:
            return 0
        start += 1
    if not _is_denied(reading, start, first):
        return 0
    trigger = reading.key(first - 1)
    end = _scope_end(reading, start, trigger, at_start=i == 0)
    is_clause = not _FINITE_VERBS.isdisjoint(reading.keys[start:end])  # "no man is an island"
    if is_clause or _is_name(reading, i, end, genres, titles):
        return 0
    if not 0 < end - start <= _MOST_AVOIDED_WORDS:
        return 0
    while end > start and reading.key(end - 1) in {"and", "or", "of", *ARTICLES}:
        end -= 1
    if trigger == "less":
        _add(reading.avoid, (reading.written(start, end),))  # of a genre, only less is wanted
    else:
        _exclude(reading, start, end, genres)
    reading.use(i, end)
    return end


def _is_name(reading: Reading, i: int, end: int, genres: GenreReader, titles: Titles) -> bool:
    """Whether a negation is part of a name: "no country for women" plays with a title.

    A text that begins a title, or of capitalised words, is the name of a movie: "Without a Clue" is
    one that many catalogues lack. Denied genres are wishes all the same.
    """
    goes_on = end < len(reading) and not reading.used[end] and not reading.breaks[end - 1]
    if goes_on and end - i > 1 and titles.begins(reading.written(i, end + 1)):
        return True
    if i or end < len(reading) or genres.denied(reading.phrase(1, end)):
        return False
    is_long = sum(map(len, reading.keys)) >= _LEAST_BEGINNING
    return reading.is_named() or (is_long and titles.begins(reading.text))


def _audience_end(reading: Reading, first: int) -> int:
    """Where "for kids" ends that stands here; 0 when it does not."""
    for length in range(min(4, len(reading) - first), 1, -1):
        if reading.phrase(first, first + length) in AUDIENCES:
            return first + length
    return 0


def _is_exclusion(reading: Reading, i: int, first: int, genres: GenreReader) -> bool:
    """Whether the words around a negation allow that it states a wish."""
    if reading.topic[i] and reading.key(i) != "but":
        return False
    if reading.starts_at(i) or reading.key(i) in {"but", "and", "that", "which"}:
        previous = reading.key(i - 1) if i else ""
        is_clause = reading.key(i) in {"that", "which"}
        return not (is_clause and previous in PEOPLE)
    at, has = i - 1, reading.key(i) == "with"
    if reading.key(at) in {"with", "has", "have", "having"}:
        at, has = at - 1, True
    before = reading.key(at)
    if has and reading.key(at - 1) in ARTICLES and before not in KINDS and not genres.of(before):
        return False  # "a man with no name"
    if before in PEOPLE or before in _VERBS_BEFORE:
        return False
    if reading.phrase(i, first) in {"never", "less", "hate", "nothing", "free of", "nor"}:
        return reading.phrase(i, first) in {"less", "free of"} and before not in {"more", "no"}
    return True


def _is_denied(reading: Reading, start: int, first: int) -> bool:
    """Whether what follows a negation can be excluded."""
    word = reading.key(start)
    if not word or reading.used[start] or word in _ENDS:
        return False
    if word in _TRAPS and not (start > first and word == "long"):
        return False
    trigger = reading.key(first - 1)
    if trigger == "not" and reading.key(first) in {"all", "every", "another"}:
        return False
    if reading.phrase(start - 1, start + 1) in _WISHES_OF_DEGREE and trigger in _DEGREES:
        return False
    is_verb = word.isalpha() and word.endswith("s")
    if trigger in {"nothing", "never"} and is_verb and not word.endswith(("ss", "us")):
        return reading.key(start - 1) in {"with", "about", "of"}
    is_participle = word.endswith("ing") and trigger in {"without", "not"} and start == first
    return not is_participle or word in _ADJECTIVES_IN_ING


_ADJECTIVES_IN_ING = frozenset((
    "boring", "depressing", "terrifying", "disturbing", "confusing", "shocking", "upsetting",
    "disgusting", "frightening", "annoying", "heartbreaking", "sickening", "exhausting", "singing",
    "dancing", "fighting", "swearing", "killing", "cursing", "kissing", "shooting", "crying",
    "demanding", "challenging", "cloying", "horrifying", "unsettling", "subtitling", "smoking",
))  # fmt: skip


def _scope_end(reading: Reading, start: int, trigger: str, *, at_start: bool) -> int:
    end = start
    while end < len(reading) and not reading.used[end]:
        word = reading.key(end)
        if word == "and" and reading.key(end - 1) == "black" and reading.key(end + 1) == "white":
            end += 1
        elif word == "and" and end > start:
            if trigger not in _NOUN_TRIGGERS and trigger not in {"the", "any", "much"}:
                break
            if reading.key(end + 1) in _POSITIVE or not reading.ends_at(end + 2):
                break
        elif word in _ENDS and end > start and not (at_start and word in {"from", "with", "by"}):
            break
        end += 1
        if reading.breaks[end - 1]:
            break
    return end


def _exclude(reading: Reading, start: int, end: int, genres: GenreReader) -> None:
    """Exclude genres and avoid the rest of what is denied."""
    whole = genres.denied(reading.phrase(start, end))
    if whole:
        _add(reading.genres_none, whole)
        return
    avoided: list[str] = []
    piece = start
    for i in range(start, end + 1):
        if i < end and reading.key(i) not in {"or", "and", "nor"}:
            continue
        if piece < i:
            excluded = genres.denied(reading.phrase(piece, i))
            _add(reading.genres_none, excluded)
            if not excluded:
                avoided.append(reading.written(piece, i))
        piece = i + 1
    if len(avoided) > 1 and not reading.genres_none:
        avoided = [reading.written(start, end).replace(" nor ", " or ")]
    _add(reading.avoid, tuple(avoided))


def _add(phrases: list[str], new: tuple[str, ...]) -> None:
    phrases += [each for each in new if each not in phrases]
