"""What a run does, and how long it takes its time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

SectionName = Literal["parts", "scale", "http", "overload", "reload", "growth", "pipeline"]
SECTIONS: tuple[SectionName, ...] = get_args(SectionName)
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Plan:
    """What was asked for.

    Attributes:
        data: The folder of real reviews and queries; may be absent.
        work: Kept from one run to the next: environments, catalogues, results.
        rounds: Windows of each contender; all of them take turns.
        seconds: Length of a window under load.
        starts: Cold starts of each server.
        open_shares: Rates of the open loop, as shares of the slowest contender's throughput.
        sizes: Catalogues of the growth section, in movies.
        vectors: Matrices of the scale section, in rows.
        reviews: How many of imdb75k go through the whole system; 0 for all of them.
    """

    data: Path
    work: Path
    sections: Sequence[SectionName] = SECTIONS
    rounds: int = 5
    seconds: float = 6.0
    starts: int = 3
    concurrencies: Sequence[int] = (1, 8, 32)
    open_shares: Sequence[float] = (0.5,)
    sizes: Sequence[int] = (500, 10_000, 100_000)
    vectors: Sequence[int] = (10_000, 100_000, 1_000_000)
    reviews: int = 0
    bulk_texts: int = 2000
    reloads: int = 10


def full(data: Path, work: Path) -> Plan:
    """The plan whose figures go into documents: about an hour and a half, most of it encoding."""
    return Plan(data, work)


def quick(data: Path, work: Path) -> Plan:
    """To see that all of it works, in some minutes; its figures are rough."""
    return Plan(
        data, work, rounds=2, seconds=2.0, starts=1, concurrencies=(1, 8),
        sizes=(500, 10_000), vectors=(10_000, 100_000), reviews=2_500, bulk_texts=300, reloads=3,
    )  # fmt: skip
