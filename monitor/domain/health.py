"""How a monitor fares: pure, so that the shell and the pages say the same."""

from datetime import datetime, timedelta
from typing import Literal

from monitor.domain.monitor import Schedule

State = Literal["waiting", "learning", "on time", "late", "failing"]


def state(
    schedule: Schedule,
    now: datetime,
    created_at: datetime,
    pulled_at: datetime | None,
    failed: bool,
    learnt: bool,
    fed: bool,
) -> State:
    """failed: the newest run of a job did not succeed; learnt: there is a champion; fed: rows came at least once.

    Late is also where every pull succeeds and a first row is overdue: the path or the query may be wrong.
    """
    if failed:
        return "failing"
    if now - ((pulled_at if fed or learnt else None) or created_at) > late_after(schedule):
        return "late"
    return "on time" if learnt else "learning" if fed else "waiting"


def late_after(schedule: Schedule) -> timedelta:
    """A monitor is late when no pull succeeded for three intervals and two minutes.

    >>> late_after(Schedule(pull=timedelta(minutes=5)))
    datetime.timedelta(seconds=1020)
    """
    return 3 * schedule.pull + timedelta(minutes=2)
