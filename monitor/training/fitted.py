"""What fitting one kind of monitor hands back."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.detection.scorer import Scorer


@dataclass(frozen=True)
class Fitted:
    model: bytes  # ONNX
    scorer: Scorer
    held_scores: NDArray[np.float64]  # (m,): scores of rows that training did not see
    independent: float | None  # as how many rows these count where neighbours repeat each other; None: as all
    rows_trained: int
    objective: str
    reason: str
    refused: dict[str, str]
    curve: list[tuple[int, float, float | None]]  # (step, loss a member, the same on unseen rows)
    more: dict[str, Any] = field(default_factory=dict)
