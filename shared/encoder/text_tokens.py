"""The tokens of texts, cut to what a model reads, and the lengths of its prompts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from tokenizers import Tokenizer


class TextTokens:
    """The tokenizer of an artefact. Thread-safe.

    Example:
        Token ids of two queries, with the special tokens of the model::

            tokens = TextTokens(folder / "tokenizer.json", max_tokens=256)
            ids = tokens.ids("query: ", ["slow and melancholic", "car chases"])

    Args:
        path: The ``tokenizer.json``.
        max_tokens: Number of tokens to which texts are cut, with special tokens.
    """

    def __init__(self, path: Path, *, max_tokens: int) -> None:
        self._max_tokens = max_tokens
        content = path.read_text(encoding="utf-8")
        self._tokenizer = Tokenizer.from_str(content)
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.no_padding()
        self._content = content

    def ids(self, prompt: str, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of each text behind the prompt, with special tokens.

        Args:
            prompt: What is put before each text.
            texts: The texts.
        """
        encodings = self._tokenizer.encode_batch_fast([prompt + text for text in texts])
        return [encoding.ids for encoding in encodings]

    def count(self, texts: Sequence[str]) -> list[int]:
        """The number of word pieces of each text, without special tokens and not cut."""
        encodings = self._counter.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encodings]

    def prompt_length(self, prompt: str) -> int:
        """The number of tokens before the text: the prompt's, and the special tokens before it."""
        if not prompt:
            return 0
        encoding = self._counter.encode(prompt)
        return len(encoding) - (1 if encoding.special_tokens_mask[-1] else 0)

    def room(self, prompt: str) -> int:
        """The most word pieces of a text behind the prompt that are not cut."""
        special = self._counter.num_special_tokens_to_add(False)
        return self._max_tokens - special - self.count([prompt])[0]

    @cached_property
    def _counter(self) -> Tokenizer:
        # A second tokenizer, because truncation is state of a tokenizer; queries never need it.
        counter = Tokenizer.from_str(self._content)
        counter.no_truncation()
        counter.no_padding()
        return counter
