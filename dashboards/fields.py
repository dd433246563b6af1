"""One field of an explanation in the words and units of its monitor."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from dashboards import charts
from monitor.domain import writing
from monitor.domain.monitor import Monitor
from monitor.domain.sentence import amount

UNSEEN = " (unseen)"


def number(value: Any) -> float | None:
    """The value if it is a finite number (a truth value is none)."""
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if usable else None


def number_sign(field: str, config: Monitor) -> tuple[str, str | None]:
    """What stands before a field's numbers (a currency), and its unit."""
    if field == config.value and config.currency:
        return writing.SIGNS.get(config.currency, f"{config.currency} "), None
    return "", config.fields.unit.get(field)


def written(value: Any, field: str, config: Monitor) -> str:
    """A cell as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return (
            f"{writing.day(value, config.schedule.timezone)} {writing.clock(value, config.schedule.timezone)}"
        )
    if number(value) is not None and field == config.value and config.currency:
        return writing.money(value, config.currency)
    if isinstance(value, str):
        return value.removesuffix(UNSEEN)
    text = amount(value, config.fields.unit.get(field))
    return text.replace("-", "−", 1) if number(value) is not None else text


@dataclass(frozen=True)
class Line:
    """Expected against actual of one field, ready to be shown."""

    field: str
    actual: str
    expected: str
    usual: str
    share: float
    place: Markup | str
    outside: bool
    aside: bool  # what is expected of this row lies outside of what is usual over all rows

    @classmethod
    def of(cls, part: dict[str, Any], config: Monitor) -> "Line":
        name, actual, expected = part["field"], part["actual"], part.get("expected")
        low, high = number(part.get("low")), number(part.get("high"))
        value = number(actual)
        unseen = isinstance(actual, str) and actual.endswith(UNSEEN)
        outside = unseen or _beyond(value, low, high)
        if part["kind"] == "date":  # "Monday 14:02 (2026-03-02T14:02:11+00:00)"
            actual = actual.split(" (")[0] if isinstance(actual, str) else actual
        return cls(
            field=name,
            actual=written(actual, name, config),
            expected=written(expected, name, config),
            usual=_usual(low, high, name, config),
            share=part["share"],
            place=_place(part, value, number(expected), low, high, unseen),
            outside=outside,
            aside=_beyond(number(expected), low, high),
        )


def _beyond(value: float | None, low: float | None, high: float | None) -> bool:
    return value is not None and low is not None and high is not None and not low <= value <= high


def _usual(low: float | None, high: float | None, field: str, config: Monitor) -> str:
    if low is None or high is None:
        return ""
    sign, unit = number_sign(field, config)
    words = f"{sign}{amount(low)} – {sign}{amount(high, unit)}"
    return words.replace(" – ", " to ").replace("-", "−") if low < 0 else words


def _place(
    part: dict[str, Any],
    value: float | None,
    expected: float | None,
    low: float | None,
    high: float | None,
    unseen: bool,
) -> Markup | str:
    if value is not None:
        return charts.strip(value, expected, low, high)
    if part["actual"] is None:
        return "missing"
    if part["kind"] == "category":
        return (
            "never seen before" if unseen else "" if part["actual"] == part.get("expected") else "seen before"
        )
    return ""
