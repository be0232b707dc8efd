"""A deterministic encoder from hashes of words, for tests that do not depend on meaning."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from shared.encoder import EncoderSpec, Vectors


class HashEncoder:
    """Sums a fixed random vector for each word, so that shared words make texts similar."""

    def __init__(self, dim: int = 32, passage_tokens: int = 16, salt: str = "") -> None:
        self.spec = EncoderSpec(
            model="hash",
            weights_sha256=hashlib.sha256(salt.encode()).hexdigest(),
            tokenizer_sha256="0" * 64,
            config_sha256="0" * 64,
            dim=dim,
            max_tokens=256,
            passage_tokens=passage_tokens,
        )
        self.precision = "f32"
        self.encoded: list[str] = []

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        self.encoded.extend(texts)
        return self._encode(texts)

    @property
    def passage_tokens(self) -> int:
        return self.spec.passage_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def _encode(self, texts: Sequence[str]) -> Vectors:
        rows = np.empty((len(texts), self.spec.dim), np.float32)
        for n, text in enumerate(texts):
            total = np.zeros(self.spec.dim)
            for word in ["", *re.findall(r"\w+", text.lower())]:
                seed = hashlib.blake2b(word.encode(), digest_size=8).digest()
                total += np.random.default_rng(int.from_bytes(seed)).normal(size=self.spec.dim)
            rows[n] = total / np.linalg.norm(total)
        return rows
