"""When a newly trained version takes over: figures in, a decision with its written reason out."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from monitor.domain import writing

MARGIN = 0.02  # AUROC; a smaller difference on the held-back part is noise
VOLUME = 2.0  # times the budget: what chance alone may bring on a part of this size
LEAST = 3  # alerts a day below which a factor of the budget says nothing
NOMINAL = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # p-values at which calibration is looked at
GATE = "the gate"  # who decides where no person did
Kind = Literal["promoted", "rolled back", "rejected", "replaced", "pinned", "unpinned"]


def compared(facts: Mapping[str, Any]) -> int | None:
    """With how many normal rows a version's p-values compare: as many as its calibration rows count.

    >>> compared({"rows_calibrated": 5_000, "rows_compared": 310}), compared({"rows_calibrated": 3_005}), compared({})
    (310, 3005, None)
    """
    found: int | None = facts.get("rows_compared", facts.get("rows_calibrated"))
    return found


@dataclass(frozen=True)
class Trial:
    """What one version does on the held-back part.

    auroc: planted faults (and labelled anomalies where there are any) against the part's own rows, 0..1.
    flagged_per_day: rows of the part that its policy would flag, a day; where a bar keeps a budget, what they cost
        of it, in alerts.
    ready: rows of the part that have a p-value; below: how many of these are at or below each of ``NOMINAL``.
    """

    auroc: float
    flagged_per_day: float
    rows: int
    ready: int = 0
    below: tuple[int, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether its scores are numbers."""
        return math.isfinite(self.auroc) and math.isfinite(self.flagged_per_day)


@dataclass(frozen=True)
class Decision:
    """What the gate decided and why; stored with the version as it is."""

    promoted: bool
    reason: str
    figures: dict[str, Any]


def better(candidate: Trial, champion: Trial | None, allowed_per_day: float) -> Decision:
    """Promote what is not worse than the champion and stays within the alert budget.

    >>> better(Trial(0.97, 12, 500), Trial(0.96, 15, 500), allowed_per_day=20).promoted
    True
    >>> better(Trial(0.90, 12, 500), Trial(0.96, 15, 500), allowed_per_day=20).reason
    'finds fewer planted faults than the champion: AUROC 0.900 against 0.960 on 500 held-back rows'
    """
    figures: dict[str, Any] = {
        "auroc": _rounded(candidate.auroc, 4),
        "flagged_per_day": _rounded(candidate.flagged_per_day, 2),
        "allowed_per_day": round(allowed_per_day, 2),
        "held_back_rows": candidate.rows,
        "champion_auroc": _rounded(champion.auroc, 4) if champion else None,
        "champion_flagged_per_day": _rounded(champion.flagged_per_day, 2) if champion else None,
        "auroc_least": _rounded(champion.auroc - MARGIN, 4) if champion else None,
        "flagged_most": _rounded(_most(champion, allowed_per_day), 2) if champion else None,
        "calibration": {
            "rows": candidate.ready,
            "below": [[p, n] for p, n in zip(NOMINAL, candidate.below, strict=False)],
        },
    }
    if not candidate.sound:
        return Decision(False, "its scores are not numbers: the training came to nothing", figures)
    if champion is None:
        found = f"AUROC {candidate.auroc:.3f} against planted faults on {candidate.rows:,} held-back rows"
        return Decision(True, f"first version; {found}", figures)
    if not champion.sound:
        return Decision(True, "the champion's scores are not numbers, those of this version are", figures)
    pair = f"AUROC {candidate.auroc:.3f} against {champion.auroc:.3f} on {candidate.rows:,} held-back rows"
    if candidate.auroc < champion.auroc - MARGIN:
        return Decision(False, f"finds fewer planted faults than the champion: {pair}", figures)
    volume = f"{candidate.flagged_per_day:.1f} flagged a day against a budget of {allowed_per_day:.1f}"
    if candidate.flagged_per_day > _most(champion, allowed_per_day):
        return Decision(False, f"would flag too much: {volume}", figures)
    return Decision(True, f"not worse than the champion: {pair}; {volume}", figures)


def withheld(decision: Decision, why: str) -> Decision:
    """What was measured is told, but somebody's word stands against a promotion.

    >>> withheld(Decision(True, "not worse", {}), "v3 is pinned").reason
    'v3 is pinned; it would have been promoted: not worse'
    """
    would = "promoted" if decision.promoted else "rejected"
    return Decision(False, f"{why}; it would have been {would}: {decision.reason}", decision.figures)


def _rounded(figure: float, digits: int) -> float | None:
    """For JSON, which has no NaN."""
    return round(figure, digits) if math.isfinite(figure) else None


