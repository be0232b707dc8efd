"""The int8 graph of an artefact, which encodes queries: made, tried, and kept if it is true.

Every product with constant weights gets 8-bit weights, one scale a row, and 8-bit inputs, one range
for all, found by running the bundled calibration texts through the graph. A few inputs of a
transformer are many times larger than the rest and would spoil that range: so each input is first
divided by a factor that its weights take up ("SmoothQuant": Xiao et al., ICML 2023). All else,
attention among it, stays in f32.

A graph whose vectors are not near the model's on other bundled texts is not kept, and queries stay
in the precision of the passages.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import openvino as ov
from openvino import opset13 as ops
from tokenizers import Tokenizer

from services.embedder.model.samples import sample_texts
from shared.encoder import ArtefactSpec, has_vnni
from shared.encoder.artefact import (
    GRAPH,
    QUERY_GRAPH,
    QUERY_GRAPH_WEIGHTS,
    SPEC,
    TOKENIZER,
)
from shared.encoder.graph import Graph
from shared.encoder.layout import PACKED_INPUTS, one_a_row, packed_inputs, plain_inputs
from shared.snapshot.storage.verify import describe_file
from shared.system.fsync import fsync_file, fsync_folder, rename
from shared.telemetry import get_logger

LEAST_COSINE = 0.98
# How much of an outlier the weights take up: 0 nothing, 1 all. .8 kept vectors nearest of .5 to .9.
SMOOTHING = 0.8
_TINY = 1e-5

Array = npt.NDArray[np.float32]


def with_int8(folder: Path, artefact: ArtefactSpec) -> ArtefactSpec:
    """Make and try the int8 graph of an artefact that has none; the folder stays valid throughout.

    The files come first and the spec last, each by renaming. On a CPU without VNNI nothing is
    tried: its int8 is not what others compute. An embedder that has it does so at its next start.

    Args:
        folder: Of the artefact; its graph and tokenizer are there.
        artefact: Its spec.

    Returns:
        The spec as it is now written, if anything was tried.

    Raises:
        OSError: the folder cannot be written.
    """
    if artefact.int8_cosine is not None or not has_vnni():
        return artefact
    with tempfile.TemporaryDirectory(prefix=".staging-", dir=folder) as scratch:
        staging = Path(scratch)
        cosine = make_int8(folder, staging, max_tokens=artefact.encoder.max_tokens)
        names = [QUERY_GRAPH, QUERY_GRAPH_WEIGHTS] if cosine >= LEAST_COSINE else []
        facts = {"model": artefact.encoder.model, "least_cosine": round(cosine, 4)}
        if names:
            get_logger().info("queries can be encoded in int8", **facts)
        else:
            get_logger().error(
                "int8 is refused for this model: it changes its vectors",
                **facts,
                least=LEAST_COSINE,
            )
        files = {name: describe_file(staging / name) for name in names}
        found = artefact.model_copy(
            update={"files": artefact.files | files, "int8_cosine": round(cosine, 4)}
        )
        (staging / SPEC).write_text(found.model_dump_json(indent=1))
        for name in (*names, SPEC):
            fsync_file(staging / name)
            rename(staging / name, folder / name)
        fsync_folder(folder)
    return found


def make_int8(folder: Path, target: Path, *, max_tokens: int) -> float:
    """Write the int8 graph of an artefact's graph; returns the least cosine between their vectors.

    Args:
        folder: The artefact's.
        target: Folder of the new files.
        max_tokens: Longer texts are cut.
    """
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()

    def samples(name: str) -> list[list[int]]:
        return [tokenizer.encode(text).ids for text in sample_texts(name)]

    core = ov.Core()
    model = core.read_model(folder / GRAPH)
    ranges = _input_ranges(core, core.read_model(folder / GRAPH), samples("calibration.txt"))
    for linear in _linears(model):
        _quantise(linear, ranges[linear.source])
    ov.save_model(model, str(target / QUERY_GRAPH), compress_to_fp16=False)
    plain, int8 = (
        _vectors(Graph(core, path, precision="f32", threads=1), samples("trial.txt"))
        for path in (folder / GRAPH, target / QUERY_GRAPH)
    )
    cosines = (plain * int8).sum(axis=1)
    return float(cosines.min()) if np.isfinite(cosines).all() else -1.0


@dataclass(frozen=True, eq=False)
class _Linear:
    """The products of one input with constant weights, ``(outputs, inputs)`` each."""

    source: str
    products: list[ov.Node] = field(default_factory=list)

    def weights(self) -> list[Array]:
        return [product.input_value(1).get_node().data for product in self.products]


@dataclass(frozen=True)
class _Range:
    """Least and greatest value that each of an input's numbers took, shape ``(inputs,)``."""

    low: Array
    high: Array


