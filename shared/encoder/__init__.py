"""The encoder: text to unit vectors, with the same artefact in the embedder and the query service.

The embedder converts a sentence-transformers model, once, into an artefact: a graph that includes
pooling and normalisation, the same graph in int8 for queries, its tokenizer, and a spec. The
artefact is in the snapshot store, in ``encoders/<encoder id>/``; a snapshot names the encoder of
its vectors, and the query service encodes with that artefact. So it needs neither torch nor
transformers, and can never encode with another model than the snapshot's.

The encoder id is a hash of everything that decides a vector: weights, tokenizer, configuration,
lengths and prompts, but not the graphs' bytes, which differ between versions of the converter.

An artefact may hold a *common direction*: the mean of many passages' vectors and the first
principal component about it, which in reviews is the axis from plot to opinion. Both are removed
from every vector of a passage or query before the last normalisation ("all-but-the-top" with one
component: Mu and Viswanath, ICLR 2018). It is fixed with the encoder, so that vectors made at
different times stay comparable.

Embedder, query service and evaluation import this package. Central classes: ``Encoder`` (the
interface) and ``GraphEncoder``.
"""

from shared.encoder.artefact import (
    ArtefactSpec,
    EncoderInvalid,
    EncoderSpec,
    artefact_folder,
    read_artefact,
)
from shared.encoder.graph import Vectors
from shared.encoder.graph_encoder import Encoder, GraphEncoder, remove_direction
from shared.encoder.precision import has_bf16, has_vnni
from shared.system.cpu import available_threads

__all__ = [
    "ArtefactSpec", "Encoder", "EncoderInvalid", "EncoderSpec", "GraphEncoder", "Vectors",
    "artefact_folder", "available_threads", "has_bf16", "has_vnni", "read_artefact",
    "remove_direction",
]  # fmt: skip
