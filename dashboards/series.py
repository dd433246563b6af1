"""The series around an alert and the scores over time, as framed charts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from markupsafe import Markup

from dashboards.charts import Scale, Time, box, dots, framed, level, path, plane, skewed
from monitor.domain.sentence import amount
from monitor.domain.writing import counted
from monitor.storage.evidence import Point
from monitor.storage.pages import Bin

PRESENT = 0.06, 0.14  # of the width of a chart, of a spark: what stands for now
Usual = tuple[float | None, float | None, float | None]  # low, expected, high


def line(
    points: Sequence[Point], span: tuple[datetime, datetime], usual: Usual, unit: str | None, zone: str
) -> Markup:
    """A sensor as a line over its usual band; the flagged part is shaded and thicker."""
    low, expected, high = usual
    values = [v for p in points for v in (p.low, p.high)] + [v for v in usual if v is not None]
    scale, axis = Scale.over(values), Time(points[0].at, points[-1].at, zone)
    drawn = [(axis(p.at), scale(v)) for p in points for v in dict.fromkeys((p.low, p.high))]
    start, end = axis(span[0]), axis(span[1])
    hot = [(x, y) for x, y in drawn if start <= x <= end]
    marks = [*_band(scale, low, high), box(start, end, 0, 1, "flag")]
    if expected is not None:
        marks.append(path([(start, scale(expected)), (end, scale(expected))], "expected"))
    marks += [path(drawn, "line"), path(hot, "line hot") if len(hot) > 1 else dots(hot, "dot hot")]
    ticks = [(scale(t), amount(t)) for t in scale.ticks()]
    return framed(marks, ticks, axis.labels(), f"{counted(len(points), 'point')}; flagged part marked")


def scatter(
    rows: Sequence[tuple[int, datetime, float]], flagged: set[int], usual: Usual, sign: str, zone: str
) -> tuple[Markup, bool]:
    """Rows that stand alone as dots, and whether the axis is logarithmic."""
    low, expected, high = usual
    values = [v for _, _, v in rows]
    log = skewed(values)
    held = values + [v for v in usual if v is not None and (v > 0 or not log)]
    scale, axis = Scale.over(held, log=log), Time(rows[0][1], rows[-1][1], zone)
    calm = [(axis(at), scale(v)) for n, at, v in rows if n not in flagged]
    hot = [(axis(at), scale(v)) for n, at, v in rows if n in flagged]
    marks = _band(scale, low, high)
    if hot:
        marks.append(
            box(
                max(0.0, min(x for x, _ in hot) - 0.006),
                min(1.0, max(x for x, _ in hot) + 0.004),
                0,
                1,
                "flag",
            )
        )
    if expected is not None:
        marks.append(level(scale(expected), "expected"))
    marks += [dots(calm, "dot dim"), dots(hot, "dot hot large")]
    ticks = [(scale(t), f"{sign}{amount(t)}") for t in scale.ticks()]
    return framed(
        marks, ticks, axis.labels(), f"{counted(len(rows), 'row')}, {len(hot)} of them flagged"
    ), log


def _band(scale: Scale, low: float | None, high: float | None) -> list[Markup]:
    return [box(0, 1, scale(low), scale(high), "band")] if low is not None and high is not None else []


def history(
    bins: Sequence[Bin], start: datetime, end: datetime, threshold: float | None, zone: str
) -> Markup:
    """The oddest row of each stretch as one in how many normal rows, on a log axis.

    threshold: the p-value in force now; what it was before is not kept, so it is drawn at the end alone.
    """
    axis, tops = Time(start, end, zone), [_odd(b.p_value) for b in bins]
    most = max([*tops, _odd(threshold) * 3 if threshold else 10.0, 100.0])
    scale = Scale(max(1.0, min(tops) / 3), most * 1.6, log=True)
    drawn = [(axis(b.at), scale(top)) for b, top in zip(bins, tops, strict=True)]
    hot = [at for at, b in zip(drawn, bins, strict=True) if b.flagged]
    marks = [path(part, "line thin") for part in _runs(drawn, bins)]
    if threshold:
        y = scale(_odd(threshold))
        marks.append(path([(1 - PRESENT[0], y), (1, y)], "expected"))
    marks.append(dots(hot, "dot hot"))
    ticks = [(scale(t), f"1 in {t:,.0f}") for t in scale.ticks(5) if t > 1]
    return framed(
        marks, ticks, axis.labels(6), f"scores of {len(bins)} stretches, {len(hot)} with flagged rows"
    )


def spark(bins: Sequence[Bin], now: datetime, threshold: float | None) -> Markup:
    """A day of scores in a line of a table; grey where there is nothing."""
    start = now - timedelta(days=1)
    axis, scale = (
        Time(start, now, "UTC"),
        Scale(1.0, max(1e4, _odd(threshold) * 8 if threshold else 0), log=True),
    )
    drawn = [(axis(b.at), 0.08 + 0.84 * scale(_odd(b.p_value))) for b in bins]
    hot = [at for at, b in zip(drawn, bins, strict=True) if b.flagged]
    edges = [start, *(b.at for b in bins), now]
    holes = [(a, b) for a, b in pairwise(edges) if b - a > timedelta(minutes=50)]
    marks = [box(axis(a), axis(b), 0, 1, "hole") for a, b in holes]
    if threshold:
        y = 0.08 + 0.84 * scale(_odd(threshold))
        marks.append(path([(1 - PRESENT[1], y), (1, y)], "expected"))
    marks += [path(part, "line thin") for part in _runs(drawn, bins)]
    return plane([*marks, dots(hot, "dot hot small")], "spark")


def _runs(drawn: Sequence[tuple[float, float]], bins: Sequence[Bin]) -> list[list[tuple[float, float]]]:
    """Broken where stretches are missing, so that no line is drawn over nothing."""
    if not bins:
        return []
    usual = sorted(b.at - a.at for a, b in pairwise(bins))
    gap = 4 * usual[len(usual) // 2] if usual else timedelta(0)
    parts: list[list[tuple[float, float]]] = [[drawn[0]]]
    for before, this, at in zip(bins, bins[1:], drawn[1:], strict=False):
        if this.at - before.at > gap:
            parts.append([])
        parts[-1].append(at)
    return parts


def _odd(p_value: float | None) -> float:
    return min(1e9, 1 / p_value) if p_value else 1e9


def legend(*parts: tuple[str, str]) -> Markup:
    return Markup("").join(Markup('<span class="key {}">{}</span>').format(*p) for p in parts)
