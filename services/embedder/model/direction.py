"""The common direction of an encoder's passages: fits one, and finds the shipped ones.

``shared.encoder`` describes what it is and how it is applied. A shipped direction is a file of
2 x dim numbers named after the model's weights, so it can never be applied to another model; a
model without one keeps its vectors unchanged. A fine-tuned model has its own in its folder.
``services.embedder.model.fit_direction`` is the command that fits one from reviews;
``docs/decisions/0005-common-direction.md`` has the figures.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np

from shared.encoder import Vectors

DIRECTION_OF_MODEL = "common_direction.npy"
"""In a model's own folder: its direction, which a fine-tuning has fitted."""


def find_direction(weights_sha256: str, folder: Path | None = None) -> Path | None:
    """Return the file of a model's direction, its own or the shipped one; None if there is none.

    Args:
        weights_sha256: Hash of the model's weights.
        folder: The model's folder.
    """
    if folder is not None and (folder / DIRECTION_OF_MODEL).is_file():
        return folder / DIRECTION_OF_MODEL
    path = Path(str(resources.files("services.embedder.model") / "directions")) / file_name(
        weights_sha256
    )
    return path if path.is_file() else None


def fit_direction(vectors: Vectors) -> Vectors:
    """Fit a common direction: the mean and the first principal component of passage vectors.

    Args:
        vectors: Unit vectors of several hundred passages or more, float32, shape ``(n, dim)``,
            encoded without any direction removed.

    Returns:
        The mean and the component, float32, shape ``(2, dim)``.
    """
    mean = vectors.mean(axis=0, dtype=np.float64)
    centred = vectors - mean
    _, axes = np.linalg.eigh(centred.T @ centred)  # ascending eigenvalues
    component = axes[:, -1]
    component *= np.sign(component[np.argmax(np.abs(component))])  # fixes the sign
    return np.stack([mean, component]).astype(np.float32)


def file_name(weights_sha256: str) -> str:
    """Return the name of the direction's file for the model with these weights."""
    return f"{weights_sha256[:16]}.npy"
