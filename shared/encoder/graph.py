"""An opened graph: rows of token ids in, rows of vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import openvino as ov

from shared.encoder.layout import (
    PACKED_INPUTS,
    Layout,
    one_a_row,
    packed_inputs,
    plain_inputs,
)
from shared.encoder.precision import PassagePrecision
from shared.system.memory import forget_pages

Vectors = npt.NDArray[np.float32]


class Graph:
    """A graph on the CPU, in OpenVINO. Not for several threads at once.

    Attributes:
        packs: Whether a row may hold several texts.
    """

    def __init__(
        self, core: ov.Core, path: Path, *, precision: PassagePrecision, threads: int
    ) -> None:
        """Open a graph.

        Args:
            core: OpenVINO.
            path: Its ``.xml``; the weights lie beside it in ``.bin``.
            precision: Arithmetic of what the graph does not itself have in int8.
            threads: Threads of one inference; 1 for single queries.
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
        # The first inference brings the weights into the CPU's precision and order, in memory of
        # the graph's own; what was read of the file is not needed any more.
        self.infer([[1, 1]], one_a_row([2], width=2))
        forget_pages(path.with_suffix(".bin"))

    def infer(self, ids: Sequence[Sequence[int]], layout: Layout) -> Vectors:
        """Unit rows, float32, shape ``(len(ids), dim)``.

        Args:
            ids: Token ids of each text, special tokens among them.
            layout: Where they lie; one a row, unless the graph packs.
        """
        self._request.infer((packed_inputs if self.packs else plain_inputs)(ids, layout))
        output = np.asarray(self._request.get_output_tensor().data, dtype=np.float32)
        # The graph normalises in its own precision; bf16 leaves norms off by up to 1e-3.
        unit: Vectors = output / np.linalg.norm(output, axis=1, keepdims=True)
        return unit
