"""The schedule decides when a snapshot is due."""

from __future__ import annotations

import pytest

from services.embedder.publishing import publish_schedule as schedules
from services.embedder.publishing.publish_schedule import Schedule


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    fake = Clock()
    monkeypatch.setattr(schedules, "time", fake)
    return fake


def test_it_waits_until_nothing_has_changed_for_a_moment(clock: Clock) -> None:
    schedule = Schedule(idle_s=1, every_s=30, last_publish=clock.now)
    schedule.changed()
    assert not schedule.due(backlog=0, same_encoder=True)
    clock.now += 1
    assert schedule.due(backlog=0, same_encoder=True)


def test_what_comes_without_changing_anything_delays_it_too(clock: Clock) -> None:
    schedule = Schedule(idle_s=1, every_s=30, last_publish=clock.now)
    schedule.changed()
    clock.now += 0.75
    schedule.arrived()
    clock.now += 0.75
    assert not schedule.due(backlog=0, same_encoder=True)
    clock.now += 0.25
    assert schedule.due(backlog=0, same_encoder=True)


def test_what_was_stored_before_it_was_said_delays_it_too(clock: Clock) -> None:
    """The batch is in the database before its consumer says so; a restart knows of no change."""
    schedule = Schedule(idle_s=1, every_s=30, last_publish=clock.now)
    schedule.noticed()
    assert not schedule.due(backlog=0, same_encoder=True)
    clock.now += 0.5
    schedule.noticed()
    clock.now += 0.5
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


def test_after_a_rest_the_first_change_is_not_published_alone(clock: Clock) -> None:
    schedule = Schedule(idle_s=2, every_s=30, last_publish=clock.now)
    for _ in range(2):
        clock.now += 1000
        schedule.changed()
        for backlog in (0, 5):
            assert not schedule.due(backlog=backlog, same_encoder=True)
        clock.now += 1
        schedule.changed()
        assert not schedule.due(backlog=0, same_encoder=True)
        clock.now += 1
        schedule.changed()
        assert schedule.due(backlog=5, same_encoder=True)
        schedule.published(began=clock.now)


def test_a_change_while_it_publishes_is_the_first_of_the_next(clock: Clock) -> None:
    schedule = Schedule(idle_s=2, every_s=30, last_publish=clock.now)
    schedule.changed()
    clock.now += 40
    began = clock.now
    clock.now += 1
    schedule.changed()
    schedule.published(began)
    clock.now += 31
    schedule.changed()
    assert schedule.due(backlog=5, same_encoder=True)


def test_while_changes_flow_it_takes_a_tenth_of_the_time_at_most(clock: Clock) -> None:
    schedule = Schedule(idle_s=1, every_s=30, last_publish=clock.now)
    began = clock.now
    clock.now += 12
    schedule.published(began)
    clock.now += 119
    schedule.changed()
    assert not schedule.due(backlog=5, same_encoder=True)
    assert not schedule.due(backlog=0, same_encoder=True)
    clock.now += 1
    assert schedule.due(backlog=5, same_encoder=True)
    clock.now += 1
    assert schedule.due(backlog=0, same_encoder=True)


def test_a_new_encoder_waits_for_the_whole_work_list(clock: Clock) -> None:
    schedule = Schedule(idle_s=1, every_s=30, last_publish=clock.now)
    clock.now += 1000
    assert not schedule.due(backlog=5, same_encoder=False)
    assert schedule.due(backlog=0, same_encoder=False)


def test_what_was_refused_waits_for_a_change(clock: Clock) -> None:
    schedule = Schedule(idle_s=1, every_s=30, last_publish=clock.now)
    began = clock.now
    clock.now += 2
    schedule.refused(began, retry=False)
    clock.now += 10_000_000
    schedule.arrived()
    assert schedule.still_refused
    schedule.changed()
    assert not schedule.still_refused


def test_what_changed_during_the_attempt_is_tried_too(clock: Clock) -> None:
    schedule = Schedule(idle_s=1, every_s=30, last_publish=clock.now)
    began = clock.now
    clock.now += 1
    schedule.changed()
    clock.now += 1
    schedule.refused(began, retry=False)
    assert not schedule.still_refused


def test_what_time_may_mend_is_tried_again_ever_more_seldom(clock: Clock) -> None:
    schedule = Schedule(idle_s=1, every_s=30, last_publish=clock.now)
    delays = []
    for _ in range(9):
        began = clock.now = clock.now + 1
        schedule.changed()
        clock.now += 1
        schedule.refused(began + 0.5, retry=True)
        refused = clock.now
        while schedule.still_refused:
            clock.now += 1
        delays.append(clock.now - refused)
    assert delays == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    schedule.published(clock.now)
    schedule.refused(clock.now + 0.5, retry=True)
    clock.now += 60
    assert not schedule.still_refused


def test_what_failed_is_tried_again_ever_more_seldom(clock: Clock) -> None:
    schedule = Schedule(idle_s=1, every_s=30, last_publish=clock.now - 1000)
    delays = []
    for _ in range(8):
        schedule.failed()
        assert not schedule.still_refused
        failed = clock.now
        while not schedule.due(backlog=0, same_encoder=True):
            clock.now += 1
        delays.append(clock.now - failed)
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60]
    assert schedule.failing_s == sum(delays)
    schedule.published(clock.now)
    assert schedule.failing_s == 0


def test_failing_for_years_is_not_a_number_too_large(clock: Clock) -> None:
    schedule = Schedule(idle_s=1, every_s=30)
    for _ in range(5000):
        schedule.failed()
    clock.now += 60
    assert schedule.due(backlog=0, same_encoder=True)


def test_a_failure_after_a_refusal_is_no_refusal(clock: Clock) -> None:
    """Else what is not being served would count as served."""
    schedule = Schedule(idle_s=1, every_s=30)
    schedule.refused(clock.now, retry=True)
    assert schedule.still_refused
    clock.now += 61
    schedule.failed()
    assert not schedule.still_refused
