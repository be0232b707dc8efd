"""Distinct queries for load tests, made from real ones.

A few hundred judged queries would soon repeat, and a cache would answer them. So after all of them
have been used, halves of different queries are joined: of similar length and with the same words,
but new. The real queries are read from beside the checkout at run time; without them, the titles of
the bundled catalogue are used.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

MAX_CHARS = 512  # the limit of the API


@dataclass(frozen=True)
class QuerySource:
    """Queries, and where they come from."""

    name: str
    texts: Sequence[str]


def read_queries(data: Path, name: str) -> list[str]:
    """Texts of a query set in the BEIR layout; empty when it is missing."""
    try:
        lines = (data / "queries" / name / "queries.jsonl").read_text().splitlines()
    except FileNotFoundError:
        return []
    return [json.loads(line)["text"][:MAX_CHARS] for line in lines]


def distinct(texts: Sequence[str], *, seed: int = 1) -> Iterator[str]:
    """The texts in random order, then joined halves of them, each text once.

    Ends when no new text can be made.
    """
    dealer = random.Random(seed)
    known = set()
    for text in dealer.sample(texts, len(texts)):
        if text not in known:
            known.add(text)
            yield text
    words = [text.split() for text in texts]
    misses = 0
    while misses < 1000:
        first, last = dealer.choice(words), dealer.choice(words)
        text = " ".join(first[: (len(first) + 1) // 2] + last[len(last) // 2 :])[:MAX_CHARS]
        if text in known:
            misses += 1
            continue
        misses = 0
        known.add(text)
        yield text


def take(texts: Sequence[str], count: int, *, seed: int = 1) -> list[str]:
    """``count`` distinct queries, or as many as can be made.

    Raises:
        ValueError: there are no texts.
    """
    if not texts:
        raise ValueError("no queries given")
    return list(islice(distinct(texts, seed=seed), count))
