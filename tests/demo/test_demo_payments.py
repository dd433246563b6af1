"""The simulated payments hold the handbook's rules, and the ledger books each of them once."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monitor.demo.ledger import PaymentsFeed
from monitor.demo.payments import (
    LARGE,
    LEAK_DAYS,
    TERMINAL_DAYS,
    Population,
    compromised,
    leaked_cards,
    payments,
    populate,
)

FIRST = date(2026, 3, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(60)]
NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def population() -> Population:
    return populate(customers=300, terminals=1_000, seed=3)


@pytest.fixture(scope="module")
def history(population: Population) -> pd.DataFrame:
    days = [payments(population, day).assign(day=day) for day in DAYS]
    return pd.concat(days, ignore_index=True)


@pytest.fixture
def feed(tmp_path: Path) -> PaymentsFeed:
    feed = PaymentsFeed(tmp_path, populate(customers=60, terminals=300, seed=3))
    feed.create(NOON)
    return feed


def read(feed: PaymentsFeed, table: str = "payments") -> pd.DataFrame:
    with closing(sqlite3.connect(feed.path)) as ledger:
        return pd.read_sql(f"select * from {table} order by booked_at, transaction_id", ledger)


def test_a_customer_pays_only_at_terminals_in_reach(population: Population, history: pd.DataFrame) -> None:
    allowed = {c: set(reach) for c, reach in enumerate(population.reach)}
    assert all(t in allowed[c] for c, t in zip(history["customer"], history["terminal"], strict=True))


def test_amounts_and_frequencies_follow_the_customer(population: Population, history: pd.DataFrame) -> None:
    genuine = history[history["scenario"] == 0]
    mean = genuine.groupby("customer")["amount"].mean()
    count = history.groupby("customer").size()
    busy = count.index[count > 60]
    assert np.corrcoef(mean[busy], population.mean[busy])[0, 1] > 0.95
    assert np.corrcoef(count, population.rate[count.index])[0, 1] > 0.95


def test_most_payments_are_made_around_noon(history: pd.DataFrame) -> None:
    hours = history["booked_at"].dt.hour
    within_six_hours = 0.743  # of a normal with 20,000 s, cut at midnight on both sides
    assert hours.between(6, 17).mean() == pytest.approx(within_six_hours, abs=0.02)


def test_every_amount_above_220_is_fraud(history: pd.DataFrame) -> None:
    large = history[history["amount"] > LARGE]
    assert len(large) > 0
    assert large["is_fraud"].eq(1).all()
    assert history.loc[history["scenario"] == 1, "amount"].gt(LARGE).all()


def test_a_compromised_terminal_stays_so_for_28_days(population: Population) -> None:
    days = [FIRST + timedelta(days=n) for n in range(120)]
    assert lengths(days, [set(compromised(population, day)) for day in days]) == {TERMINAL_DAYS}


def test_a_leaked_card_stays_so_for_14_days(population: Population) -> None:
    days = [FIRST + timedelta(days=n) for n in range(120)]
    assert lengths(days, [set(leaked_cards(population, day)) for day in days]) == {LEAK_DAYS}


def lengths(days: list[date], active: list[set[int]]) -> set[int]:
    """How long spells last that begin and end within the days; two that overlap are left out."""
    spells = []
    for one in set.union(*active):
        on = np.array([one in now for now in active], dtype=int)
        steps = np.diff(on)
        starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
        spells += [
            int(e - s) for s, e in zip(starts, ends[ends > starts[0]] if len(starts) else [], strict=False)
        ]
    return {s for s in spells if s in (min(spells), max(spells))}


def test_all_that_is_paid_at_a_compromised_terminal_is_fraud(
    population: Population, history: pd.DataFrame
) -> None:
    for day, rows in history.groupby("day"):
        hit = rows["terminal"].isin(compromised(population, day))
        assert rows.loc[hit, "is_fraud"].eq(1).all()
        assert not (~hit & rows["scenario"].eq(2)).any()


def test_a_third_of_a_leaked_cards_payments_are_five_times_as_large(
    population: Population, history: pd.DataFrame
) -> None:
    leaked = pd.concat(
        rows[rows["customer"].isin(leaked_cards(population, day))] for day, rows in history.groupby("day")
    )
    stolen = leaked["scenario"] == 3
    assert set(history.index[history["scenario"] == 3]) == set(leaked.index[stolen])
    assert stolen.mean() == pytest.approx(1 / 3, abs=0.08)
    times = leaked["amount"] / population.mean[leaked["customer"]]
    assert times[stolen].mean() == pytest.approx(5, rel=0.2)


def test_less_than_two_per_cent_are_fraud(history: pd.DataFrame) -> None:
    assert 0.002 < history["is_fraud"].mean() < 0.02


def test_the_same_seed_gives_the_same_payments_and_another_seed_others(population: Population) -> None:
    again = populate(customers=300, terminals=1_000, seed=3)
    pd.testing.assert_frame_equal(payments(population, FIRST), payments(again, FIRST))
    assert not payments(populate(seed=4), FIRST).equals(payments(population, FIRST))


def test_ticks_and_restarts_book_what_one_long_look_would(feed: PaymentsFeed, tmp_path: Path) -> None:
    end = NOON + timedelta(hours=30)
    moment = NOON
    while moment < end:
        moment = min(moment + timedelta(minutes=47, seconds=13), end)
        PaymentsFeed(tmp_path, feed.population).tick(
            moment, fault=False
        )  # a new object: nothing is remembered
    whole = PaymentsFeed(tmp_path / "whole", feed.population)
    whole.path.parent.mkdir()
    whole.create(NOON)
    whole.tick(end, fault=False)
    pd.testing.assert_frame_equal(read(feed), read(whole))


def test_numbers_have_no_gap_and_rise_with_time(feed: PaymentsFeed) -> None:
    for n in range(1, 6):
        feed.tick(NOON + timedelta(hours=n), fault=n == 3)
    rows = read(feed)
    assert rows["transaction_id"].tolist() == list(range(1, len(rows) + 1))


def test_an_existing_ledger_is_not_touched_by_create(feed: PaymentsFeed) -> None:
    before = read(feed)
    feed.create(NOON + timedelta(days=3))
    pd.testing.assert_frame_equal(read(feed), before)


def test_a_fault_tests_one_card_far_from_its_home_then_strikes(feed: PaymentsFeed) -> None:
    before = len(read(feed))
    feed.tick(NOON + timedelta(seconds=5), fault=True)
    burst = read(feed).iloc[before:].query("scenario == 4")
    assert len(burst) == 8
    assert burst["customer_id"].nunique() == 1
    assert burst["amount"].iloc[:5].max() <= 2
    assert burst["amount"].iloc[5:].min() >= 600
    assert burst["is_fraud"].eq(1).all()
    home = feed.population.reach[int(burst["customer_id"].iloc[0][1:])]
    assert not set(burst["terminal_id"].str[1:].astype(int)) & set(home)


def test_a_fault_is_never_booked_before_a_payment_that_was_already_seen(feed: PaymentsFeed) -> None:
    newest = read(feed)["booked_at"].max()
    feed.tick(NOON + timedelta(seconds=5), fault=True)
    assert read(feed).query("scenario == 4")["booked_at"].min() > newest


def test_the_view_shows_thirty_days_each_with_thirty_days_behind_it(feed: PaymentsFeed) -> None:
    rows = read(feed, "card_payments")
    shown = pd.to_datetime(rows["booked_at"], utc=True)
    assert timedelta(days=29) < NOON - shown.min().to_pydatetime() <= timedelta(days=30)


def test_the_views_fields_look_only_at_the_cards_past(feed: PaymentsFeed) -> None:
    everything, shown = read(feed), read(feed, "card_payments")
    row = shown.iloc[len(shown) // 2]
    now = pd.Timestamp(row["booked_at"])
    times = pd.to_datetime(everything["booked_at"])
    past = everything[(everything["customer_id"] == row["customer_id"]) & (times < now)]
    month = past[times[past.index] >= now - timedelta(days=30)]
    day = past[times[past.index] >= now - timedelta(days=1)]
    assert row["amount_vs_usual"] == pytest.approx(row["amount"] / month["amount"].mean(), abs=1e-3)
    assert row["payments_24h"] == len(day)
    assert row["seconds_since_last"] == min(86_400, (now - times[past.index].max()).total_seconds())
