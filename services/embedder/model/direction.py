"""The common direction of an encoder's passages: how it is fitted, and the ones we ship.

``shared.encoder`` says what it is and how it is applied. A shipped direction is a file of
2 x dim numbers named after the model's weights, so it can never be applied to another model; a
model without one simply keeps its vectors as they are. ``services.embedder.model.fit_direction`` is
the command that fits one from reviews; ``docs/decisions/0005-common-direction.md`` has the figures.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np

from shared.encoder import Vectors


def find_direction(weights_sha256: str) -> Path | None:
    """The shipped direction of the model with these weights, if there is one."""
    path = Path(str(resources.files("services.embedder.model") / "directions")) / file_name(
        weights_sha256
    )
    return path if path.is_file() else None


def fit_direction(vectors: Vectors) -> Vectors:
    """Mean and first principal component of passage vectors.

    Args:
        vectors: Unit rows, float32, shape ``(n, dim)``, n of some hundreds at least; encoded
            without any direction removed.

    Returns:
        float32, shape ``(2, dim)``.
    """
    mean = vectors.mean(axis=0, dtype=np.float64)
    centred = vectors - mean
    _, axes = np.linalg.eigh(centred.T @ centred)  # ascending eigenvalues
    component = axes[:, -1]
    component *= np.sign(component[np.argmax(np.abs(component))])  # one of the two signs, always
    return np.stack([mean, component]).astype(np.float32)


def file_name(weights_sha256: str) -> str:
    """Name of the direction's file for the model with these weights."""
    return f"{weights_sha256[:16]}.npy"
