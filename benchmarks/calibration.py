"""P-values that hold on rows nobody saw, and a budget of alerts that is kept over series that drift."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks import Claim
from benchmarks.families import labelled_sets
from monitor.detection.detector import Detector
from monitor.detection.flagging import Before, flag
from monitor.domain.alert import Alert, Outlier, Rule, group
from monitor.domain.monitor import Alerts, Monitor
from monitor.training.context import before

SEEDS = range(5)
NOMINAL = 0.01
FEWEST, POINTS = 600, 4_000  # normal rows of a table, test points of a series
MEAN, MOST = (0.007, 0.013), 0.02  # of the false-positive rate: over the sets, and of any of them
EPISODES, FACTOR, SHARE = 20, 1.5, 0.75  # asked for; what is near enough; of how many series
BATCH = 2_000  # rows: what is cut where makes no difference
GOAL = (
    "nine tables, 5 seeds: 0.7 to 1.3 % of unseen normal rows at p <= 1 %, none over 2 %; "
    "series: 20 episodes asked for give 13.3 to 30 on at least 75 %"
)


def run() -> Claim:
    sets = labelled_sets()
    if sets is None:
        print("the labelled sets are not here (../shared, or MONITOR_TEST_DATA)")
        return Claim("calibration", False, "not measured, the data are not here", GOAL)
    rates = false_positives(sets / "tabular")
    kept = episodes(sets / "ts")
    low, high = MEAN
    near = kept["bar"].between(EPISODES / FACTOR, EPISODES * FACTOR)
    fixed = kept["cutoff"].between(EPISODES / FACTOR, EPISODES * FACTOR)
    figure = (
        f"{rates.mean():.2%} on {len(rates)} tables, at most {rates.max():.2%} ({rates.idxmax()}); "
        f"{near.sum()} of {len(kept)} series ({kept['bar'].min()} to {kept['bar'].max()} episodes), "
        f"with a fixed cutoff {fixed.sum()} ({kept['cutoff'].min()} to {kept['cutoff'].max()})"
    )
    holds = low <= rates.mean() <= high and rates.max() < MOST and near.mean() >= SHARE
    return Claim("calibration", bool(holds), figure, GOAL)


def false_positives(folder: Path) -> "pd.Series[float]":
    """set -> share of unseen normal rows at or below NOMINAL, mean of SEEDS; half of the normal rows are learnt."""
    found = {}
    for path in sorted(folder.glob("*.parquet")):
        frame = pd.read_parquet(path)
        normal = frame[frame["label"] == 0].drop(columns="label").reset_index(drop=True)
        if len(normal) < FEWEST:
            continue
        each = [_share(normal, seed) for seed in SEEDS]
        found[path.stem] = float(np.mean(each))
        print(f"{path.stem}: {found[path.stem]:.2%} ({min(each):.2%} to {max(each):.2%})", flush=True)
    return pd.Series(found)


def _share(normal: pd.DataFrame, seed: int) -> float:
    order = np.random.default_rng(seed).permutation(len(normal))
    half = len(normal) // 2
    detector = Detector(contaminated=False, seed=seed).fit(normal.iloc[order[:half]])
    p_values = detector.score(normal.iloc[order[half:]], shares=False)["p_value"]
    return float((p_values <= NOMINAL).mean())


def episodes(folder: Path) -> pd.DataFrame:
    """A line a series: alerts over the test part by the bar that moves, and by one cutoff for all rows."""
    found = {}
    for path in sorted(folder.glob("*.parquet")):
        frame = pd.read_parquet(path)
        train, test = (
            frame[frame["split"] == part].drop(columns="split").reset_index(drop=True)
            for part in ("train", "test")
        )
        if len(test) < POINTS:
            continue
        detector = Detector("sensor", time="timestamp", exclude=["label"]).fit(train)
        stream = Stream.of(detector, train, test)
        found[path.stem] = {"bar": stream.alerts("sensor"), "cutoff": stream.alerts("tabular")}
        print(f"{path.stem}: {found[path.stem]}", flush=True)
    return pd.DataFrame(found).T


@dataclass(frozen=True)
class Stream:
    """The test part as scoring meets it: rows in time, each batch scored with the rows before it."""

    detector: Detector
    rows: pd.DataFrame
    scored: pd.DataFrame

    @classmethod
    def of(cls, detector: Detector, train: pd.DataFrame, test: pd.DataFrame) -> "Stream":
        rows = test.assign(
            event_at=pd.to_datetime(test["timestamp"], utc=True), entity=None, reading_id=range(len(test))
        )
        context, parts = before(train, test, detector), []
        for start in range(0, len(rows), BATCH):
            batch = rows.iloc[start : start + BATCH]
            parts.append(detector.score(batch, context, shares=False))
            context = pd.concat([context, batch]).tail(detector.context_rows)
        return cls(detector, rows, pd.concat(parts))

    def alerts(self, kind: str) -> int:
        """How many there are in the end; ``kind`` tabular: every row meets one cutoff."""
        days = (self.rows["event_at"].iloc[-1] - self.rows["event_at"].iloc[0]) / timedelta(days=1)
        budget = Alerts(budget=EPISODES / days)
        rule = Rule(budget.gap, budget.min_duration, 1.0)
        source = {"kind": "files", "path": "-"}
        config = Monitor.model_validate(
            {"name": "series", "kind": kind, "source": source, "time": "timestamp", "alerts": budget}
        )
        state, seen, latest, count = Before(), dict[str | None, datetime](), list[Alert](), 0
        for start in range(0, len(self.rows), BATCH):
            rows, scored = (part.iloc[start : start + BATCH] for part in (self.rows, self.scored))
            found = flag(self.detector, config, rows, rows, scored, len(self.rows) / days, state)
            places = np.array(sorted(found.flags.bars), np.intp)
            outliers = _outliers(rows.iloc[places], scored["p_value"].to_numpy()[places])
            changes = group(outliers, latest, [], rule)
            count += sum(change.kind == "opened" for change in changes)
            latest = [replace(c.alert, alert_id=n) for n, c in enumerate(changes)] or latest
            seen |= {outlier.entity: outlier.event_at for outlier in outliers}
            state = Before(found.flags.level, seen)
        return count


def _outliers(rows: pd.DataFrame, p_values: NDArray[np.float64]) -> list[Outlier]:
    moments = rows["event_at"].dt.to_pydatetime()
    return [
        Outlier(reading_id, None, at, p, None, "", "", (), False)
        for reading_id, at, p in zip(rows["reading_id"], moments, p_values.tolist(), strict=True)
    ]
