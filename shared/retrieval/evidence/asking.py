"""What a query asks its evidence to say, and what the evidence must not praise. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from shared.retrieval.evidence.concepts import widened
from shared.retrieval.evidence.denial import (
    asserted,
    denies,
    has_opposite,
    may_deny,
    tokens_of,
    within_denial,
)
from shared.retrieval.evidence.families import WORD, beginnings, family, is_content, plain, words_of

MOST_DENIED = 12
"""A text that asks for more words tells a story: who denies one of them does not contradict it."""
_NO_WORDS: frozenset[str] = frozenset()
_BETWEEN = re.compile(r"\b(?:and|or|nor)\b|[,;/]")
_SENTENCES = re.compile(r"[.!?;…\n]+")
_NOTHING_FOUND: dict[str, str] = {}

Found = Mapping[str, str]
"""Words of a text with their families."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, as families of words.

    Attributes:
        families: The words that matter: not what the query denies, nor what says nothing.
        near: Words that are used for them.
        avoided: What must not be said to be there; of each set all words are meant together.
        beginnings: What words of any of these begin with.
    """

    families: frozenset[str] = _NO_WORDS
    near: frozenset[str] = _NO_WORDS
    avoided: tuple[tuple[frozenset[str], ...], ...] = ()
    beginnings: tuple[str, ...] = ()

    def found_in(self, text: str) -> Found:
        """The words of a plain text that concern what is asked or avoided, with their families."""
        likely = tuple([each for each in self.beginnings if each in text])
        if not likely:
            return _NOTHING_FOUND
        return {word: family(word) for word in words_of(text) if word.startswith(likely)}

    def shared(self, found: Found) -> int:
        """How many of the asked families were found in a text."""
        return len(self.families.intersection(found.values())) if found else 0

    def contradicted_by(self, text: str, found: Found) -> bool:
        """Whether a text denies what is asked for, or says that what is avoided is there.

        Args:
            text: A plain text.
            found: What was found in it (``found_in``).
        """
        if found:
            members = frozenset(found.values())
            for phrase in self.avoided:
                if self._is_met(phrase, members) and self._affirms_avoided(text):
                    return True
        if len(self.families) > MOST_DENIED:
            return False
        if found:
            is_said = not (members.isdisjoint(self.families) and members.isdisjoint(self.near))
            if is_said and self._is_denied_in(text, found):
                return True
        if self.families and ("less" in text or " un" in text or text[:2] == "un"):
            return has_opposite(words_of(text), self.families | self.near)
        return False

    def _is_denied_in(self, text: str, found: Found) -> bool:
        if not may_deny(text, words_of(text), found):
            return False
        # A denial does not leave its sentence, unless it is the answer to a question.
        return any(
            denies(tokens_of(sentence), self.families, self.near)
            for sentence in ((text,) if "?" in text else _SENTENCES.split(text))
            if any(word in sentence for word in found)
        )

    @staticmethod
    def _is_met(phrase: Sequence[frozenset[str]], members: AbstractSet[str]) -> bool:
        return all(not members.isdisjoint(each) for each in phrase)

    def _affirms_avoided(self, text: str) -> bool:
        """Whether a sentence has all words of something avoided, and does not deny them all."""
        for sentence in _SENTENCES.split(text):
            tokens = tokens_of(sentence)
            denied = within_denial(tokens)
            said = {family(token) for token, off in zip(tokens, denied, strict=True) if not off}
            if any(self._is_met(phrase, said) for phrase in self.avoided):
                return True
        return False


NOTHING_ASKED = Asked()


def asked_by(texts: Iterable[str | None], avoided: Iterable[str | None]) -> Asked:
    """What a search asks for.

    Args:
        texts: What is searched, as it was typed and as it was understood.
        avoided: What is avoided, each a list of words or phrases in plain English.
    """
    phrases = tuple(
        dict.fromkeys(
            phrase for text in avoided if text for piece in _BETWEEN.split(plain(text))
            if (phrase := _phrase(piece))
        )
    )  # fmt: skip
    off = frozenset().union(*(each for phrase in phrases for each in phrase))
    said = (word for text in dict.fromkeys(texts) if text for word in asserted(plain(text)))
    families = frozenset(family(word) for word in said if WORD.match(word) and is_content(word))
    # A single avoided word is not asked for, though the text that was typed has it.
    families -= {each for phrase in phrases if len(phrase) == 1 for each in phrase[0]}
    families -= {family(word) for text in avoided if text for word in WORD.findall(plain(text))}
    near = widened(families) - families - off
    return Asked(families, near, phrases, beginnings(families | near | off))


def _phrase(piece: str) -> tuple[frozenset[str], ...]:
    words = dict.fromkeys(word for word in WORD.findall(piece) if is_content(word))
    return tuple(widened((family(word),)) for word in words)