def _most(champion: Trial, allowed_per_day: float) -> float:
    """What the gate lets pass, a day."""
    return max(LEAST, VOLUME * allowed_per_day, champion.flagged_per_day)


@dataclass(frozen=True)
class Step:
    """One thing that was decided on a version.

    other: number of the version that it replaced, or that replaced it.
    """

    kind: Kind
    actor: str
    at: datetime | None
    reason: str
    figures: dict[str, Any] = field(default_factory=dict)
    other: int | None = None

    def said(self, zone: str, now: datetime) -> str:
        """What, by whom and when; the reason stands beside it.

        >>> from datetime import UTC
        >>> at = datetime(2026, 11, 23, 13, 2, tzinfo=UTC)
        >>> Step("rolled back", "ana", at, "", other=41).said("Europe/Berlin", at)
        'rolled back from v41 by ana, 14:02 CET'
        """
        link = {"replaced": "by", "rolled back": "from"}.get(self.kind, "over")
        other = f" {link} v{self.other}" if self.other is not None else ""
        by = ", decided by" if self.kind == "replaced" else " by"
        when = f", {writing.moment(self.at, zone, now)}" if self.at else ""
        return f"{self.kind}{other}{by} {self.actor}{when}"


def by_hand(state: str, number: int, champion: int | None) -> Kind:
    """What it is called when a person makes a version champion.

    >>> by_hand("retired", 39, 41), by_hand("retired", 41, 39), by_hand("rejected", 40, 41)
    ('rolled back', 'promoted', 'promoted')
    """
    return "rolled back" if state == "retired" and champion is not None and number < champion else "promoted"


def lineage(decided: Iterable[tuple[int, Step]]) -> list[int]:
    """Numbers of the champions that led to the present one, which is the last; who goes back leaves what was in front.

    >>> at = [datetime(2026, 11, day) for day in (1, 2, 3, 4)]
    >>> made = [(n, Step("promoted", GATE, at[n - 1], "")) for n in (1, 2, 3)]
    >>> lineage(made), lineage([*made, (2, Step("rolled back", "ana", at[3], ""))])
    ([1, 2, 3], [1, 2])
    """
    line: list[int] = []
    turns = [(number, step) for number, step in decided if step.kind in ("promoted", "rolled back")]
    for number, step in sorted(turns, key=lambda turn: (turn[1].at is not None, turn[1].at)):
        if step.other is not None and step.other not in line:
            line.append(step.other)  # what an earlier release decided on it was not kept
        if number in line:
            line = line[: line.index(number) + 1]
        else:
            line = [*(line[:-1] if step.kind == "rolled back" else line), number]
    return line


def kept(steps: Sequence[Step]) -> dict[str, Any]:
    """As it is stored: the newest step, and under ``earlier`` those before it, oldest first."""
    return {**written(steps[-1]), "earlier": [written(step) for step in steps[:-1]]}


def steps(stored: dict[str, Any] | None, decided_at: datetime | None = None) -> list[Step]:
    """What was decided on a version, newest last; reads what earlier releases stored, which is one decision alone.

    decided_at: when that one was made, since it does not say so itself.
    """
    return [_read(one, decided_at) for one in (*stored.get("earlier", []), stored)] if stored else []


def reworded(stored: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """What is stored with other reasons, in every step.

    >>> reworded({"reason": "ana asked", "earlier": [{"reason": "ana"}]}, lambda r: r.replace("ana", "x"))
    {'reason': 'x asked', 'earlier': [{'reason': 'x'}]}
    """
    said = {"reason": change(stored["reason"])} if "reason" in stored else {}
    before = {"earlier": [reworded(one, change) for one in stored["earlier"]]} if "earlier" in stored else {}
    return stored | said | before


def written(step: Step) -> dict[str, Any]:
    """One step as JSON."""
    return {
        "kind": step.kind, "actor": step.actor, "at": step.at.isoformat() if step.at else None,
        "reason": step.reason, "figures": step.figures, "other": step.other,
        "promoted": step.kind in ("promoted", "rolled back"),
    }  # fmt: skip


def _read(stored: dict[str, Any], decided_at: datetime | None) -> Step:
    reason, figures = str(stored.get("reason", "")), stored.get("figures") or {}
    if stored.get("kind") in get_args(Kind):
        at = datetime.fromisoformat(stored["at"]) if stored["at"] else None
        return Step(stored["kind"], stored["actor"], at, reason, figures, stored["other"])
    if "before" in figures:  # a person's choice was told by its reason alone
        kind: Kind = "rolled back" if figures["before"] == "retired" else "promoted"
        return Step(kind, reason.removeprefix("promoted by "), decided_at, "no reason given")
    return Step("promoted" if stored.get("promoted") else "rejected", GATE, decided_at, reason, figures)
