"""Numbers, money, times and odds as every page writes them: with their unit, and with their zone."""

import math
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "CHF": "CHF "}
NONE = "–"


def count(number: float | None) -> str:
    """
    >>> count(1204118), count(None)
    ('1,204,118', '–')
    """
    return NONE if number is None else f"{number:,.0f}"


def counted(number: int, noun: str, nouns: str | None = None) -> str:
    """
    >>> counted(1, "alert"), counted(43, "alert")
    ('1 alert', '43 alerts')
    """
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def money(value: float | None, currency: str | None = None, *, short: bool = False) -> str:
    """An amount at risk; ``short`` leaves out the cents.

    >>> money(4812.4, "EUR"), money(33034.2, "EUR", short=True), money(None, "EUR"), money(7, "SEK")
    ('€4,812.40', '€33,034', '–', 'SEK 7.00')
    """
    if value is None:
        return NONE
    sign = SIGNS.get(currency or "", f"{currency} " if currency else "")
    return f"{'-' if value < 0 else ''}{sign}{abs(value):,.{0 if short else 2}f}"


def percent(share: float | None) -> str:
    """
    >>> percent(0.456), percent(0.004), percent(None)
    ('46 %', '<1 %', '–')
    """
    if share is None:
        return NONE
    return "<1 %" if 0 < share < 0.005 else f"{share * 100:.0f} %"


def odds(p_value: float | None, compared: int | None = None) -> str:
    """A p-value as how many normal rows it takes to see one that is as odd.

    ``compared``: with how many normal rows it was compared. Beyond them nobody counted, and no number is said.

    >>> odds(1 / 21_034), odds(0.5), odds(1 / 901, 3_005), odds(1e-6, 3_005), odds(None)
    ('1 in 21,000', '1 in 2', '1 in 900', 'rarer than 1 in 3,005', '–')
    """
    if p_value is None:
        return NONE
    if compared is not None and p_value < 1 / (compared + 1):
        return f"rarer than 1 in {compared:,}"
    rows = 1 / p_value
    digits = max(0, int(math.log10(rows)) - 1)
    return f"1 in {round(rows / 10**digits) * 10**digits:,}"


def duration(span: timedelta | float | None) -> str:
    """At most two units, rounded down.

    >>> duration(7.26), duration(64), duration(5220), duration(timedelta(days=3, hours=5)), duration(0.2)
    ('7 s', '1 min', '1 h 27 min', '3 d 5 h', '0.2 s')
    """
    if span is None:
        return NONE
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    if seconds < 1:
        return f"{max(seconds, 0):.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if hours == 0:
        return f"{minutes} min"
    if days == 0:
        return f"{hours} h" + (f" {minutes % 60} min" if minutes % 60 else "")
    return f"{days} d" + (f" {hours % 24} h" if hours % 24 and days < 10 else "")


def cron(text: str) -> str:
    """A cron line in words where it is a plain one, else as it is.

    >>> cron("0 2 * * *"), cron("30 4 * * 1"), cron("*/5 * * * *")
    ('daily 02:00', '30 4 * * 1', '*/5 * * * *')
    """
    minute, hour, *rest = text.split()
    daily = minute.isdigit() and hour.isdigit() and rest == ["*", "*", "*"]
    return f"daily {int(hour):02}:{int(minute):02}" if daily else text


def clock(at: datetime | None, zone: str, *, seconds: bool = False, named: bool = False) -> str:
    """Time of day in ``zone``; ``named`` adds the zone's own letters.

    >>> from datetime import UTC
    >>> clock(datetime(2026, 11, 23, 13, 2, 11, tzinfo=UTC), "Europe/Berlin", seconds=True, named=True)
    '14:02:11 CET'
    """
    if at is None:
        return NONE
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%H:%M:%S}" * seconds + f"{local:%H:%M}" * (not seconds) + f" {local:%Z}" * named


def day(at: datetime, zone: str, *, year: bool = False) -> str:
    """
    >>> from datetime import UTC
    >>> day(datetime(2026, 11, 3, tzinfo=UTC), "UTC"), day(datetime(2026, 11, 3, tzinfo=UTC), "UTC", year=True)
    ('3 Nov', '3 Nov 2026')
    """
    local = at.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b}" + f" {local.year}" * year


def moment(
    at: datetime | None, zone: str, now: datetime, *, named: bool = True, seconds: bool = False
) -> str:
    """The time alone today, with the day before that, with the year before this one.

    >>> from datetime import UTC
    >>> now = datetime(2026, 11, 23, 13, 30, tzinfo=UTC)
    >>> moment(datetime(2026, 11, 23, 13, 2, tzinfo=UTC), "Europe/Berlin", now)
    '14:02 CET'
    >>> moment(datetime(2026, 11, 21, 2, 40, tzinfo=UTC), "Europe/Berlin", now, named=False)
    '21 Nov, 03:40'
    """
    if at is None:
        return NONE
    here, today = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    time = clock(at, zone, named=named, seconds=seconds)
    if here.date() == today.date():
        return time
    return f"{day(at, zone, year=here.year != today.year)}, {time}"


def full(at: datetime, zone: str) -> str:
    """
    >>> from datetime import UTC
    >>> full(datetime(2026, 11, 23, 13, 32, 8, tzinfo=UTC), "Europe/Berlin")
    'Mon 23 Nov 2026, 14:32:08 CET'
    """
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S %Z}"


def interval(hits: int, of: int) -> tuple[float, float]:
    """95 % score interval of a share (Wilson, 1927, equation 4).

    >>> [round(x, 2) for x in interval(64, 100)]
    [0.54, 0.73]
    """
    z, p = 1.96, hits / of
    middle, spread = p + z * z / (2 * of), z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return (middle - spread) / (1 + z * z / of), (middle + spread) / (1 + z * z / of)
