"""The common direction of an encoder's passages: how it is fitted, and the ones we ship.

``shared.encoder`` says what it is and how it is applied. A shipped direction is a file of
2 x dim numbers named after the model's weights, so it can never be applied to another model; a
model without one simply keeps its vectors as they are. ``python -m services.embedder.direction``
fits one from parquet files of reviews; it is stable from some 25 films on, and one fitted on
other films serves as well (``docs/decisions/0005-common-direction.md`` has the figures).
"""

from __future__ import annotations

import argparse
import random
from importlib import resources
from pathlib import Path

import numpy as np

from shared.encoder import GraphEncoder, Vectors, artefact_folder, available_threads
from shared.passages import split


def find_direction(weights_sha256: str) -> Path | None:
    """The shipped direction of the model with these weights, if there is one."""
    path = Path(str(resources.files("services.embedder") / "directions")) / _name(weights_sha256)
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


def _name(weights_sha256: str) -> str:
    return f"{weights_sha256[:16]}.npy"


def main() -> None:
    """Fit the direction of a model from a random sample of reviews."""
    # Kept here because conversion looks directions up in this module.
    from services.embedder.conversion import ensure_artefact  # noqa: PLC0415

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "reviews", nargs="+", help="FILE:COLUMN, a parquet file and its column of review texts"
    )
    parser.add_argument("--sample", type=int, default=1500, help="reviews taken of each file")
    parser.add_argument("--model", default="all-MiniLM-L6-v2")
    parser.add_argument("--passage-tokens", type=int, default=64)
    parser.add_argument("--store", type=Path, default=Path("data/snapshots"))
    parser.add_argument("--out", type=Path, required=True, help="folder for the .npy file")
    arguments = parser.parse_args()

    import pyarrow.parquet as pq  # noqa: PLC0415 - only this command reads parquet

    spec = ensure_artefact(
        arguments.store, model=arguments.model, passage_tokens=arguments.passage_tokens,
        with_direction=False,
    )  # fmt: skip
    encoder = GraphEncoder(
        artefact_folder(arguments.store, spec.encoder_id), threads=available_threads(),
        precision="f32",
    )  # fmt: skip
    passages = []
    for source in arguments.reviews:
        path, _, column = source.rpartition(":")
        texts = pq.read_table(path, columns=[column])[0].to_pylist()
        sample = random.Random(0).sample(texts, min(arguments.sample, len(texts)))  # noqa: S311
        spans = split(sample, encoder.count_tokens, spec.passage_tokens)
        passages.append(
            [t[slice(*s)] for t, found in zip(sample, spans, strict=True) for s in found]
        )
    # As many passages of each, so that no collection's habits dominate.
    fewest = min(len(own) for own in passages)
    chosen = [text for own in passages for text in own[:fewest]]
    np.save(
        arguments.out / _name(spec.weights_sha256),
        fit_direction(encoder.encode_passages(chosen)),
    )


if __name__ == "__main__":
    main()
