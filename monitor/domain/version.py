"""When a newly trained version takes over: figures in, a decision with its written reason out."""

import math
from dataclasses import dataclass
from typing import Any

MARGIN = 0.02  # AUROC; a smaller difference on the held-back part is noise
VOLUME = 2.0  # times the budget: what chance alone may bring on a part of this size
LEAST = 3  # alerts a day below which a factor of the budget says nothing


@dataclass(frozen=True)
class Trial:
    """What one version does on the held-back part.

    auroc: planted faults (and labelled anomalies where there are any) against the part's own rows, 0..1.
    flagged_per_day: rows of the part that its policy would flag, a day.
    """

    auroc: float
    flagged_per_day: float
    rows: int

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
    limit = max(LEAST, VOLUME * allowed_per_day, champion.flagged_per_day)
    volume = f"{candidate.flagged_per_day:.1f} flagged rows a day against a budget of {allowed_per_day:.1f}"
    if candidate.flagged_per_day > limit:
        return Decision(False, f"would flag too much: {volume}", figures)
    return Decision(True, f"not worse than the champion: {pair}; {volume}", figures)


def _rounded(figure: float, digits: int) -> float | None:
    """For JSON, which has no NaN."""
    return round(figure, digits) if math.isfinite(figure) else None
