"""Exports a sentence-transformers model as one OpenVINO graph, from token ids to unit vectors.

The graph is recorded from the model's own forward pass on example inputs. Where the model allows
it, the graph *packs* (``shared.encoder.layout``): its transformer runs over rows that hold several
texts, and the other modules, pooling among them, get the tokens back with one text in each row, so
that they stay unchanged. A packing graph is kept only if its vectors match the model's; otherwise
the model is exported without packing. torch is imported inside the functions: it is large, and not
needed once an artefact exists.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import Tokenizer

from services.embedder.model.model_files import PACKING_TYPES, ModelInvalid, first_position
from services.embedder.model.samples import sample_texts
from shared.encoder.artefact import EncoderSpec
from shared.encoder.graph import Graph
from shared.encoder.layout import PACKED_INPUTS, PLAIN_INPUTS, one_a_row, packed
from shared.encoder.runtime import ov
from shared.encoder.text_tokens import TextTokens
from shared.telemetry import get_logger

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

LEAST_COSINE = 0.9999  # in f32, where rounding alone gives .999999
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


def write_graph(model: SentenceTransformer, target: Path, spec: EncoderSpec) -> None:
    """Export a model and write its graph.

    Args:
        model: The model, loaded with ``attn_implementation="eager"``, which OpenVINO knows best.
        target: The ``.xml`` file; the weights are written beside it as ``.bin``.
        spec: Which prompts it has, and how many components of its vectors are kept.

    Raises:
        ModelInvalid: The graph does not give the model's vectors.
        OSError: The files cannot be written.
    """
    first: Any = model[0]
    positions = None
    if hasattr(first, "model"):  # not of a table of vectors
        config = first.model.config
        positions = first_position(config.model_type, getattr(config, "pad_token_id", None))
    if positions is not None:
        try:
            graph = _exported(_packing(model, positions, spec.dim), PACKED_INPUTS, _PACKED_EXAMPLE)
            ov.save_model(graph, str(target), compress_to_fp16=False)
            cosine = _least_cosine(model, target, spec)
        except RuntimeError as error:  # raised by torch and by OpenVINO
            get_logger().warning("packing unavailable", error=str(error).partition("\n")[0])
        else:
            if cosine >= LEAST_COSINE:
                return
            get_logger().warning("packing refused: vectors differ", least_cosine=cosine)
    if not spec.pools_prompts and (spec.query_prompt or spec.passage_prompt):
        raise ModelInvalid(
            f"{spec.model} pools texts without their prompts, which can be converted only for "
            f"models of the types {', '.join(PACKING_TYPES)}"
        )
    try:
        make = _plain if hasattr(first, "model") else _static
        graph = _exported(make(model, spec.dim), PLAIN_INPUTS, _PLAIN_EXAMPLE)
        ov.save_model(graph, str(target), compress_to_fp16=False)
        cosine = _least_cosine(model, target, spec)
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise ModelInvalid(f"{spec.model} cannot be converted: {reason}") from error
    if cosine < LEAST_COSINE:
        raise ModelInvalid(
            f"{spec.model} cannot be converted: the graph's vectors differ from the model's (least "
            f"cosine {cosine:.4f})"
        )


def write_tokenizer(model: SentenceTransformer, target: Path) -> None:
    """Write the tokenizer as the model uses it, without padding and truncation.

    Args:
        model: The model.
        target: The ``.json`` file.

    Raises:
        ModelInvalid: There is no fast version of it.
    """
    used: Any = model.tokenizer
    backend = getattr(used, "backend_tokenizer", used)
    if not isinstance(backend, Tokenizer):
        raise ModelInvalid("the model has no fast tokenizer, which is needed")
    copy = Tokenizer.from_str(backend.to_str())
    copy.no_padding()
    copy.no_truncation()
    if not hasattr(model[0], "model"):
        content = json.loads(copy.to_str())
        content["post_processor"] = None  # a table of vectors has none for special tokens
        copy = Tokenizer.from_str(json.dumps(content))
    copy.save(str(target))


def _static(model: SentenceTransformer, dim: int) -> Any:
    import torch  # noqa: PLC0415

    class Static(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            table: Any = model[0]
            others = list(model)[1:]
            rows, width = table.embedding.weight.shape
            self.vectors = torch.nn.Embedding(rows, width, _weight=table.embedding.weight.float())
            self.others = torch.nn.ModuleList(others)

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            mask = attention_mask.unsqueeze(-1).to(torch.float32)
            total = (self.vectors(input_ids) * mask).sum(dim=1)
            features = {"sentence_embedding": total / mask.sum(dim=1).clamp(min=1.0)}
            for module in self.others:
                features = module(features)
            kept = features["sentence_embedding"][:, :dim]
            return torch.nn.functional.normalize(kept, p=2.0, dim=1)

    return Static()


def _plain(model: SentenceTransformer, dim: int) -> Any:
    import torch  # noqa: PLC0415

    class Plain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            kept = self.model(features)["sentence_embedding"][:, :dim]
            return torch.nn.functional.normalize(kept, p=2.0, dim=1)

    return Plain()


def _packing(model: SentenceTransformer, first_position: int, dim: int) -> Any:
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
            kept = features["sentence_embedding"][:, :dim]
            return torch.nn.functional.normalize(kept, p=2.0, dim=1)

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


def _least_cosine(model: SentenceTransformer, path: Path, spec: EncoderSpec) -> float:
    """Return the least cosine between the graph's and the model's vectors, over samples."""
    texts = [text[: 8 * n] for n, text in enumerate(sample_texts("trial.txt"), start=1)]
    tokenizer = path.with_name("trial-tokenizer.json")
    write_tokenizer(model, tokenizer)
    tokens = TextTokens(tokenizer, max_tokens=spec.max_tokens)
    tokenizer.unlink()
    graph = Graph(ov.Core(), path, precision="f32", threads=1)
    least = 1.0
    for prompt in {spec.query_prompt, spec.passage_prompt}:
        expected = model.encode(
            texts, prompt=prompt, normalize_embeddings=True, truncate_dim=spec.dim,
            show_progress_bar=False,
        )  # fmt: skip
        ids = tokens.ids(prompt, texts)
        lengths = [len(row) for row in ids]
        layout = packed(lengths) if graph.packs else one_a_row(lengths, width=max(lengths))
        unpooled = 0 if spec.pools_prompts else tokens.prompt_length(prompt)
        vectors = graph.infer(ids, layout, unpooled=unpooled)
        cosine = float((vectors * expected).sum(axis=1).min())
        least = min(least, cosine if np.isfinite(cosine) else -1.0)
    return least


def _be_quiet() -> None:
    """Keep the libraries' progress bars and internal warnings out of the service's logs."""
    from transformers.utils import logging as transformers_logging  # noqa: PLC0415

    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
