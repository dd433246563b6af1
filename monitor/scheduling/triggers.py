"""A monitor's schedule as triggers, and a trigger's fire time as the name of a slot."""

from collections.abc import Iterable
from datetime import UTC, datetime

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from monitor.domain.monitor import Schedule
from monitor.domain.schedule import zone

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)  # intervals count from here, so that any two schedulers agree
PRUNE = CronTrigger.from_crontab("15 3 * * *", timezone="UTC")


def of(schedule: Schedule) -> dict[str, BaseTrigger]:
    """Job -> trigger."""
    return {
        "pull": IntervalTrigger(seconds=int(schedule.pull.total_seconds()), start_date=EPOCH, timezone="UTC"),
        "train": CronTrigger.from_crontab(schedule.train, timezone=zone(schedule.timezone)),
    }


def next_training(schedules: Iterable[Schedule], now: datetime) -> datetime | None:
    """When the next of the monitors trains; None where there is no monitor.

    >>> next_training([Schedule(train="0 2 * * *")], datetime(2026, 11, 23, 3, tzinfo=UTC)).isoformat()
    '2026-11-24T02:00:00+00:00'
    """
    due = [of(schedule)["train"].get_next_fire_time(None, now) for schedule in schedules]
    return min((at for at in due if at is not None), default=None)


def next_pull(schedule: Schedule, now: datetime) -> datetime:
    """When the source is looked at next.

    >>> next_pull(Schedule(pull="5m"), datetime(2026, 11, 23, 3, 2, tzinfo=UTC)).isoformat()
    '2026-11-23T03:05:00+00:00'
    """
    at: datetime = of(schedule)["pull"].get_next_fire_time(None, now)
    return at


def slot(job: str, fired: datetime) -> str:
    """The name of a slot: UTC for intervals, the wall clock of the monitor's own zone for cron.

    In the night when the clock goes back 02:30 comes twice and is one slot, so a nightly job runs once; in the
    night when it goes forward 02:30 does not exist and the job runs at the first moment after the gap.
    """
    return fired.astimezone(UTC).isoformat() if job == "pull" else fired.strftime("%Y-%m-%dT%H:%M")
