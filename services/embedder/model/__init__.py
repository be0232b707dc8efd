"""A sentence-transformers model to an encoder artefact: the only room that imports torch.

``conversion`` makes the artefact with the help of ``graph_export``, ``quantisation`` and
``direction``. The embedder's start and the command ``fit_direction`` import this room.
"""
