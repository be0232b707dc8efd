"""The page ``docs/fit-figures.md``: how the fitted numbers hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from services.evaluation.fitting.judged_hits import SHARES, JudgedHits
from services.evaluation.fitting.reliability import Reliability
from shared.retrieval.fit.calibration import Calibration
from shared.retrieval.fit.signals import Signals

_HEAD = """# How well `fit` holds

Written by `python -m services.evaluation.fitting`, which fits the numbers;
[decision 51](decisions/0051-fit.md) says what it does. The fit of each hit is predicted by numbers
that were fitted without its query ({folds} folds), in the first ten hits of {queries} queries.

![Share of accepted hits by fit](fit-reliability.svg)
"""


def figures_page(
    judged: JudgedHits,
    fits: npt.NDArray[np.float64],
    measured: Reliability,
    liked: Reliability,
    numbers: Calibration,
    folds: int,
) -> str:
    """Write the page.

    Args:
        judged: The judged hits.
        fits: The predicted fit of each hit of a text.
        measured: Their reliability.
        liked: The reliability for liked movies.
        numbers: The fitted numbers.
        folds: Number of folds of the prediction.
    """
    queries = len({(hit.catalogue, hit.query) for hit in judged.text})
    weights = ", ".join(
        f"{name} {'-' if name == 'missed' else ''}{getattr(numbers.text, name):.2f}"
        for name in Signals._fields
    )
    parts = [
        _HEAD.format(folds=folds, queries=f"{queries:,}"),
        _agreement("Texts", measured),
        _table(
            ("fit", "hits", "share of all", "mean fit", "accepted"),
            (
                (
                    f"{each.low:.1f} to {each.low + 0.1:.1f}",
                    f"{each.hits:,}",
                    f"{each.weight:.3f}",
                    f"{each.fit:.3f}",
                    f"{each.accepted:.3f}",
                )
                for each in measured.bins
            ),
        ),
        (
            "By family of texts and catalogue; the best fit of a query decides whether a page says "
            "that nothing fits well:\n"
        ),
        _table(
            (
                "texts",
                "counts as",
                "catalogue",
                "queries",
                "mean fit",
                "accepted",
                "best fit of a query: 5 %, 50 %, 95 %",
            ),
            _families(judged, fits),
        ),
        f"Weights, in log-odds: {weights}; intercept {numbers.text.intercept:.2f}.\n",
        "Other reasons, as shares:\n",
        _table(
            ("reason", "hits", "accepted", "by Laplace's rule"),
            (
                _share("the title is exact", judged.exact, numbers.exact_title),
                _share("the title is near", judged.near, numbers.near_title),
                _share("a typed constraint is kept", judged.kept, numbers.kept),
            ),
        ),
        _agreement(
            f"Liked movies ({len(judged.liked):,} pairs; accepted: most genres in common)", liked
        ),
    ]
    return "\n".join(parts)


def _agreement(name: str, measured: Reliability) -> str:
    return (
        f"{name}: expected calibration error {measured.calibration_error:.3f}, "
        f"Brier score {measured.brier:.3f} ({measured.brier_of_mean:.3f} if every fit were the "
        "mean).\n"
    )


def _share(name: str, outcomes: Sequence[bool], number: float) -> tuple[str, ...]:
    accepted = sum(outcomes) / len(outcomes) if outcomes else 0.0
    return (name, f"{len(outcomes):,}", f"{accepted:.3f}", f"{number:.3f}")


def _families(judged: JudgedHits, fits: npt.NDArray[np.float64]) -> Iterable[tuple[str, ...]]:
    weights = judged.weights()
    groups: dict[tuple[str, str], list[int]] = {}
    for number, hit in enumerate(judged.text):
        groups.setdefault((hit.family, hit.catalogue), []).append(number)
    for family in SHARES:
        for (name, catalogue), numbers in sorted(groups.items()):
            if name != family:
                continue
            shares = weights[numbers] / weights[numbers].sum()
            best: dict[str, float] = {}
            for number in numbers:
                query = judged.text[number].query
                best[query] = max(best.get(query, 0.0), float(fits[number]))
            low, middle, high = np.quantile(list(best.values()), (0.05, 0.5, 0.95))
            accepted = shares @ np.array([judged.text[number].accepted for number in numbers])
            yield (
                family, f"{SHARES[family]:.2f}", catalogue, f"{len(best):,}",
                f"{shares @ fits[numbers]:.3f}", f"{accepted:.3f}",
                f"{low:.2f}, {middle:.2f}, {high:.2f}",
            )  # fmt: skip


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
