"""What a fine-tuning found, and whether its result may be used. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from services.evaluation.significance import difference

REPORT: Final = "report.json"
LEAST_P: Final = 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """The mean reciprocal ranks (MRR@10) of the same texts before and after, and the difference.

    ``p_value`` is of a paired randomisation test: how often chance alone would differ as much.
    """

    before: float
    after: float
    p_value: float

    @classmethod
    def of(cls, before: Sequence[float], after: Sequence[float]) -> Comparison:
        """Compare the reciprocal ranks of the same texts.

        Args:
            before: With the encoder as it was, a value for each text.
            after: With the tuned one, in the same order.
        """
        gain = difference(after, before)
        return cls(sum(before) / len(before), sum(after) / len(after), gain.p_value)

    @property
    def gain(self) -> float:
        """How much the mean has risen."""
        return self.after - self.before

    def __str__(self) -> str:
        return f"{self.before:.3f} to {self.after:.3f} (p {self.p_value:.3f})"


@dataclass(frozen=True, slots=True)
class TuningReport:
    """All that is known of a fine-tuning; it travels with the model as ``report.json``.

    Attributes:
        base: The model that was tuned.
        base_weights_sha256: The hash of its weights.
        texts_from: Where the texts came from: ``descriptions``, or the name of a file.
        seed: Decided what was kept out, and the order of the training.
        pairs: How many pairs were trained on.
        epochs: How often.
        loss: The mean loss of the last epoch.
        kept_out: How many texts were kept out and searched for.
        movies: How many movies were searched.
        dense: The search by the pooled vectors alone.
        fused: The search as users have it.
        minutes: How long the training and the comparison took.
        cpu_s: The CPU time of both, in seconds.
        peak_mb: The most memory that was used.
        versions: The versions of the libraries.
    """

    base: str
    base_weights_sha256: str
    texts_from: str
    seed: int
    pairs: int
    epochs: int
    loss: float
    kept_out: int
    movies: int
    dense: Comparison
    fused: Comparison
    minutes: float
    cpu_s: float
    peak_mb: int
    versions: dict[str, str]

    @property
    def refusal(self) -> str | None:
        """Why the result should not be used; None if it is better."""
        if self.dense.gain <= 0 or self.dense.p_value >= LEAST_P:
            return f"the search by vectors alone has not become better: {self.dense}"
        if self.fused.gain < 0 and self.fused.p_value < LEAST_P:
            return f"the search as users have it has become worse: {self.fused}"
        return None

    def to_json(self) -> dict[str, Any]:
        """The content of ``report.json``."""
        return {"format_version": 1, **asdict(self), "refusal": self.refusal}

    def lines(self) -> list[str]:
        """The report for people."""
        return [
            f"{self.pairs} pairs of {self.texts_from}, {self.epochs} epochs, seed {self.seed}",
            f"{self.minutes:.1f} min, {self.cpu_s:.0f} CPU s, {self.peak_mb} MB",
            f"on {self.kept_out} texts that were kept out, over {self.movies} movies (MRR@10):",
            f"  by vectors alone    {self.dense}",
            f"  as users search     {self.fused}",
        ]
