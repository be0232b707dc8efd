"""The plan of a run: which sections, and how long they measure. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

SectionName = Literal[
    "parts",
    "scale",
    "http",
    "overload",
    "fairness",
    "reload",
    "growth",
    "popular",
    "pipeline",
]
SECTIONS: tuple[SectionName, ...] = get_args(SectionName)
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Plan:
    """The options of a run.

    Attributes:
        data: The folder of real reviews and queries; it may be missing.
        work: The folder for environments, catalogues and results, kept between runs.
        sections: The sections to run.
        rounds: Number of windows of each contender; the contenders take turns.
        seconds: Length of a window under load.
        starts: Number of cold starts of each server.
        concurrencies: Concurrencies of the closed loops.
        open_shares: Rates of the open loop, as shares of the slowest contender's throughput.
        sizes: Numbers of movies of the growth section's catalogues.
        popular: Numbers of movies, and of reviews of the most popular one.
        vectors: Numbers of rows of the scale section's matrices.
        reviews: Number of imdb75k reviews that are crawled; 0 for all of them.
        bulk_texts: Number of passages of the bulk encoding.
        reloads: Number of reloads of the idle service.
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
    popular: tuple[int, int] = (2_000, 10_000)
    vectors: Sequence[int] = (10_000, 100_000, 1_000_000)
    reviews: int = 0
    bulk_texts: int = 2000
    reloads: int = 10


def full(data: Path, work: Path) -> Plan:
    """The plan for published figures: about an hour and a half, most of it encoding."""
    return Plan(data, work)


def quick(data: Path, work: Path) -> Plan:
    """A plan of a few minutes that shows that everything works; its figures are rough."""
    return Plan(
        data, work, rounds=2, seconds=2.0, starts=1, concurrencies=(1, 8),
        sizes=(500, 10_000), popular=(500, 2_000), vectors=(10_000, 100_000), reviews=2_500,
        bulk_texts=300, reloads=3,
    )  # fmt: skip
