"""Makes and tests the int8 graph of an artefact, which encodes queries.

Every product with constant weights gets 8-bit weights with one scale for each row, and 8-bit inputs
with one range for all, measured by running the bundled calibration texts through the graph. A few
inputs of a transformer are many times larger than the others and would widen that range too much:
so each input is first divided by a factor that its weights are multiplied by ("SmoothQuant": Xiao
et al., ICML 2023). All other operations, attention among them, stay in f32.

The graph is kept only if its vectors are close to the model's on other bundled texts; otherwise
queries are encoded in the precision of the passages.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
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
from shared.encoder.runtime import ops, ov
from shared.snapshot.storage.verify import describe_file
from shared.system.fsync import fsync_file, fsync_folder, rename
from shared.telemetry import get_logger

LEAST_COSINE = 0.98
# Share of an outlier that moves into the weights, 0 to 1. Of .5 to .9, .8 kept vectors closest.
SMOOTHING = 0.8
_TINY = 1e-5

Array = npt.NDArray[np.float32]


def with_int8(folder: Path, artefact: ArtefactSpec) -> ArtefactSpec:
    """Make and test the int8 graph of an artefact that has none; the folder stays valid throughout.

    The files are renamed into place first, the spec last. On a CPU without VNNI nothing is done,
    because its int8 results differ from other CPUs'; the next start on a CPU with VNNI makes the
    graph.

    Args:
        folder: Folder of the artefact, with its graph and tokenizer.
        artefact: Spec of the artefact.

    Returns:
        The spec, with the result of the test and the new files, if the graph was tested.

    Raises:
        OSError: The folder cannot be written.
    """
    if artefact.int8_cosine is not None or not has_vnni():
        return artefact
    with tempfile.TemporaryDirectory(prefix=".staging-", dir=folder) as scratch:
        staging = Path(scratch)
        cosine = make_int8(folder, staging, max_tokens=artefact.encoder.max_tokens)
        names = [QUERY_GRAPH, QUERY_GRAPH_WEIGHTS] if cosine >= LEAST_COSINE else []
        facts = {"model": artefact.encoder.model, "least_cosine": round(cosine, 4)}
        if names:
            get_logger().info("int8 graph accepted", **facts)
        else:
            get_logger().error(
                "int8 graph refused: vectors differ",
                **facts,
                least=LEAST_COSINE,
            )
        files = {name: describe_file(staging / name) for name in names}
        tested = artefact.model_copy(
            update={"files": artefact.files | files, "int8_cosine": round(cosine, 4)}
        )
        (staging / SPEC).write_text(tested.model_dump_json(indent=1))
        for name in (*names, SPEC):
            fsync_file(staging / name)
            rename(staging / name, folder / name)
        fsync_folder(folder)
    return tested


def make_int8(folder: Path, target: Path, *, max_tokens: int) -> float:
    """Write the int8 version of a graph; returns the least cosine between the vectors of both.

    Args:
        folder: Folder of the artefact.
        target: Folder of the new files.
        max_tokens: Number of tokens to which longer texts are cut.
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
    """The products of one input with constant weights, each of shape ``(outputs, inputs)``."""

    source: str
    products: list[ov.Node] = field(default_factory=list)

    def weights(self) -> list[Array]:
        return [product.input_value(1).get_node().data for product in self.products]


@dataclass(frozen=True)
class _Range:
    """Smallest and largest value of each component of an input, shape ``(inputs,)``."""

    low: Array
    high: Array


def _linears(model: ov.Model) -> list[_Linear]:
    """Group products by their input, so that an input of several products is quantised once."""
    linears: dict[str, _Linear] = {}
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
            linears.setdefault(name, _Linear(name)).products.append(node)
    return list(linears.values())


def _input_ranges(
    core: ov.Core, model: ov.Model, samples: Iterable[Sequence[int]]
) -> dict[str, _Range]:
    """Measure the ranges of the products' inputs over the samples; adds outputs to the model."""
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
    """Replace the products of one input by 8-bit products."""
    weights = linear.weights()
    factors = _smoothing_factors(weights, known)
    low, high = _range_with_zero(known.low / factors, known.high / factors)
    smoothed = ops.multiply(linear.products[0].input_value(0), _constant(1 / factors))
    bounds = _constant(low), _constant(high)
    source = ops.fake_quantize(smoothed, *bounds, *bounds, 256)
    for product, product_weights in zip(linear.products, weights, strict=True):
        scaled = product_weights * factors
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
    """Return the divisors of an input's components, by which its weights are multiplied.

    Their geometric mean is 1.
    """
    inputs = np.maximum(np.maximum(np.abs(known.low), np.abs(known.high)), _TINY)
    largest = np.max([np.abs(matrix).max(axis=0) for matrix in weights], axis=0)
    factors = inputs**SMOOTHING / np.maximum(largest, _TINY) ** (1 - SMOOTHING)
    return np.asarray(factors / np.exp(np.log(factors).mean()), np.float32)


def _range_with_zero(low: Array, high: Array) -> tuple[float, float]:
    """Return a range over all values whose 256 steps include 0 exactly."""
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
