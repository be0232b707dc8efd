"""Leases of snapshots end, whatever clock they were taken by."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from shared.snapshot.storage.leases import EXPIRES_AFTER_S, LONGEST_S, Leases, leased

SNAPSHOT = "20260101T000000-1"


def _aged(folder: Path, age_s: float) -> Path:
    [lease] = folder.iterdir()
    then = time.time() - age_s
    os.utime(lease, (then, then))
    return lease


def test_a_lease_holds_until_it_is_released_or_expires(tmp_path: Path) -> None:
    leases = Leases(tmp_path, "reader")
    leases.take(SNAPSHOT)
    assert leased(tmp_path) == {SNAPSHOT}
    leases.release(SNAPSHOT)
    assert leased(tmp_path) == set()
    leases.take(SNAPSHOT)
    _aged(tmp_path, 2 * EXPIRES_AFTER_S)
    assert leased(tmp_path) == set()
    assert list(tmp_path.iterdir()) == []


def test_a_lease_for_longer_is_no_lease_from_the_future(tmp_path: Path) -> None:
    Leases(tmp_path, "reader").take(SNAPSHOT, for_s=LONGEST_S)
    [lease] = tmp_path.iterdir()
    until = lease.stat().st_mtime
    assert leased(tmp_path) == {SNAPSHOT}
    assert lease.stat().st_mtime == until


@pytest.mark.parametrize("ahead_s", [2 * LONGEST_S, 1e9])
def test_a_lease_of_a_clock_that_was_ahead_ends_like_any_other(
    tmp_path: Path, ahead_s: float
) -> None:
    Leases(tmp_path, "reader").take(SNAPSHOT)
    lease = _aged(tmp_path, -ahead_s)
    assert leased(tmp_path) == {SNAPSHOT}  # its holder may still use it, and would renew it
    assert abs(time.time() - lease.stat().st_mtime) < EXPIRES_AFTER_S
    _aged(tmp_path, 2 * EXPIRES_AFTER_S)
    assert leased(tmp_path) == set()


def test_who_only_looks_changes_nothing(tmp_path: Path) -> None:
    Leases(tmp_path, "reader").take(SNAPSHOT)
    lease = _aged(tmp_path, -2 * LONGEST_S)
    before = lease.stat().st_mtime
    assert leased(tmp_path, sweep=False) == {SNAPSHOT}
    assert lease.stat().st_mtime == before
