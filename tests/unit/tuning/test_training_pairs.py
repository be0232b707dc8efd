"""What is paired with what, what is kept out, and when a result is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tuning.passage_index import PassageIndex
from services.tuning.training_loop import Training, epochs_for
from services.tuning.training_pairs import (
    MovieText,
    PairsInvalid,
    TrainingPair,
    is_kept_out,
    make_pairs,
    read_movie_texts,
)
from services.tuning.tuning_report import Comparison, TuningReport

PASSAGES = [
    "A lighthouse keeper and his daughter wait for the winter boat",
    "The keeper of the lighthouse never speaks of the winter",
    "What a waste of time",
    "A boat race in winter, won by a keeper of bees",
    "Two clerks fall in love in a department store",
    "Clerks and customers argue about love all day",
]
RANGES = {"lighthouse": range(3), "race": range(3, 4), "store": range(4, 6)}


def index(passages: list[str]) -> PassageIndex:
    return PassageIndex(passages, lambda text: text.lower().split())


def test_positives_are_of_the_movie_and_negatives_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.tuning.training_pairs.LEAST_SCORE", 2.0)
    texts = [
        MovieText("lighthouse", "The keeper of a lighthouse waits through winter"),
        MovieText("store", "Something else entirely: dragons"),
        MovieText("unknown", "The keeper of a lighthouse"),
    ]
    [pair] = make_pairs(texts, PASSAGES, RANGES, index(PASSAGES))
    assert set(pair.positives) <= set(PASSAGES[:2])
    assert pair.positives
    assert PASSAGES[3] in pair.negatives
    assert not set(pair.negatives) & set(PASSAGES[:3])


@given(st.lists(st.text("abc ", max_size=12), min_size=1, max_size=12), st.text("abc ", max_size=8))
def test_scores_are_of_shared_words_only(passages: list[str], text: str) -> None:
    scores = index(passages).scores(text)
    shared = [bool(set(passage.split()) & set(text.split())) for passage in passages]
    assert [score > 0 for score in scores] == shared


@given(st.lists(st.text("abcdef0123456789", min_size=1), min_size=60, max_size=60, unique=True))
def test_about_a_third_of_the_movies_is_kept_out_always_the_same(ids: list[str]) -> None:
    kept_out = [is_kept_out(movie_id, 3) for movie_id in ids]
    assert kept_out == [is_kept_out(movie_id, 3) for movie_id in ids]
    assert 2 <= sum(kept_out) <= 45


def test_a_file_of_texts_is_read_and_its_short_lines_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(
        '{"movie_id": "tt1", "text": "One two three four five", "kind": "overview"}\n'
        '{"movie_id": "tt2", "text": "Too short"}\n'
    )
    assert read_movie_texts(path) == [MovieText("tt1", "One two three four five")]


@pytest.mark.parametrize("line", ["{", '{"movie_id": 3, "text": "x"}', '{"text": "x"}', "[]"])
def test_a_line_that_is_something_else_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(f'{{"movie_id": "tt1", "text": "a b c d e"}}\n{line}\n')
    with pytest.raises(PairsInvalid, match="line 2: must be"):
        read_movie_texts(path)
    with pytest.raises(PairsInvalid, match="cannot be read"):
        read_movie_texts(tmp_path / "absent")


def test_fewer_pairs_are_trained_on_more_often() -> None:
    assert [epochs_for(pairs) for pairs in (20, 500, 501, 3_000, 3_001)] == [5, 5, 2, 2, 1]
    pairs = [TrainingPair("t", ("p",), ())] * 49
    assert Training(pairs, 2, 0).steps == 4
    assert Training(pairs, 2, 0).digest != Training(pairs, 2, 1).digest


BETTER = Comparison.of([0.5] * 30 + [0.2] * 10, [0.7] * 30 + [0.5] * 10)
SAME = Comparison.of([0.5] * 40, [0.5] * 40)
WORSE = Comparison.of([0.7] * 40, [0.5] * 30 + [0.6] * 10)
REPORT = TuningReport(
    base="m", base_weights_sha256="0", texts_from="descriptions", seed=0, pairs=80, epochs=5,
    loss=1.0, kept_out=40, movies=100, dense=BETTER, fused=SAME, minutes=1.0, cpu_s=60.0,
    peak_mb=900, versions={},
)  # fmt: skip


@pytest.mark.parametrize(
    ("dense", "fused", "reason"),
    [
        (BETTER, SAME, None),
        (BETTER, BETTER, None),
        (SAME, BETTER, "by vectors alone"),
        (WORSE, SAME, "by vectors alone"),
        (BETTER, WORSE, "as users have it"),
    ],
)
def test_only_what_is_better_is_used(
    dense: Comparison, fused: Comparison, reason: str | None
) -> None:
    refusal = replace(REPORT, dense=dense, fused=fused).refusal
    assert (refusal is None) == (reason is None)
    assert reason is None or reason in str(refusal)
