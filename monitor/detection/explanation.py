"""Why a row was flagged: each field's share, what was expected and what is usual, in the field's own units."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.detection.scorer import Scorer


def explained(
    scorer: Scorer, frame: pd.DataFrame, rows: NDArray[np.intp], context: pd.DataFrame | None
) -> list[list[dict[str, Any]]]:
    """One list a row, its fields by falling share; every value is JSON."""
    if not len(rows):
        return []
    shares, usual = scorer.reasons(frame, rows, context)
    return [
        [
            {"field": fields[at].field, "share": float(share[at]), **fields[at].__dict__}
            for at in np.argsort(-share, kind="stable")
        ]
        for share, fields in zip(shares, usual, strict=True)
    ]
