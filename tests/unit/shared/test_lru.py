"""What the catalogue keeps of what it read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.system.lru import BoundedCache

MOST_BYTES = 10


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4)), max_size=30))
def test_the_latest_that_fit_are_kept(asked: list[tuple[int, int]]) -> None:
    recent: BoundedCache[str] = BoundedCache(MOST_BYTES)
    model: list[tuple[int, int]] = []  # rows and their sizes, the latest last
    for row, size in asked:
        known = next((own for own in model if own[0] == row), None)
        found = recent.get(row)
        assert found == (f"movie {row}" if known else None)
        if known:
            model.remove(known)
            model.append(known)
        else:
            recent.keep(row, f"movie {row}", size)
            model.append((row, size))
            while sum(own for _, own in model) > MOST_BYTES:
                model.pop(0)


def test_what_is_larger_than_all_room_is_not_kept_and_leaves_room() -> None:
    recent: BoundedCache[str] = BoundedCache(MOST_BYTES)
    recent.keep(1, "one", MOST_BYTES + 1)
    assert recent.get(1) is None
    recent.keep(2, "two", MOST_BYTES)
    assert recent.get(2) == "two"
