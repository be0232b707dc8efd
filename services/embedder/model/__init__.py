"""Converts a sentence-transformers model to an encoder artefact; nothing else imports torch.

``conversion.ensure_artefact`` makes the artefact: ``graph_export`` the graph, ``quantisation`` the
same graph in int8, ``direction`` the common direction. ``torch_encoder.TorchEncoder`` encodes
passages with the model itself. Only the start of the embedder and the command ``fit_direction``
import this package.
"""
