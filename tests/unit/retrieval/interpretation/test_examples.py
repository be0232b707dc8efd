"""The written examples, one by one."""

from __future__ import annotations

import pytest

from shared.retrieval.interpretation.interpreter import interpret
from tests.unit.retrieval.interpretation.catalogue import LEXICON, TITLES
from tests.unit.retrieval.interpretation.examples import LEFT_ALONE, UNDERSTOOD, Example


@pytest.mark.parametrize("example", UNDERSTOOD, ids=lambda example: example.text)
def test_a_text_has_the_parts_that_are_written_down(example: Example) -> None:
    assert interpret(example.text, LEXICON, TITLES) == example.expected


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_a_text_without_a_wish_is_left_alone(text: str) -> None:
    assert interpret(text, LEXICON, TITLES) is None


def test_there_are_enough_examples_and_a_third_of_them_are_traps() -> None:
    texts = {example.text for example in UNDERSTOOD} | set(LEFT_ALONE)
    traps = len(LEFT_ALONE) + sum(bool(example.expected.titles) for example in UNDERSTOOD)
    assert len(texts) == len(UNDERSTOOD) + len(LEFT_ALONE) >= 150
    assert 3 * traps >= len(texts)
