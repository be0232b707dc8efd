"""The encoder: text to unit vectors. The only home of the model at run time.

A sentence-transformers model is converted once, by the embedder, into an artefact: a graph with
pooling and normalisation inside, the same graph in int8 for queries, its tokenizer, and a spec. The
artefact lies in the snapshot store, ``encoders/<encoder id>/``; a snapshot names the encoder of its
vectors, and the query service encodes with that artefact. So it needs neither torch nor
transformers, and can never encode with another model than the snapshot's.

The encoder id is a hash of what decides a vector: weights, tokenizer, configuration, lengths,
prompts. Not of the graphs' bytes, which differ between versions of the converter.

An artefact may hold a *common direction*: the mean of many passages' vectors and the first
principal component about it, which in reviews is the axis from plot to opinion. Both are taken
out of every vector, passages' and queries', before the last normalisation ("all-but-the-top" with
one component: Mu and Viswanath, ICLR 2018). It is frozen with the encoder, so that vectors made at
different times stay comparable.
"""

from shared.encoder.artefact import (
    ArtefactSpec,
    EncoderInvalid,
    EncoderSpec,
    artefact_folder,
    read_artefact,
    read_spec,
)
from shared.encoder.graph import Vectors
from shared.encoder.graph_encoder import Encoder, GraphEncoder, remove_direction
from shared.encoder.precision import has_bf16, has_vnni
from shared.system.cpu import available_threads

__all__ = [
    "ArtefactSpec", "Encoder", "EncoderInvalid", "EncoderSpec", "GraphEncoder", "Vectors",
    "artefact_folder", "available_threads", "has_bf16", "has_vnni", "read_artefact", "read_spec",
    "remove_direction",
]  # fmt: skip