def _linears(model: ov.Model) -> list[_Linear]:
    """By input, so that one that several products share is quantised once."""
    found: dict[str, _Linear] = {}
    for node in model.get_ordered_ops():
        if node.get_type_name() != "MatMul":
            continue
        source, weights = node.input_value(0), node.input_value(1).get_node()
        form = node.get_attributes()
        if (
            weights.get_type_name() == "Constant"
            and len(weights.shape) == 2
            and form["transpose_b"]
            and not form["transpose_a"]
        ):
            name = f"{source.get_node().get_friendly_name()}:{source.get_index()}"
            found.setdefault(name, _Linear(name)).products.append(node)
    return list(found.values())


def _input_ranges(
    core: ov.Core, model: ov.Model, samples: Iterable[Sequence[int]]
) -> dict[str, _Range]:
    """What the inputs of the products are over the samples; changes the model."""
    linears = _linears(model)
    inputs = packed_inputs if len(model.inputs) == len(PACKED_INPUTS) else plain_inputs
    model.add_outputs([linear.products[0].input_value(0) for linear in linears])
    request = core.compile_model(
        model, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    ).create_infer_request()
    ranges: dict[str, _Range] = {}
    for ids in samples:
        request.infer(inputs([ids], one_a_row([len(ids)], width=len(ids))))
        for n, linear in enumerate(linears, start=1):
            values = request.get_output_tensor(n).data
            values = values.reshape(-1, values.shape[-1])
            low, high = values.min(axis=0), values.max(axis=0)
            known = ranges.get(linear.source)
            if known is not None:
                low, high = np.minimum(low, known.low), np.maximum(high, known.high)
            ranges[linear.source] = _Range(low, high)
    return ranges


def _quantise(linear: _Linear, known: _Range) -> None:
    """Put 8-bit products in the place of a graph's."""
    weights = linear.weights()
    factors = _smoothing_factors(weights, known)
    low, high = _range_with_zero(known.low / factors, known.high / factors)
    smoothed = ops.multiply(linear.products[0].input_value(0), _constant(1 / factors))
    bounds = _constant(low), _constant(high)
    source = ops.fake_quantize(smoothed, *bounds, *bounds, 256)
    for product, own in zip(linear.products, weights, strict=True):
        scaled = own * factors
        step = np.maximum(np.abs(scaled).max(axis=1, keepdims=True) / 127, 1e-12)
        rounded = np.clip(np.round(scaled / step), -127, 127).astype(np.int8)
        restored = ops.fake_quantize(
            ops.convert(ops.constant(rounded), "f32"), _constant(-127), _constant(127),
            _constant(-127 * step), _constant(127 * step), 255,
        )  # fmt: skip
        quantised = ops.matmul(source, restored, transpose_a=False, transpose_b=True)
        quantised.set_friendly_name(product.get_friendly_name())
        product.output(0).replace(quantised.output(0))


def _smoothing_factors(weights: Sequence[Array], known: _Range) -> Array:
    """What each number of an input is divided by, its weights multiplied: their mean is 1."""
    inputs = np.maximum(np.maximum(np.abs(known.low), np.abs(known.high)), _TINY)
    largest = np.max([np.abs(own).max(axis=0) for own in weights], axis=0)
    factors = inputs**SMOOTHING / np.maximum(largest, _TINY) ** (1 - SMOOTHING)
    return np.asarray(factors / np.exp(np.log(factors).mean()), np.float32)


def _range_with_zero(low: Array, high: Array) -> tuple[float, float]:
    """The range of 256 steps over all values in which 0 is exactly one of them."""
    least, most = min(0.0, float(low.min())), max(0.0, float(high.max()), _TINY)
    step = (most - least) / 255
    below = round(-least / step)
    return -below * step, (255 - below) * step


def _vectors(graph: Graph, samples: Sequence[Sequence[int]]) -> Array:
    return np.concatenate(
        [graph.infer([ids], one_a_row([len(ids)], width=len(ids))) for ids in samples]
    )


def _constant(value: npt.ArrayLike) -> ov.Node:
    return ops.constant(np.asarray(value, dtype=np.float32))
