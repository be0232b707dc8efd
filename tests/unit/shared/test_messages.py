from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.delivery.messages import (
    Message,
    MessageInvalid,
    MovieMessage,
    ReviewMessage,
    RunEnd,
    checksum_of_ids,
    parse,
)
from shared.record import (
    MAX_REVIEW_CHARS,
    MovieRecord,
    ReviewRecord,
    hashed_review_id,
    validated_review,
)

ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:~-]{0,40}", fullmatch=True)
storable = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
texts = storable.filter(lambda text: bool(text.strip()))
ratings = st.none() | st.floats(0, 10)

messages = st.one_of(
    st.builds(
        MovieMessage,
        run_id=ids,
        source=st.just("test"),
        movie=st.builds(
            MovieRecord,
            movie_id=ids,
            title=st.none() | texts.map(lambda text: text[:400]),
            year=st.none() | st.integers(1870, 2100),
            rating=ratings,
            url=st.none(),
            description=st.none() | storable.map(lambda text: text[:400]),
            genres=st.just(("Drama",)),
            directors=st.just(()),
        ),
    ),
    st.builds(
        ReviewMessage,
        run_id=ids,
        source=st.just("test"),
        review=st.builds(
            ReviewRecord,
            review_id=ids,
            movie_id=ids,
            text=texts,
            rating=ratings,
            title=st.none() | storable.map(lambda text: text[:400]),
            author=st.none(),
            url=st.none(),
            language=st.none(),
        ),
    ),
    st.builds(
        RunEnd,
        run_id=ids,
        source=st.just("test"),
        emitted=st.integers(0, 10**9),
        checksum=st.integers(0, 2**64 - 1),
    ),
)


@given(messages)
def test_every_message_survives_its_stream_fields(message: Message) -> None:
    assert parse(message.to_fields()) == message


@given(messages)
def test_fields_are_strings_that_redis_takes(message: Message) -> None:
    for key, value in message.to_fields().items():
        assert key.encode()
        assert value.encode()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"v": "2"}, "version '2' is not 1"),
        ({"kind": "film"}, "unknown message kind 'film'"),
        ({"body": "{"}, "run_end: body: Invalid JSON"),
        ({"body": '{"run_id": "r"}'}, "run_end: source: Field required"),
        ({"run": "other"}, "run or id differs"),
    ],
)
def test_what_is_no_message_is_refused_with_the_reason(change: dict[str, str], reason: str) -> None:
    fields = RunEnd(run_id="r", source="s", emitted=1, checksum=1).to_fields()
    with pytest.raises(MessageInvalid) as refused:
        parse({**fields, **change})
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "   ", "a\x00b", "lone \ud800 surrogate", "x" * (MAX_REVIEW_CHARS + 1)]
)
def test_a_text_that_cannot_be_stored_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="text"):
        validated_review({"review_id": "r", "movie_id": "m", "text": text})


@given(st.lists(ids, unique=True), st.randoms())
def test_the_checksum_knows_no_order(items: list[str], random: object) -> None:
    shuffled = sorted(items, key=hash)
    assert checksum_of_ids(items) == checksum_of_ids(shuffled)
    half = len(items) // 2
    parts = checksum_of_ids(items[:half]) + checksum_of_ids(items[half:])
    assert checksum_of_ids(items) == parts % 2**64


def test_the_checksum_misses_no_lost_or_swapped_id() -> None:
    assert checksum_of_ids(["a", "b"]) != checksum_of_ids(["a"])
    assert checksum_of_ids(["a", "b"]) != checksum_of_ids(["a", "c"])


def test_a_review_without_an_id_gets_the_same_one_however_its_text_is_composed() -> None:
    assert hashed_review_id("s", None, "caf\u00e9") == hashed_review_id("s", None, "cafe\u0301")
    assert hashed_review_id("s", None, "a") != hashed_review_id("s", "https://x", "a")
