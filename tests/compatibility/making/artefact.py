"""This step makes the encoder artefact of a tiny model, and records what its vectors are."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from .old import old

MODEL = "tiny-model"
"""The folder of the model, beside the data folder."""
PASSAGE_TOKENS = 16


def make_artefact(data: Path) -> dict[str, Any]:
    """Convert a tiny model with random weights; returns the vectors of a few texts."""
    made = old("tests.support.tiny_models").tiny_model(data.parent / "making")
    model = made.rename(data.parent / MODEL)
    shutil.rmtree(data.parent / "making")
    spec = old("services.embedder.conversion").ensure_artefact(
        data / "snapshots", model=str(model), passage_tokens=PASSAGE_TOKENS
    )
    encoder_id = spec.encoder_id
    module = old("shared.encoder")
    encoder = module.GraphEncoder(
        module.artefact_folder(data / "snapshots", encoder_id), precision="f32"
    )
    texts = ["a quiet film", "loud war and love", "a film and a war and a quiet love and a film"]
    return {
        "encoder_id": encoder_id,
        "passage_tokens": PASSAGE_TOKENS,
        "texts": texts,
        "tokens": encoder.count_tokens(texts),
        "queries": encoder.encode_queries(texts).tolist(),
        "passages": encoder.encode_passages(texts).tolist(),
    }
