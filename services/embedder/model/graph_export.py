"""Exports a sentence-transformers model as one OpenVINO graph, from token ids to unit vectors.

The graph is recorded from the model's own forward pass on example inputs. Where the model allows
it, the graph *packs* (``shared.encoder.layout``): its transformer runs over rows that hold several
texts, and the other modules, pooling among them, get the tokens back with one text in each row, so
that they stay unchanged. A packing graph is kept only if its vectors match the model's; otherwise
the model is exported without packing. torch is imported inside the functions: it is large, and not
needed once an artefact exists.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from services.embedder.model.samples import sample_texts
from shared.encoder.graph import Graph
from shared.encoder.layout import PACKED_INPUTS, PLAIN_INPUTS, packed
from shared.encoder.runtime import ov
from shared.telemetry import get_logger

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

LEAST_COSINE = 0.9999  # in f32, where rounding alone gives .999999
_AFTER_PADDING = {"roberta", "xlm-roberta", "camembert", "mpnet"}
"""Model types whose first position is the padding token's id plus one."""

# Token ids that the smallest vocabulary has: only the shapes matter, not the words.
_PLAIN_EXAMPLE = ([[1, 2, 3, 1], [1, 2, 1, 0]], [[1, 1, 1, 1], [1, 1, 1, 0]])
_PACKED_EXAMPLE = (
    [[1, 2, 3, 1, 2, 1], [1, 2, 1, 0, 0, 0]],
    [[0, 1, 2, 3, 0, 1], [0, 1, 2, 0, 0, 0]],
    [[1, 1, 1, 1, 2, 2], [3, 3, 3, 0, 0, 0]],
    [[0, 1, 2, 3], [4, 5, 0, 0], [6, 7, 8, 0]],
    [[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0]],
)


def load_model(folder: Path, **settings: Any) -> SentenceTransformer:
    """Load a model in sentence-transformers, on the CPU, from safetensors and without its code.

    Args:
        folder: The model's folder.
        **settings: Arguments for its transformer.
    """
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    _be_quiet()
    return SentenceTransformer(
        str(folder), device="cpu", trust_remote_code=False,
        model_kwargs={"use_safetensors": True, **settings},
    ).eval()  # fmt: skip


def write_graph(model: SentenceTransformer, target: Path) -> None:
    """Export a model and write its graph.

    Args:
        model: The model, loaded with ``attn_implementation="eager"``, which OpenVINO knows best.
        target: The ``.xml`` file; the weights are written beside it as ``.bin``.

    Raises:
        OSError: The files cannot be written.
    """
    transformer: Any = model[0]
    config = transformer.model.config
    first = first_position(config.model_type, config.pad_token_id)
    if first is not None:
        try:
            graph = _exported(_packing(model, first), PACKED_INPUTS, _PACKED_EXAMPLE)
            ov.save_model(graph, str(target), compress_to_fp16=False)
            cosine = _least_cosine(model, target)
        except RuntimeError as error:  # raised by torch and by OpenVINO
            get_logger().warning("packing unavailable", error=str(error).partition("\n")[0])
        else:
            if cosine >= LEAST_COSINE:
                return
            get_logger().warning("packing refused: vectors differ", least_cosine=cosine)
    graph = _exported(_plain(model), PLAIN_INPUTS, _PLAIN_EXAMPLE)
    ov.save_model(graph, str(target), compress_to_fp16=False)


def first_position(model_type: str | None, pad_token_id: int | None) -> int | None:
    """Return the position id of a text's first token; None for a model type that cannot pack.

    Args:
        model_type: The ``model_type`` in the model's configuration.
        pad_token_id: Id of its padding token.
    """
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
            same_text = segment_ids.unsqueeze(1) == segment_ids.unsqueeze(2)
            features = {
                "input_ids": input_ids,
                "position_ids": position_ids + first_position,
                # A mask of four dimensions is added to the attention scores unchanged.
                "attention_mask": torch.where(same_text, 0.0, torch.finfo(torch.float32).min)[
                    :, None
                ],
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


def _exported(module: Any, inputs: Sequence[str], example: Sequence[Any]) -> ov.Model:
    import torch  # noqa: PLC0415

    example_input = dict(zip(inputs, map(torch.tensor, example), strict=True))
    with torch.inference_mode(), warnings.catch_warnings():
        # The export warns of shape checks that it freezes; the parity test covers other shapes.
        warnings.simplefilter("ignore")
        graph = ov.convert_model(module, example_input=example_input)
    graph.reshape({name: ov.PartialShape([-1, -1]) for name in inputs})
    return graph


def _least_cosine(model: SentenceTransformer, path: Path) -> float:
    """Return the least cosine between the graph's and the model's vectors, over packed samples."""
    texts = [text[: 8 * n] for n, text in enumerate(sample_texts("trial.txt"), start=1)]
    expected = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    ids = model.tokenizer(texts, truncation=True, max_length=model.max_seq_length)["input_ids"]
    vectors = Graph(ov.Core(), path, precision="f32", threads=1).infer(
        ids, packed(list(map(len, ids)))
    )
    cosine = float((vectors * expected).sum(axis=1).min())
    return cosine if np.isfinite(cosine) else -1.0


def _be_quiet() -> None:
    """Keep the libraries' progress bars and internal warnings out of the service's logs."""
    from transformers.utils import logging as transformers_logging  # noqa: PLC0415

    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
