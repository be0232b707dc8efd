"""A sentence-transformers model as one OpenVINO graph, from its token ids to unit vectors.

The graph is the trace of the model's own forward pass. Where the model bears it, the graph *packs*
(``shared.encoder.layout``): its transformer runs over rows that hold several texts, and its other
modules, pooling among them, get the tokens back one text a row, so that they are the model's own.
A graph that packs is kept only if its vectors are those of the model, else it is traced as it is.
torch is imported here only: it is heavy, and not needed once an artefact exists.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino as ov

from services.embedder.model.samples import sample_texts
from shared.encoder.graph import Graph
from shared.encoder.layout import PACKED_INPUTS, PLAIN_INPUTS, packed
from shared.telemetry import get_logger

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

LEAST_COSINE = 0.9999  # in f32: rounding alone leaves .999999
_AFTER_PADDING = {"roberta", "xlm-roberta", "camembert", "mpnet"}
"""Models whose first position is the one after the padding token's id."""

# Ids that the smallest vocabulary has; a trace is of shapes, not of words.
_PLAIN_EXAMPLE = ([[1, 2, 3, 1], [1, 2, 1, 0]], [[1, 1, 1, 1], [1, 1, 1, 0]])
_PACKED_EXAMPLE = (
    [[1, 2, 3, 1, 2, 1], [1, 2, 1, 0, 0, 0]],
    [[0, 1, 2, 3, 0, 1], [0, 1, 2, 0, 0, 0]],
    [[1, 1, 1, 1, 2, 2], [3, 3, 3, 0, 0, 0]],
    [[0, 1, 2, 3], [4, 5, 0, 0], [6, 7, 8, 0]],
    [[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0]],
)


def load_model(folder: Path, **settings: Any) -> SentenceTransformer:
    """A model's folder in sentence-transformers, on the CPU; only safetensors, no code of its own.

    Args:
        folder: The model's.
        **settings: For its transformer.
    """
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    _be_quiet()
    return SentenceTransformer(
        str(folder), device="cpu", trust_remote_code=False,
        model_kwargs={"use_safetensors": True, **settings},
    ).eval()  # fmt: skip


def write_graph(model: SentenceTransformer, target: Path) -> None:
    """Trace a model and write its graph.

    Args:
        model: Loaded with ``attn_implementation="eager"``, whose trace the runtime knows best.
        target: The ``.xml``; the weights come beside it in ``.bin``.

    Raises:
        OSError: it cannot be written.
    """
    transformer: Any = model[0]
    config = transformer.model.config
    first = first_position(config.model_type, config.pad_token_id)
    if first is not None:
        try:
            graph = _traced(_packing(model, first), PACKED_INPUTS, _PACKED_EXAMPLE)
            ov.save_model(graph, str(target), compress_to_fp16=False)
            cosine = _least_cosine(model, target)
        except RuntimeError as error:  # what torch and the runtime raise
            get_logger().warning("texts cannot share rows", error=str(error).partition("\n")[0])
        else:
            if cosine >= LEAST_COSINE:
                return
            get_logger().warning("texts cannot share rows: other vectors", least_cosine=cosine)
    graph = _traced(_plain(model), PLAIN_INPUTS, _PLAIN_EXAMPLE)
    ov.save_model(graph, str(target), compress_to_fp16=False)


def first_position(model_type: str | None, pad_token_id: int | None) -> int | None:
    """The position of a text's first token; None for a model that is not known to pack."""
    if model_type == "bert":
        return 0
    if model_type in _AFTER_PADDING and pad_token_id is not None:
        return pad_token_id + 1
    return None


def _plain(model: SentenceTransformer) -> Any:
    import torch  # noqa: PLC0415

    class Plain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            output = self.model(features)["sentence_embedding"]
            return torch.nn.functional.normalize(output, p=2.0, dim=1)

    return Plain()


def _packing(model: SentenceTransformer, first_position: int) -> Any:
    import torch  # noqa: PLC0415

    class Packing(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer, *others = model
            self.others = torch.nn.ModuleList(others)

        def forward(
            self, input_ids: Any, position_ids: Any, segment_ids: Any,
            token_places: Any, attention_mask: Any,
        ) -> Any:  # fmt: skip
            own = segment_ids.unsqueeze(1) == segment_ids.unsqueeze(2)
            features = {
                "input_ids": input_ids,
                "position_ids": position_ids + first_position,
                # With four dimensions it is added to the attention as it is.
                "attention_mask": torch.where(own, 0.0, torch.finfo(torch.float32).min)[:, None],
            }
            tokens = self.transformer(features)["token_embeddings"]
            features = {
                "token_embeddings": tokens.reshape(-1, tokens.shape[-1])[token_places],
                "attention_mask": attention_mask,
            }
            for module in self.others:
                features = module(features)
            return torch.nn.functional.normalize(features["sentence_embedding"], p=2.0, dim=1)

    return Packing()


def _traced(module: Any, inputs: Sequence[str], example: Sequence[Any]) -> ov.Model:
    import torch  # noqa: PLC0415

    given = dict(zip(inputs, map(torch.tensor, example), strict=True))
    with torch.inference_mode(), warnings.catch_warnings():
        # The trace warns of shape checks that it freezes; the parity test covers other shapes.
        warnings.simplefilter("ignore")
        graph = ov.convert_model(module, example_input=given)
    graph.reshape({name: ov.PartialShape([-1, -1]) for name in inputs})
    return graph


def _least_cosine(model: SentenceTransformer, path: Path) -> float:
    """Between the graph's vectors and the model's, over texts of many lengths in common rows."""
    texts = [text[: 8 * n] for n, text in enumerate(sample_texts("trial.txt"), start=1)]
    expected = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    ids = model.tokenizer(texts, truncation=True, max_length=model.max_seq_length)["input_ids"]
    found = Graph(ov.Core(), path, precision="f32", threads=1).infer(
        ids, packed(list(map(len, ids)))
    )
    cosine = float((found * expected).sum(axis=1).min())
    return cosine if np.isfinite(cosine) else -1.0


def _be_quiet() -> None:
    """Keep the libraries' progress bars and remarks about their own parts out of our logs."""
    from transformers.utils import logging as transformers_logging  # noqa: PLC0415

    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
