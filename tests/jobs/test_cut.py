"""A sensor's batches flag the same rows however its stream is cut, whatever holds rows back."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, cast

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.detection.detector import Detector
from monitor.detection.flagging import Before, flag
from monitor.domain.monitor import Monitor
from monitor.jobs.score import Found, examine
from monitor.storage.monitors import Watched

START = datetime(2026, 3, 1, tzinfo=UTC)
RATE = 1440.0


class Known:
    """Stands for a model whose p-values are columns of the rows: a trained one gives those it likes."""

    def score(self, frame: pd.DataFrame, context: pd.DataFrame, shares: bool) -> pd.DataFrame:
        return pd.DataFrame({"score": 1 - frame["p"], "p_value": frame["p"], "ready": frame["ready"]})

    def explain(
        self, frame: pd.DataFrame, rows: Sequence[int], context: pd.DataFrame | None = None
    ) -> list[list[dict[str, Any]]]:
        usual = {"field": "x", "kind": "number", "share": 1.0, "expected": 0.0, "low": -0.4, "high": 0.4}
        return [[usual | {"actual": x}] for x in frame["x"].iloc[list(rows)].tolist()]


def sensor(**alerts: Any) -> Watched:
    config = Monitor.model_validate(
        {"name": "pump", "kind": "sensor", "time": "at", "entity": "line", "fields": {"range": {"y": [0, 1]}},
         "source": {"kind": "files", "path": "x.csv"}, "alerts": {"gap": "10m", **alerts}}
    )  # fmt: skip
    return Watched(1, config, None, {}, 1, START)


def stream(rows: list[tuple[float, float, float, str | None, int, bool]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["p", "x", "y", "entity", "late", "ready"])
    at = [START + timedelta(minutes=n - late) for n, late in enumerate(frame["late"])]
    frame["p"] = frame["p"].where(frame["ready"], 1.0)  # as a detector says it
    return frame.assign(reading_id=range(len(frame)), event_at=pd.DatetimeIndex(at))


def cut(watched: Watched, rows: pd.DataFrame, cuts: list[int]) -> tuple[dict[int, float], float | None]:
    """What is flagged with the bar of each, and the level after all; each batch knows what the last ones stored."""
    bars: dict[int, float] = {}
    level, ends = None, dict[str | None, datetime]()
    for start, stop in pairwise(sorted({0, *cuts, len(rows)})):
        part = rows[start:stop].reset_index(drop=True)
        since = part["event_at"].min() - watched.config.alerts.gap
        before = Before(level, {entity: at for entity, at in ends.items() if at >= since})
        found: Found = examine(watched, cast(Detector, Known()), part, rows[:0], RATE, 0, before)
        level = found.level
        for o in found.outliers:
            bars[o.reading_id] = o.bar
            ends[o.entity] = max(o.event_at, ends.get(o.entity, o.event_at))
    return bars, level


ROWS = st.tuples(
    st.sampled_from([1e-12, 1e-8, 1e-4, 0.003, 0.01, 0.05, 0.3]),
    st.sampled_from([-2.0, 0.5, 2.0]),
    st.sampled_from([0.5, 0.5, 0.5, 7.0]),
    st.sampled_from(["a", "b", None]),
    st.sampled_from([0, 0, 0, 8, 30]),
    st.sampled_from([True, True, True, False]),
)


@given(
    st.lists(ROWS, min_size=1, max_size=60),
    st.lists(st.integers(1, 59)),
    st.sampled_from([{}, {"direction": "up"}, {"direction": "down", "budget": 300}, {"floor": {"x": 1.0}}]),
)
@settings(max_examples=150)
def test_any_cut_of_the_stream_flags_the_same_rows(
    rows: list[tuple[float, float, float, str | None, int, bool]], cuts: list[int], alerts: dict[str, Any]
) -> None:
    watched, frame = sensor(**alerts), stream(rows)
    whole, level = cut(watched, frame, [])
    parts, end = cut(watched, frame, [n for n in cuts if n < len(frame)])
    assert parts == pytest.approx(whole)
    assert end == pytest.approx(level)


@pytest.mark.parametrize("size", [400, 10, 1])
def test_rows_of_the_direction_that_nobody_asked_for_do_not_raise_the_bar(size: int) -> None:
    down, up = (1e-6, -2.0, 0.5, None, 0, True), (1e-6, 2.0, 0.5, None, 0, True)
    flagged, _ = cut(sensor(direction="up"), stream([down] * 300 + [up] * 100), list(range(size, 400, size)))
    alone, _ = cut(sensor(direction="up"), stream([up] * 100), [])
    assert min(flagged) == 300 and len(flagged) > 30
    assert abs(len(flagged) - len(alone)) < 20


@pytest.mark.parametrize("level", [None, 0.0])
def test_without_a_level_of_its_own_the_bar_begins_at_the_cutoff(level: float | None) -> None:
    odd = stream([(1e-3, 2.0, 0.5, None, 0, True)])
    found = examine(sensor(), cast(Detector, Known()), odd, odd[:0], RATE, 0, Before(level))
    assert [o.bar for o in found.outliers] == [pytest.approx(20 / RATE)]


def test_the_gate_counts_a_drifted_series_in_alerts_of_its_budget() -> None:
    days = 3
    rows = stream([(1e-6 * (1 + n % 7), 2.0, 0.5, None, 0, True) for n in range(days * int(RATE))])
    scored = Known().score(rows, rows[:0], False)
    flags = flag(Known(), sensor().config, rows, rows[:0], scored, RATE, Before()).flags
    assert 15 <= flags.spent / days <= 30  # of 20, and what the bar rises to the level of the drift
    assert len(flags.bars) < len(rows) / 4


@pytest.mark.parametrize("kind", ["tabular", "sensor"])
def test_rows_without_a_p_value_of_their_own_do_not_dilute_a_false_discovery_rate(kind: str) -> None:
    ready, waiting = (0.01, 2.0, 0.5, None, 0, True), (1.0, 2.0, 0.5, None, 0, False)
    rows = stream([ready] * 5 + [waiting] * 95)
    config = sensor(fdr=0.02).config.model_copy(update={"kind": kind})
    scored = Known().score(rows, rows[:0], False)
    found = flag(Known(), config, rows, rows[:0], scored, RATE, Before())
    assert (found.cutoff, found.flags.spent) == (0.01, 5)


def test_an_outlier_says_what_it_had_to_reach_when_the_bar_had_moved() -> None:
    apart = [(1e-3 if n in (0, 30) else 0.9, 2.0, 0.5, None, 0, True) for n in range(31)]
    found = examine(sensor(), cast(Detector, Known()), stream(apart), stream(apart)[:0], RATE, 0, Before())
    reasons = [found.details[o.reading_id][1] for o in found.outliers]
    assert reasons == ["1 in 72 or odder", "1 in 140 or odder"]
