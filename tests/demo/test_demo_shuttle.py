"""The replayed telemetry: real rows, in a repeatable order, each written once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monitor import Detector
from monitor.demo.document import demo_document
from monitor.demo.shuttle import BLOCK, CHANNELS, FULL_SCALE, LEAD, SPACING, ShuttleFeed, arrange, telemetry
from monitor.domain.alert import severity
from monitor.domain.policy import cutoff
from monitor.jobs.configuration import parse

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)


@pytest.fixture
def feed(tmp_path: Path) -> ShuttleFeed:
    feed = ShuttleFeed(tmp_path)
    feed.create(NOON)
    return feed


def read(feed: ShuttleFeed) -> pd.DataFrame:
    return pd.read_csv(feed.path, parse_dates=["time"])


def test_every_row_of_the_replay_is_a_published_one(feed: ShuttleFeed) -> None:
    published = set(telemetry().itertuples(index=False, name=None))
    assert set(read(feed)[[*CHANNELS, "anomaly"]].itertuples(index=False, name=None)) <= published


def test_each_block_holds_one_short_episode() -> None:
    label = telemetry()["anomaly"].to_numpy()
    shown = label[arrange(label)]
    for block in shown.reshape(-1, BLOCK):
        spots = np.flatnonzero(block)
        assert 2 <= len(spots) <= 5
        assert spots[-1] - spots[0] == len(spots) - 1


def test_the_same_seed_gives_the_same_order() -> None:
    label = telemetry()["anomaly"].to_numpy()
    assert np.array_equal(arrange(label, 1), arrange(label, 1))
    assert not np.array_equal(arrange(label, 1), arrange(label, 2))


def test_the_history_ends_just_before_now_and_an_episode_follows(feed: ShuttleFeed) -> None:
    times = read(feed)["time"]
    assert times.iloc[-1].to_pydatetime() == NOON - SPACING
    assert times.diff().dropna().eq(SPACING).all()
    assert feed.rows["anomaly"].iloc[feed.history :].to_numpy()[: LEAD + 1].tolist() == [0] * LEAD + [1]


def test_restarts_write_no_row_twice_and_leave_none_out(feed: ShuttleFeed, tmp_path: Path) -> None:
    for n in range(4):
        again = ShuttleFeed(tmp_path)  # a new object: nothing is remembered
        again.create(NOON)
        again.tick(NOON + SPACING * n, fault=False)
    shown = read(feed)[CHANNELS].reset_index(drop=True)
    pd.testing.assert_frame_equal(shown, feed.rows[CHANNELS].iloc[: len(shown)])
    assert len(shown) == feed.history + 4


def test_a_line_torn_by_a_crash_is_written_anew(feed: ShuttleFeed, tmp_path: Path) -> None:
    with feed.path.open("ab") as file:
        file.write(b"2026-03-20T12:00:00Z,37,0,8")
    again = ShuttleFeed(tmp_path)
    again.create(NOON)
    again.tick(NOON, fault=False)
    assert len(read(feed)) == feed.history + 1


def test_a_fault_drives_every_channel_to_full_scale(feed: ShuttleFeed) -> None:
    feed.tick(NOON, fault=True)
    row = read(feed).iloc[-1]
    assert row[CHANNELS].tolist() == [FULL_SCALE] * 9 and row["anomaly"] == 1


@pytest.mark.slow
def test_a_fault_is_more_than_ten_times_odder_than_the_budget_asks_for(feed: ShuttleFeed) -> None:
    history = read(feed)
    feed.tick(NOON, fault=True)
    detector = Detector(time="time").fit(history[["time", *CHANNELS]])
    p_value = detector.score(read(feed).tail(1))["p_value"].item()
    shuttle = next(m for m in parse(demo_document(feed.path.parent)).monitors if m.name == "shuttle")
    assert severity(p_value, cutoff(shuttle.alerts, timedelta(days=1) / SPACING, [])) >= 2


def test_the_replay_starts_over_at_its_end(feed: ShuttleFeed) -> None:
    assert feed._at(len(feed.rows), [NOON])[CHANNELS].equals(feed._at(0, [NOON])[CHANNELS])


def test_times_rise_over_a_stop(feed: ShuttleFeed) -> None:
    feed.tick(NOON, fault=False)
    feed.tick(NOON + timedelta(hours=5), fault=False)
    assert read(feed)["time"].is_monotonic_increasing
