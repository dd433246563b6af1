"""The public Detector: fit, score, explain, save and load."""

import importlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from monitor.detection.bundle import Bundle
from monitor.detection.calibration import Calibration
from monitor.detection.explanation import explained
from monitor.detection.options import Options
from monitor.detection.scorer import Scorer
from monitor.detection.sensor import SensorScorer
from monitor.detection.serve import Session
from monitor.detection.tabular import TabularScorer
from monitor.domain.errors import MonitorError

SCORERS: dict[str, type[TabularScorer] | type[SensorScorer]] = {
    "tabular": TabularScorer,
    "sensor": SensorScorer,
}
VERIFIED = 0.01  # up to this p-value shares are verified by scoring anew; of the rest nobody asks why
Progress = Callable[[float, str], None]


class Detector:
    """Learns what is usual in a frame and says how odd other rows are, why, and how often such rows occur.

    ``kind``: tabular (a row stands alone) or sensor (rows are samples in time; needs ``time``).
    ``contaminated``: training rows may hold unlabelled anomalies; False only for data known to be clean.
    ``entity``: whose row it is; all entities share one model. ``offline``: scores may use later rows.
    ``history``: rows of a table that have an ``entity`` and a ``time`` are set against earlier rows of their entity;
    ``value``: the number that is summed over these.

    >>> detector = Detector(contaminated=False).fit(train)          # doctest: +SKIP
    >>> detector.score(frame)[["score", "p_value"]]                 # doctest: +SKIP
    """

    def __init__(
        self,
        kind: str = "tabular",
        objective: str = "auto",
        contaminated: bool = True,
        seed: int = 0,
        *,
        categorical: Iterable[str] = (),
        exclude: Iterable[str] = (),
        entity: str | None = None,
        time: str | None = None,
        offline: bool = False,
        history: bool = True,
        value: str | None = None,
    ) -> None:
        lists = (tuple(categorical), tuple(exclude))
        self.options = Options(
            kind, objective, contaminated, seed, *lists, entity, time, offline, history, value
        )
        self._bundle: Bundle | None = None
        self._scorer: Scorer | None = None
        self._calibration: Calibration | None = None

    def fit(
        self, frame: pd.DataFrame, on_progress: Progress | None = None, context: pd.DataFrame | None = None
    ) -> "Detector":
        """Trains on ``frame`` (n rows); ``on_progress`` gets a fraction 0..1 and a few words.

        ``context``: further rows of its entities, which are not learned from but belong to their past.

        Raises NotEnoughRows, and MonitorError when no column can be a field.
        """
        # By name: training lies above this layer, and scoring must never load it.
        training = importlib.import_module("monitor.training.fit")
        self._take(training.fit(frame, self.options, on_progress, context))
        return self

    def score(
        self, frame: pd.DataFrame, context: pd.DataFrame | None = None, shares: bool = True
    ) -> pd.DataFrame:
        """One line a row of ``frame``, with its index: score, p_value, ready, and share_<field> for each field.

        ``context``: the ``context_rows`` rows before of each entity. A sensor's row that lacks them has ``ready`` False
        and p_value 1. A score is higher where more anomalous; shares sum to 1. ``shares`` False
        leaves them out, for many rows of which only a few will need a reason (see ``explain``).
        """
        scorer, calibration = self._fitted()
        scored = scorer.score(frame, context, shares)
        p_values = np.where(scored.ready, calibration.p_values(scored.score), 1.0)
        if scored.least is not None:
            p_values = np.maximum(p_values, scored.least)
        columns = {"score": scored.score, "p_value": p_values, "ready": scored.ready}
        if shares and scored.share is not None:
            odd = np.flatnonzero(p_values <= VERIFIED)
            share = scored.share.copy()
            share[odd] = scorer.shares(frame, odd, share[odd], context)
            columns |= {f"share_{field}": share[:, at] for at, field in enumerate(scorer.fields)}
        return pd.DataFrame(columns, index=frame.index)

    def explain(
        self, frame: pd.DataFrame, rows: Sequence[int], context: pd.DataFrame | None = None
    ) -> list[list[dict[str, Any]]]:
        """For each of ``rows`` (places in ``frame``) its fields by falling share, as JSON.

        Each field: field, kind, share, actual, expected, low, high, derived (told by the rows before, no column of
        the source); values in the field's own units.
        """
        scorer, _ = self._fitted()
        return explained(scorer, frame, np.asarray(rows, np.intp), context)

    @property
    def fields(self) -> list[str]:
        """The source fields that the score is made of."""
        return list(self._fitted()[0].fields)

    @property
    def context_rows(self) -> int:
        """Rows of each entity before a row that its score looks at."""
        return self._fitted()[0].context_rows

    @property
    def version_facts(self) -> dict[str, Any]:
        """What a version's page shows: rows, objective and why, training curve, refused columns, seconds."""
        self._fitted()
        assert self._bundle is not None
        facts: dict[str, Any] = self._bundle.manifest["facts"]
        return facts

    def save(self, folder: str | Path) -> None:
        self._sealed().save(Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> "Detector":
        """Raises BundleCorrupt when a part is absent or does not match its sha256."""
        return cls._from(Bundle.load(Path(folder)))

    def to_bytes(self) -> bytes:
        return self._sealed().to_bytes()

    @classmethod
    def from_bytes(cls, blob: bytes) -> "Detector":
        """Raises BundleCorrupt when the bytes are not a bundle or do not match their sha256."""
        return cls._from(Bundle.from_bytes(blob))

    @classmethod
    def _from(cls, bundle: Bundle) -> "Detector":
        detector = cls.__new__(cls)
        detector.options = Options.restore(bundle.manifest["options"])
        detector._take(bundle)
        return detector

    def _take(self, bundle: Bundle) -> None:
        manifest, arrays = bundle.manifest, dict(bundle.arrays)
        self._calibration = Calibration.restore(manifest["calibration"], arrays.pop("calibration"))
        scorer = SCORERS[self.options.kind]
        self._scorer = scorer.restore(manifest["scorer"], arrays, Session(bundle.model))
        self._bundle = bundle

    def _fitted(self) -> tuple[Scorer, Calibration]:
        if self._scorer is None or self._calibration is None:
            raise MonitorError("the detector is not fitted; call fit, or load a saved one")
        return self._scorer, self._calibration

    def _sealed(self) -> Bundle:
        self._fitted()
        assert self._bundle is not None
        return self._bundle
