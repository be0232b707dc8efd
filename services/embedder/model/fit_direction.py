"""``python -m services.embedder.model.fit_direction``: fit a model's common direction from reviews.

It takes the same number of passages from each collection of reviews, so that none dominates.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from services.embedder.model.conversion import ensure_artefact
from services.embedder.model.direction import file_name, fit_direction
from shared.encoder import GraphEncoder, artefact_folder, available_threads
from shared.text.passages import split


def main() -> None:
    """Fit the direction of a model from a random sample of reviews."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "reviews", nargs="+", help="FILE:COLUMN, a parquet file and its column of review texts"
    )
    parser.add_argument("--sample", type=int, default=1500, help="reviews sampled from each file")
    parser.add_argument("--model", default="all-MiniLM-L6-v2")
    parser.add_argument("--passage-tokens", type=int, default=64)
    parser.add_argument("--store", type=Path, default=Path("data/snapshots"))
    parser.add_argument("--out", type=Path, required=True, help="folder for the .npy file")
    arguments = parser.parse_args()

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
        spans = split(sample, encoder.count_tokens, encoder.passage_tokens)
        passages.append(
            [
                text[slice(*span)]
                for text, text_spans in zip(sample, spans, strict=True)
                for span in text_spans
            ]
        )
    fewest = min(len(collection) for collection in passages)
    chosen = [text for collection in passages for text in collection[:fewest]]
    np.save(
        arguments.out / file_name(spec.weights_sha256),
        fit_direction(encoder.encode_passages(chosen)),
    )


if __name__ == "__main__":
    main()
