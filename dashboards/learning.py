"""How a training went: the curve of its losses, and whether its p-values mean what they say."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from dashboards.charts import HIGH, WIDE, Scale, dots, framed, path
from monitor.domain.version import NOMINAL

LEAST = 5e-4  # where the calibration's axes begin
TAILS = 0.025  # beyond each end of the band
Below = Sequence[tuple[float, int]]  # (nominal p, rows at or below it)


def curve(points: Sequence[Sequence[Any]]) -> Markup | None:
    """Loss by step, on rows of training and on unseen ones where these were measured; None without a curve."""
    known = [
        [(step, loss) for step, *losses in points if len(losses) > n and (loss := losses[n]) is not None]
        for n in range(2)
    ]
    if len(known[0]) < 2:
        return None
    values = [loss for line in known for _, loss in line]
    scale = Scale.over(values, log=min(values) > 0 and max(values) > 4 * min(values))
    last = known[0][-1][0]
    marks = [
        path([(step / last, scale(loss)) for step, loss in line], kind)
        for line, kind in zip(known, ("line", "expected"), strict=True)
    ]
    ticks = [(scale(t), f"{t:.3g}") for t in scale.ticks()]
    below = [(at, f"{last * at:,.0f}") for at in (0.0, 0.5)] + [(1.0, f"{last:,} steps")]
    return framed(
        marks, ticks, below, f"loss over {last:,} steps, from {known[0][0][1]:.3g} to {known[0][-1][1]:.3g}"
    )


def band(rows: int, p: float) -> tuple[int, int]:
    """Fewest and most of ``rows`` that are at or below p in 95 of 100 cases, were p right (binomial).

    >>> band(1000, 0.01), band(1194, 0.5)
    ((4, 17), (563, 631))
    """
    spread = math.sqrt(rows * p * (1 - p))
    if spread > 6:
        return round(rows * p - 1.96 * spread), round(rows * p + 1.96 * spread)
    chance = total = (1 - p) ** rows
    low = 0 if total > TAILS else None
    n = 0
    while total < 1 - TAILS and n < rows:
        chance *= (rows - n) / (n + 1) * p / (1 - p)
        total, n = total + chance, n + 1
        low = n if low is None and total > TAILS else low
    return low or 0, n


@dataclass(frozen=True)
class Calibration:
    """The chart of nominal p against observed share, and in words what it shows."""

    chart: Markup
    words: str
    rows: int


def calibration(rows: int, below: Below, live_rows: int, live: Below) -> Calibration | None:
    """``rows`` of the gate's part, unseen by training and calibration; ``live``: newest scores. None without any."""
    measured = [(rows, below, "dot"), (live_rows, live, "dot dim")]
    counted = [(n, [(p, k) for p, k in part if n * p >= 1], kind) for n, part, kind in measured if n]
    counted = [one for one in counted if one[1]]
    if not counted:
        return None
    n, part, _ = counted[0]
    scale = Scale(LEAST, 1.0, log=True)
    ranges = [(p, *band(n, p)) for p, _ in part]
    edge = [(scale(p), scale(high / n)) for p, _, high in ranges]
    edge += [(scale(p), scale(low / n)) for p, low, _ in reversed(ranges)]
    text = "L".join(f"{x * WIDE:.1f} {(1 - y) * HIGH:.2f}" for x, y in edge)
    marks = [Markup('<path class="band" d="M{}Z"/>').format(text), path([(0, 0), (1, 1)], "expected")]
    for many, each, kind in reversed(counted):
        marks.append(dots([(scale(p), scale(k / many)) for p, k in each], kind))
    ticks = [(scale(t), f"{t:.1%}".replace(".0%", "%").replace("%", " %")) for t in (0.001, 0.01, 0.1, 1.0)]
    return Calibration(framed(marks, ticks, ticks, _said(n, part)), _said(n, part), n)


def _said(rows: int, below: Below) -> str:
    """What the dots mean for whoever sets a threshold."""
    off = [(p, k) for p, k in below if not band(rows, p)[0] <= k <= band(rows, p)[1]]
    if not off:
        return f"All within the 95 % band of {rows:,} rows: the p-values mean what they say."
    p, k = min(off, key=lambda found: NOMINAL.index(found[0]))
    many = "more" if k > rows * p else "fewer"
    return (
        f"{many.capitalize()} odd rows than said: {k:,} of {rows:,} rows had p at most {p:g}, expected were "
        f"{rows * p:,.0f} ({band(rows, p)[0]:,} to {band(rows, p)[1]:,})."
    )
