"""What a training learns from, and what a scoring batch makes of flagged rows."""

from datetime import UTC, datetime, timedelta

import pandas as pd

from monitor.domain.alert import Outlier
from monitor.jobs.score import _due, settle
from monitor.jobs.train import select

START = datetime(2026, 3, 1, tzinfo=UTC)


def rows(n: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "reading_id": range(100, 100 + n),
            "source_key": [f"k{i}" for i in range(n)],
            "event_at": pd.date_range(START, periods=n, freq="min"),
            "entity": ["a"] * n,
        }
    )


def outlier(reading_id: int) -> Outlier:
    at = START + timedelta(minutes=reading_id - 100)
    return Outlier(reading_id, "a", at, 0.001, None, "", "", (), provisional=False)


def test_known_anomalies_and_unreviewed_alerts_are_not_learnt_and_the_manifest_says_why() -> None:
    seen, manifest = select(
        rows(100), {"k3": "source", "k4": "review:7"}, {107: "in alert abc, not reviewed yet"}
    )
    assert not {103, 104, 107} & set(seen["reading_id"])
    assert manifest["left_out"] == {
        "known anomaly, said by the source": 1,
        "confirmed in a review": 1,
        "not reviewed yet": 1,
    }
    assert manifest["left_out_rows"] == [103, 104, 107]
    assert [manifest["left_out_reasons"][n] for n in manifest["left_out_why"]] == [
        "known anomaly, said by the source", "confirmed in a review", "not reviewed yet"
    ]  # fmt: skip


def test_the_newest_tenth_is_held_back_for_the_gate() -> None:
    seen, manifest = select(rows(100), {}, {})
    assert (len(seen), manifest["held_back"]["rows"]) == (90, 10)
    assert seen["event_at"].max() < pd.Timestamp(manifest["held_back"]["from"])


def test_two_of_three_rows_settle_however_the_stream_is_cut() -> None:
    stream, flagged = rows(6), [101, 103, 105]
    whole = settle([outlier(n) for n in flagged], stream, "2/3", stream.iloc[:0].assign(flagged=[]))
    earlier = stream.iloc[1:3].assign(flagged=[True, False])
    cut = settle([outlier(n) for n in flagged[1:]], stream.iloc[3:], "2/3", earlier)
    assert [o.settled for o in whole] == [False, True, True]
    assert [o.settled for o in cut] == [True, True]


def test_a_row_from_the_future_holds_up_nothing_and_a_young_one_waits_for_late_ones() -> None:
    now = START + timedelta(minutes=3, seconds=30)
    stream = rows(6)
    stream.loc[0, "event_at"] = pd.Timestamp(START + timedelta(days=400))
    assert _due(stream, now, timedelta(0))["reading_id"].tolist() == [100, 101, 102, 103, 104, 105]
    assert _due(stream, now, timedelta(minutes=2))["reading_id"].tolist() == [100, 101]
