"""Query sets in the form in which people type them: a slip in a word, everything in one box. Pure.

A form makes a set from another one, with the same judgements. The slips are drawn with a fixed
seed, so that the same queries get the same slips on every machine.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from shared.evaluation.query_sets import Query, QuerySet, QuerySetInvalid

SEED = 20261130
LEAST_LETTERS = 4  # a slip in a shorter word often makes another word
_WORD = re.compile(r"[^\W\d_]+")
_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS = {
    key: row[max(place - 1, 0) : place] + row[place + 1 : place + 2]
    for row in _KEYBOARD
    for place, key in enumerate(row)
}


def typed_avoid(query_set: QuerySet) -> QuerySet:
    """The queries with what to avoid written behind their text: "X but not Y".

    Raises:
        QuerySetInvalid: no query has anything to avoid.
    """
    if all(query.avoid is None for query in query_set.queries):
        raise QuerySetInvalid(f"{query_set.name}: no query has anything to avoid")
    return _form(query_set, "typed", _with_avoid_behind)


def one_slip(query_set: QuerySet) -> QuerySet:
    """The queries with one slip each; those that have no word for it are left out."""
    return _form(query_set, "slip", _with_slip)


FORMS: Mapping[str, Callable[[QuerySet], QuerySet]] = {"typed": typed_avoid, "slip": one_slip}


def slipped(text: str, seed: str) -> str | None:
    """A text with one slip in one of its longest words.

    A letter is left out, doubled or hit beside its key, or two neighbours change places. The first
    letter stays, as in most slips that people make.

    Args:
        text: The text of the query as it is in the set.
        seed: Decides the slip.

    Returns:
        The text with the slip; None when no word has ``LEAST_LETTERS`` letters.
    """
    words = [word for word in _WORD.finditer(text) if len(word[0]) >= LEAST_LETTERS]
    if not words:
        return None
    draw = random.Random(seed)  # noqa: S311
    word = draw.choice(words)
    place = draw.randrange(1, len(word[0]))
    slips = _slips(word[0], place)
    return text[: word.start()] + draw.choice(slips) + text[word.end() :]


def _slips(word: str, place: int) -> list[str]:
    """The words that differ from a word by a slip at a place; at least one."""
    before, letter, after = word[:place], word[place], word[place + 1 :]
    slips = [before + after, before + letter + letter + after]
    if place + 1 < len(word):
        slips.append(before + after[0] + letter + after[1:])
    slips += [before + key + after for key in _NEIGHBOURS.get(letter, "")]
    return [slip for slip in slips if slip != word]


def _with_avoid_behind(query: Query) -> Query:
    if query.avoid is None:
        return query
    return replace(query, text=f"{query.text} but not {query.avoid}", avoid=None)


def _with_slip(query: Query) -> Query | None:
    text = slipped(query.text, f"{SEED} {query.query_id}")
    return None if text is None else replace(query, text=text)


def _form(query_set: QuerySet, name: str, typed: Callable[[Query], Query | None]) -> QuerySet:
    queries = tuple(query for query in map(typed, query_set.queries) if query is not None)
    if not queries:
        raise QuerySetInvalid(f"{query_set.name}: none of its queries has the form {name!r}")
    judgements = {query.query_id: query_set.judgements[query.query_id] for query in queries}
    return QuerySet(f"{query_set.name}-{name}", queries, judgements)
