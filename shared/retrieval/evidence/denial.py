"""Which words of a text are denied in it: "hardly relaxing", "nothing scary about it". Pure.

Rules for English: a word of denial reaches over the words behind it, to the end of its clause. They
would rather find a denial too many than miss one, because another passage of the movie is shown
instead. A text without words of denial denies nothing, and so does one in another language.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Container, Iterable, Sequence
from collections.abc import Set as AbstractSet

from shared.retrieval.evidence.families import family
from shared.retrieval.evidence.negators import (
    ABSENT,
    AFFIRMED,
    ANSWERS,
    CLAUSE_STARTS,
    ENDS,
    FAR,
    HERE,
    LACKING,
    MOST_WORDS,
    NEAR,
    PLACES,
    REACH,
    SUPERLATIVES,
    UNSURPASSED,
    USUAL,
)

_TOKEN = re.compile(r"so-called|[^\W_]+(?:['’][^\W_]+)*|--|[.!?;:,()–—\n…*]")
_STOPS = frozenset((".", "!", "?", ";", ":", "(", ")", "–", "—", "--", "\n", "…", "*"))
_COMMON = frozenset(("has", "had", "with", "very", "so", "there", "there's", "offers"))
_TOO = frozenset(("too",))
_CUES = _TOO | frozenset(
    words[-1] if words[0] in _COMMON else words[0] for words in map(str.split, REACH)
)
_AFFIRMED: dict[str, list[tuple[str, ...]]] = {}
for _phrase in AFFIRMED:
    _AFFIRMED.setdefault(_phrase[0], []).append(_phrase)
_ANY_CUE = _CUES | {*ABSENT, "than"}
_WINDOW = NEAR + MOST_WORDS
"""How many words before a denied one its denial may begin; commas are no words here."""
_WORDS_BEFORE = 2
"""How many words of a phrase may come before its cue: "there is little", "last but not"."""
_TO_BE = frozenset(("is", "was", "are", "were", "be", "been", "seems", "seemed"))


def tokens_of(text: str) -> list[str]:
    """The words of a plain text, and the punctuation that parts its clauses."""
    return _TOKEN.findall(text)


def may_deny(text: str, words: Sequence[str], asked: Container[str]) -> bool:
    """Whether a text may deny one of some words: a fast first look."""
    if "n't" not in text and _ANY_CUE.isdisjoint(words):
        return False
    for at, word in enumerate(words):
        if word in asked:
            about = words[max(0, at - _WINDOW) : at + 4]
            if not _ANY_CUE.isdisjoint(about) or any(each[-3:] == "n't" for each in about):
                return True
    return False


def denies(
    tokens: Sequence[str], families: AbstractSet[str], near: AbstractSet[str] = frozenset()
) -> bool:
    """Whether a text denies a word of some families.

    Args:
        tokens: The text.
        families: Families of words.
        near: Families that are used for them; a denial of these counts unless a word of
            ``families`` itself is said: "I don't like comedies, but this is funny".
    """
    is_said = is_near_denied = False
    sentence, reached = range(0), list[bool]()
    for at, member in enumerate(map(family, tokens)):
        is_near = member in near
        if not is_near and member not in families:
            continue
        if at not in sentence:
            sentence = _sentence_at(tokens, at)
            reached = within_denial(tokens[sentence.start : sentence.stop])
        is_denied = (
            reached[at - sentence.start] or _is_denied_behind(tokens, at) or _is_outdone(tokens, at)
        )
        if is_near:
            is_near_denied = is_near_denied or is_denied
        elif is_denied:
            return True
        else:
            is_said = True
    return is_near_denied and not is_said


def has_opposite(words: Iterable[str], families: AbstractSet[str]) -> bool:
    """Whether a word is the opposite of a family by its form: "unfunny", "humourless"."""
    return any(
        _denies_itself(word, families) for word in words if word[:2] == "un" or word[-4:] == "less"
    )


def _sentence_at(tokens: Sequence[str], at: int) -> range:
    start, end = at, at
    while start and tokens[start - 1] not in _STOPS:
        start -= 1
    while end < len(tokens) and tokens[end] not in _STOPS:
        end += 1
    return range(start, end)


def denied_words(tokens: Sequence[str]) -> set[int]:
    """The positions of the words that a text denies."""
    return {
        at
        for at, is_reached in enumerate(within_denial(tokens))
        if is_reached or _is_denied_behind(tokens, at)
    }


def within_denial(tokens: Sequence[str]) -> list[bool]:
    """Whether each token is within the reach of a denial before it."""
    reached = [False] * len(tokens)
    cues = [at for at, word in enumerate(tokens) if word in _CUES or word[-3:] == "n't"]
    last, negator, begun, at = -1, "", -1, 0
    while at < len(tokens):
        if at > last:  # on to the next denial
            place = bisect_left(cues, at)
            if place == len(cues):
                break
            at = max(at, cues[place] - _WORDS_BEFORE)
        if affirmed := _affirmed_words(tokens, at):
            last = -1
            at += affirmed
        elif denying := _denying_words(tokens, at):
            phrase = " ".join(tokens[at : at + denying])
            if last >= at and phrase in LACKING and negator not in LACKING:
                last = -1  # "not without", "never lacks"
            elif not _is_superlative(tokens, at):
                reach = REACH.get(phrase, FAR)
                last, negator, begun = max(last, at + denying - 1 + reach), phrase, at
            at += denying
        else:
            if _ends_denial(tokens, at):
                last = -1
            elif at <= last:
                praises = negator in UNSURPASSED and at > begun + 1
                reached[at] = not (praises and _is_comparative(tokens, at))
            at += 1
    return reached


def _ends_denial(tokens: Sequence[str], at: int) -> bool:
    word = tokens[at]
    return word in _STOPS or word in ENDS or word in USUAL or _begins_clause(tokens, at)


def _begins_clause(tokens: Sequence[str], at: int) -> bool:
    """Whether a clause begins here to which a denial does not reach."""
    if at + 1 == len(tokens):
        return False
    if tokens[at] in PLACES:
        return tokens[at + 1] not in HERE
    return tokens[at] in {",", "and", "or"} and tokens[at + 1] in CLAUSE_STARTS


def _affirmed_words(tokens: Sequence[str], at: int) -> int:
    for phrase in _AFFIRMED.get(tokens[at], ()):
        if tuple(tokens[at : at + len(phrase)]) == phrase:
            return len(phrase)
    return 0


def _denying_words(tokens: Sequence[str], at: int) -> int:
    """The number of words of the denial that stands here; 0 for none."""
    word = tokens[at]
    if word in _TOO:
        return _too_much_to(tokens, at)
    if word.endswith("n't"):
        return 1
    if word not in _FIRST:
        return 0
    for length in range(MOST_WORDS, 0, -1):
        if " ".join(tokens[at : at + length]) in REACH:
            return length
    return 0


_FIRST = frozenset(phrase.split()[0] for phrase in REACH)


def _too_much_to(tokens: Sequence[str], at: int) -> int:
    """The words of "too slow to be", or of "too little"; 0 for another "too"."""
    if tuple(tokens[at : at + 2]) == ("too", "little"):
        return 2
    for end in (at + 2, at + 3):
        if tokens[end : end + 2] == ["to", "be"]:
            return end + 2 - at
    return 0


def _is_superlative(tokens: Sequence[str], at: int) -> bool:
    """Whether a negator praises: "never laughed so hard"."""
    marks = SUPERLATIVES.get(tokens[at])
    if marks is None:
        return False
    for ahead in range(at + 1, min(len(tokens), at + 1 + FAR)):
        if tokens[ahead] in _STOPS or _begins_clause(tokens, ahead):
            return False
        if tokens[ahead] in marks:
            return True
    return False


def _is_comparative(tokens: Sequence[str], at: int) -> bool:
    token = tokens[at]
    return tokens[at - 1] == "more" or (token.endswith("er") and family(token) != token)


def _is_denied_behind(tokens: Sequence[str], at: int) -> bool:
    """Whether a word is denied by what follows: "the humour is missing", "funny it is not"."""
    after = list(tokens[at + 1 : at + 5])
    if after[:1] == ["?"]:
        return len(after) > 1 and after[1] in ANSWERS
    if after[:1] and after[0] in _TO_BE:
        ahead = after[1:3]
        return any(word in ABSENT for word in ahead) or ahead[:2] == ["nowhere", "to"]
    if after[:1] and after[0] in {"it", "this", "they", "that"} and len(after) > 1:
        if after[1].endswith("n't"):
            return len(after) < 3 or after[2] in _STOPS or after[2] == ","
        return after[2:3] == ["not"] and after[1] in _TO_BE
    return False


def _is_outdone(tokens: Sequence[str], at: int) -> bool:
    """Whether something else is meant rather than a word: "more annoying than funny"."""
    before = list(tokens[max(0, at - 5) : at])
    return before[-1:] == ["than"] and "more" in before[:-2]


def _denies_itself(token: str, families: AbstractSet[str]) -> bool:
    if token.startswith("un") and len(token) > 4:
        return family(token[2:]) in families and family(token) not in families
    if token.endswith("less") and len(token) > 6:
        return family(token[:-4]) in families and family(token) not in families
    return False


def asserted(text: str, words: Iterable[str] = ()) -> list[str]:
    """The words of a plain text that are said without being denied, in order.

    Args:
        text: A query, or a sentence.
        words: More words that count as said.
    """
    tokens = tokens_of(text)
    denied = denied_words(tokens)
    return [*(token for at, token in enumerate(tokens) if at not in denied), *words]
