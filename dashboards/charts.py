"""Small charts as SVG text: pure functions from numbers to markup, drawn without a library.

The plane is 1000 x 100 and is stretched to its box, so strokes do not scale and all text is HTML placed in
per cent: it keeps its size at any width. Colours are classes, so light and dark need no second drawing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from monitor.domain import writing

WIDE, HIGH = 1000.0, 100.0
STEPS = (1, 2, 2.5, 5, 10)
LEAST_BAND = 0.05  # of a strip's width: six or seven pixels


@dataclass(frozen=True)
class Scale:
    """From values to 0..1."""

    low: float
    high: float
    log: bool = False

    @classmethod
    def over(cls, values: Sequence[float], *, log: bool = False, margin: float = 0.06) -> "Scale":
        """A scale that holds all values with a margin at both ends."""
        low, high = min(values), max(values)
        if log:
            spread = max(math.log10(high / low), 0.3) * margin
            return cls(low / 10**spread, high * 10**spread, True)
        spread = (high - low or abs(high) or 1.0) * margin
        return cls(low - spread, high + spread)

    def __call__(self, value: float) -> float:
        low, high = self._plain(self.low), self._plain(self.high)
        return min(1.0, max(0.0, (self._plain(value) - low) / (high - low)))

    def _plain(self, value: float) -> float:
        return math.log10(max(value, 1e-12)) if self.log else value

    def ticks(self, wanted: int = 4) -> list[float]:
        """Round values within the scale."""
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            every = max(1, math.ceil((last - first + 1) / (wanted + 1)))
            powers = [10.0**n for n in range(first, last + 1, every)]
            return powers if len(powers) > 1 else Scale(self.low, self.high).ticks(wanted)
        rough = (self.high - self.low) / wanted
        power = 10 ** math.floor(math.log10(rough))
        step = next(s * power for s in STEPS if s * power >= rough)
        return [n * step for n in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]


def skewed(values: Sequence[float]) -> bool:
    """Whether a log axis shows more: all above zero, and the largest far from the middle."""
    ordered = sorted(values)
    return bool(ordered) and ordered[0] > 0 and ordered[-1] > 8 * ordered[len(ordered) // 2]


@dataclass(frozen=True)
class Time:
    """The axis below: from start to end, written in a zone."""

    start: datetime
    end: datetime
    zone: str

    def __call__(self, at: datetime) -> float:
        whole = (self.end - self.start).total_seconds() or 1.0
        return min(1.0, max(0.0, (at - self.start).total_seconds() / whole))

    def labels(self, wanted: int = 5) -> list[tuple[float, str]]:
        span = self.end - self.start
        found: list[tuple[float, str]] = []
        for n in range(wanted):
            at = self.start + span * n / (wanted - 1)
            text = writing.day(at, self.zone) if span > timedelta(days=3) else self._hour(at, span)
            if not found or found[-1][1] != text:
                found.append((n / (wanted - 1), text))
        return found

    def _hour(self, at: datetime, span: timedelta) -> str:
        text = writing.clock(at, self.zone, seconds=span < timedelta(minutes=10))
        return f"{writing.day(at, self.zone)} {text}" if span > timedelta(hours=20) else text


def path(points: Sequence[tuple[float, float]], kind: str) -> Markup:
    """A line through (x, y) of 0..1, y upwards."""
    if not points:
        return Markup("")
    text = "L".join(f"{x * WIDE:.1f} {(1 - y) * HIGH:.2f}" for x, y in points)
    return Markup('<path class="{}" d="M{}"/>').format(kind, text)


def dots(points: Sequence[tuple[float, float]], kind: str) -> Markup:
    """Zero-length strokes with round caps: round whatever the box's shape."""
    text = "".join(f"M{x * WIDE:.1f} {(1 - y) * HIGH:.2f}h0" for x, y in points)
    return Markup('<path class="{}" d="{}"/>').format(kind, text) if points else Markup("")


def box(x0: float, x1: float, y0: float, y1: float, kind: str) -> Markup:
    return Markup('<rect class="{}" x="{:.1f}" y="{:.2f}" width="{:.1f}" height="{:.2f}"/>').format(
        kind, x0 * WIDE, (1 - y1) * HIGH, max((x1 - x0) * WIDE, 1.5), (y1 - y0) * HIGH
    )


def level(y: float, kind: str) -> Markup:
    return path([(0, y), (1, y)], kind)


def plane(marks: Sequence[Markup], kind: str = "") -> Markup:
    return Markup(
        '<svg class="plane {}" viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true">{}</svg>'
    ).format(kind, Markup("").join(marks))


def framed(
    marks: Sequence[Markup], y: Sequence[tuple[float, str]], x: Sequence[tuple[float, str]], label: str
) -> Markup:
    """A plane with its axes; ``label`` is what a screen reader says."""
    lines = [level(at, "grid") for at, _ in y]
    left = [Markup('<span style="bottom:{:.2f}%">{}</span>').format(at * 100, text) for at, text in y]
    below = [
        Markup('<span class="{}" style="left:{:.2f}%">{}</span>').format(_end(at), at * 100, text)
        for at, text in x
    ]
    return Markup(
        '<figure class="chart" role="img" aria-label="{}"><div class="y">{}</div><div class="plot">{}</div>'
        '<div class="x">{}</div></figure>'
    ).format(label, Markup("").join(left), plane([*lines, *marks]), Markup("").join(below))


def _end(at: float) -> str:
    return "first" if at == 0 else "last" if at == 1 else ""


def strip(actual: float, expected: float | None, low: float | None, high: float | None) -> Markup:
    """Place in the usual range: rail, band of the usual 98 %, tick for expected, dot for actual.

    All of them lie within the strip, and the band never gets too narrow to be seen beside a far tick or dot.
    """
    known = [v for v in (actual, expected, low, high) if v is not None]
    scale = Scale.over(known, margin=0.1)
    marks = [level(0.5, "rail")]
    outside = False
    if low is not None and high is not None:
        spare = max(0.0, LEAST_BAND - (scale(high) - scale(low))) / 2
        marks.append(box(scale(low) - spare, scale(high) + spare, 0.26, 0.74, "band"))
        outside = not low <= actual <= high
    if expected is not None:
        marks.append(path([(scale(expected), 0.12), (scale(expected), 0.88)], "tick"))
    marks.append(dots([(scale(actual), 0.5)], "dot hot" if outside else "dot"))
    return plane(marks, "strip")


def days(moments: Sequence[datetime], start: datetime, now: datetime) -> Markup:
    """An entity's alerts on a line from ``start`` to now; the one looked at is the last of ``moments``."""
    axis = Time(start, now, "UTC")
    at = [(axis(m), 0.5) for m in moments]
    return plane([level(0.5, "rail"), dots(at[:-1], "dot dim"), dots(at[-1:], "dot hot large")], "strip")
