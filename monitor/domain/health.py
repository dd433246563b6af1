"""How a monitor fares: pure, so that the shell and the pages say the same."""

from datetime import datetime, timedelta
from typing import Literal

from monitor.domain.monitor import Schedule

State = Literal["waiting", "learning", "on time", "retrying", "late", "failing"]

WAITS = timedelta(minutes=15)  # that a message may be on its way
GIVEN_UP = timedelta(days=1)  # that a message nobody got is still trouble


def state(
    schedule: Schedule,
    now: datetime,
    created_at: datetime,
    pulled_at: datetime | None,
    failed: bool,
    learnt: bool,
    fed: bool,
    retrying: bool = False,
) -> State:
    """failed: the newest run of a job did not succeed; learnt: there is a champion; fed: rows came at least once;
    retrying: a job met a fault that may pass, and will be tried again.

    Late is also where every pull succeeds and a first row is overdue: the path or the query may be wrong.
    """
    if failed:
        return "failing"
    if now - ((pulled_at if fed or learnt else None) or created_at) > late_after(schedule):
        return "late"
    if retrying:
        return "retrying"
    return "on time" if learnt else "learning" if fed else "waiting"


def late_after(schedule: Schedule) -> timedelta:
    """A monitor is late when no pull succeeded for three intervals and two minutes.

    >>> late_after(Schedule(pull=timedelta(minutes=5)))
    datetime.timedelta(seconds=1020)
    """
    return 3 * schedule.pull + timedelta(minutes=2)


def of_channel(now: datetime, waiting_since: datetime | None, given_up_at: datetime | None) -> State:
    """How a channel fares: what waits for long is late, what was given up counts for a day.

    waiting_since: when the change happened that waits longest; given_up_at: when a message was given up last.
    """
    if given_up_at is not None and now - given_up_at < GIVEN_UP:
        return "failing"
    return "late" if waiting_since is not None and now - waiting_since > WAITS else "on time"
