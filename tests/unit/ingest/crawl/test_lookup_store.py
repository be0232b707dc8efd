"""The store on disk and the one in memory say the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.pages.datasets.table_lookups import MemoryStore
from services.ingest.spiders.lookup_store import DiskStore

_WORDS = st.text("abé", max_size=2)


@given(st.lists(st.tuples(_WORDS, _WORDS), max_size=30), _WORDS, st.integers(1, 5))
def test_both_stores_say_the_same(rows: list[tuple[str, str]], key: str, most: int) -> None:
    disk, memory = DiskStore(), MemoryStore()
    for store in (disk, memory):
        store.add(rows)
    assert list(disk.of(key, most)) == list(memory.of(key, most))
