"""How often, how late, and in which time zone."""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = timedelta(days=36_500)  # a longer span leads out of the calendar


def parse_duration(text: object) -> timedelta:
    """Read ``90s``, ``5m``, ``2h`` or ``1d``.

    >>> parse_duration("5m")
    datetime.timedelta(seconds=300)
    """
    if isinstance(text, timedelta):
        return text
    match = re.fullmatch(r"\s*(\d+)\s*([smhd])\s*", str(text))
    if not match:
        raise ValueError(f"{text!r} is not a duration; write a whole number and s, m, h or d, such as 5m")
    seconds = int(match[1]) * UNITS[match[2]]
    if seconds > LONGEST.total_seconds():
        raise ValueError(f"{text!r} is too long; write at most {LONGEST.days}d")
    return timedelta(seconds=seconds)


def parse_end(text: str, now: datetime) -> datetime:
    """A date, a time, or a duration from now; what carries no zone is UTC.

    Raises:
        ValueError: it is none of these.

    >>> now = datetime(2026, 1, 1, tzinfo=UTC)
    >>> parse_end("2027-01-31", now).isoformat(), parse_end("2d", now).isoformat()
    ('2027-01-31T00:00:00+00:00', '2026-01-03T00:00:00+00:00')
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            return now + parse_duration(text)
        except (ValueError, OverflowError):
            raise ValueError(
                f"got {text!r}; expected a date such as 2027-01-31, or a time from now such as 2d"
            ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def write_duration(value: timedelta) -> str:
    """The shortest whole spelling, the reverse of :func:`parse_duration`.

    >>> write_duration(timedelta(hours=48))
    '2d'
    """
    seconds = int(value.total_seconds())
    unit, size = next(((u, s) for u, s in reversed(UNITS.items()) if seconds % s == 0 and seconds), ("s", 1))
    return f"{seconds // size}{unit}"


@cache
def _zones() -> set[str]:
    return available_timezones()  # walks a folder of files: milliseconds, for each monitor that is read


def check_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError(f"{name!r} is not an IANA time zone; such as Europe/Berlin or UTC")
    return name


def check_cron(text: str) -> str:
    """Five fields; the scheduler's own parser decides on their content when a trigger is made."""
    if len(text.split()) != 5:
        raise ValueError(
            f"{text!r} is not a cron line; write minute hour day month weekday, such as 0 2 * * *"
        )
    return text


Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), PlainSerializer(write_duration, return_type=str)
]
Zone = Annotated[str, AfterValidator(check_zone)]
Cron = Annotated[str, AfterValidator(check_cron)]


def zone(name: str) -> ZoneInfo:
    """The zone's rules; the name was checked when the configuration was read."""
    return ZoneInfo(name)
