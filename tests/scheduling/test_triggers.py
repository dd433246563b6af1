from datetime import UTC, datetime, timedelta

import pytest

from monitor.domain.monitor import Schedule
from monitor.scheduling import triggers


def nightly(start: str, days: int, cron: str = "30 2 * * *") -> list[tuple[str, str]]:
    """(slot, UTC) of each time the nightly trigger fires in Berlin."""
    trigger = triggers.of(Schedule(train=cron, timezone="Europe/Berlin"))["train"]
    now = datetime.fromisoformat(start).replace(tzinfo=UTC)
    end, fired, last = now + timedelta(days=days), [], None
    while True:
        last = trigger.get_next_fire_time(last, last or now)
        if last is None or last > end:
            return fired
        fired.append((triggers.slot("train", last), f"{last.astimezone(UTC):%m-%d %H:%M}"))


def test_a_nightly_job_keeps_to_the_wall_clock_of_its_zone() -> None:
    assert nightly("2026-07-01T00:00", 1) == [("2026-07-01T02:30", "07-01 00:30")]
    assert nightly("2026-01-01T00:00", 1) == [("2026-01-01T02:30", "01-01 01:30")]


@pytest.mark.parametrize("cron", ["30 2 * * *", "0 2 * * *", "59 2 * * *"])
def test_in_the_night_with_a_gap_the_job_runs_once(cron: str) -> None:
    fired = nightly("2026-03-28T12:00", 2, cron)
    assert len({slot for slot, _ in fired}) == 2
    assert [utc[:5] for _, utc in fired] == ["03-29", "03-30"]


def test_in_the_night_with_an_overlap_the_job_has_one_slot() -> None:
    fired = nightly("2026-10-24T12:00", 2)
    assert len({slot for slot, _ in fired}) == 2


def test_intervals_fall_on_the_same_moments_in_every_scheduler() -> None:
    trigger = triggers.of(Schedule(pull=timedelta(minutes=5)))["pull"]
    one = trigger.get_next_fire_time(None, datetime(2026, 5, 1, 10, 1, 7, tzinfo=UTC))
    two = trigger.get_next_fire_time(None, datetime(2026, 5, 1, 10, 3, 59, tzinfo=UTC))
    assert one == two == datetime(2026, 5, 1, 10, 5, tzinfo=UTC)


def test_the_slot_after_a_slot_is_on_the_same_grid_for_a_scheduler_that_starts_later() -> None:
    trigger = triggers.of(Schedule(pull=timedelta(minutes=5)))["pull"]
    odd = datetime(2026, 5, 1, 12, 3, 17, tzinfo=UTC)
    assert trigger.get_next_fire_time(None, odd + timedelta(microseconds=1)).minute == 5
