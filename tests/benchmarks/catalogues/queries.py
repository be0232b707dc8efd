"""Queries to load a service with: real ones, and no two alike.

A few hundred judged queries would soon be asked again, and a cache would answer. So when all of
them have been asked, halves of them are put together anew: as long, of the same words, asked by
nobody before. The real ones lie beside the checkout and are read at run time; without them the
bundled catalogue's titles are asked for.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

MAX_CHARS = 512  # the API's


@dataclass(frozen=True)
class QuerySource:
    """Where queries came from, and they themselves."""

    name: str
    texts: Sequence[str]


def read_queries(data: Path, name: str) -> list[str]:
    """Texts of a query set in BEIR's layout; none when it is not there."""
    try:
        lines = (data / "queries" / name / "queries.jsonl").read_text().splitlines()
    except FileNotFoundError:
        return []
    return [json.loads(line)["text"][:MAX_CHARS] for line in lines]


def distinct(texts: Sequence[str], *, seed: int = 1) -> Iterator[str]:
    """The texts in random order, then halves of them put together, each text once.

    Ends when no new one is found any more.
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
        raise ValueError("no queries to begin with")
    return list(islice(distinct(texts, seed=seed), count))
