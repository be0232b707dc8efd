from __future__ import annotations

import pytest

from services.embedder import publisher
from services.embedder.publisher import Schedule


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(publisher, "time", found)
    return found


def test_it_waits_until_nothing_has_changed_for_a_moment(clock: Clock) -> None:
    schedule = Schedule(idle_s=1, every_s=30, last_publish=clock.now)
    schedule.changed()
    assert not schedule.due(backlog=0, same_encoder=True)
    clock.now += 1
    assert schedule.due(backlog=0, same_encoder=True)


def test_while_changes_flow_it_publishes_now_and_then(clock: Clock) -> None:
    schedule = Schedule(idle_s=1, every_s=30, last_publish=clock.now)
    for _ in range(29):
        clock.now += 1
        schedule.changed()
        assert not schedule.due(backlog=5, same_encoder=True)
    clock.now += 1
    schedule.changed()
    assert schedule.due(backlog=5, same_encoder=True)
    assert schedule.due(backlog=0, same_encoder=True)


def test_a_new_encoder_waits_for_the_whole_work_list(clock: Clock) -> None:
    schedule = Schedule(idle_s=1, every_s=30, last_publish=clock.now)
    clock.now += 1000
    assert not schedule.due(backlog=5, same_encoder=False)
    assert schedule.due(backlog=0, same_encoder=False)
