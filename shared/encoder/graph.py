"""A loaded graph: rows of token ids in, rows of vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shared.encoder.layout import (
    PACKED_INPUTS,
    Layout,
    one_a_row,
    packed_inputs,
    plain_inputs,
)
from shared.encoder.precision import PassagePrecision
from shared.encoder.runtime import ov
from shared.system.memory import forget_pages

Vectors = npt.NDArray[np.float32]


class Graph:
    """A graph on the CPU, in OpenVINO. Not thread-safe.

    Attributes:
        packs: Whether a row may hold several texts.
    """

    def __init__(
        self, core: ov.Core, path: Path, *, precision: PassagePrecision, threads: int
    ) -> None:
        """Load a graph.

        Args:
            core: The OpenVINO runtime.
            path: The ``.xml`` file; the weights are beside it as ``.bin``.
            precision: Arithmetic of all operations that the graph does not define in int8.
            threads: Number of threads of one inference; 1 for single queries.
        """
        model = core.read_model(path)
        self.packs = len(model.inputs) == len(PACKED_INPUTS)
        compiled = core.compile_model(
            model,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": precision,
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": 1,
                "PERFORMANCE_HINT": "LATENCY",
                "ENABLE_CPU_PINNING": False,
            },
        )
        self._request = compiled.create_infer_request()
        # The first inference copies the weights into the CPU's precision and order; the pages that
        # were read from the file are not needed any more.
        self.infer([[1, 1]], one_a_row([2], width=2))
        forget_pages(path.with_suffix(".bin"))

    def infer(self, ids: Sequence[Sequence[int]], layout: Layout, *, unpooled: int = 0) -> Vectors:
        """Encode texts to unit vectors.

        Args:
            ids: Token ids of each text, including special tokens.
            layout: Positions of the texts in the rows; one text in each row, unless the graph
                packs.
            unpooled: How many tokens at the beginning of each text are not pooled; only for a graph
                that packs.

        Returns:
            Unit vectors, float32, shape ``(len(ids), dim)``; zeros for a text without any token.
        """
        inputs = packed_inputs(ids, layout, unpooled) if self.packs else plain_inputs(ids, layout)
        self._request.infer(inputs)
        output = np.asarray(self._request.get_output_tensor().data, dtype=np.float32)
        # The graph normalises in its own precision; in bf16 norms are off by up to 1e-3.
        norms = np.linalg.norm(output, axis=1, keepdims=True)
        unit: Vectors = output / np.maximum(norms, np.finfo(np.float32).tiny)
        return unit
