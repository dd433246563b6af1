"""The machine's own samples: one a read, from counters in the cursor."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from monitor.domain.monitor import HostSource
from monitor.sources.host import Host

COLUMNS = {"time", "host", "load_1m", "memory_percent", "swap_percent", "disk_percent", "cpu_percent"}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def host(clock: Clock) -> Host:
    return Host(HostSource(kind="host", interval=timedelta(seconds=10)), clock=lambda: 1.8e9, monotonic=clock)


def test_the_first_read_takes_only_the_counters(host: Host) -> None:
    batch = host.read({})
    assert (batch.pulled, batch.more, json.loads(json.dumps(batch.cursor))) == (0, False, batch.cursor)


def test_each_later_read_gives_one_sample_without_gaps(host: Host, clock: Clock) -> None:
    cursor = host.read({}).cursor
    clock.now += 10
    batch = host.read(cursor)
    assert set(batch.readings.columns) >= COLUMNS
    assert (len(batch.readings), batch.readings.isna().to_numpy().any()) == (1, False)
    assert batch.readings["time"][0] == datetime.fromtimestamp(1.8e9, UTC)
    assert np.isfinite(batch.readings.drop(columns=["time", "host"]).to_numpy(dtype=float)).all()


def test_a_read_within_the_interval_is_empty_and_moves_nothing(host: Host, clock: Clock) -> None:
    cursor = host.read({}).cursor
    clock.now += 9
    batch = host.read(cursor)
    assert (batch.pulled, batch.cursor) == (0, cursor)


def test_rates_are_growth_over_elapsed_time(host: Host, clock: Clock) -> None:
    cursor = host.read({}).cursor
    if "net_sent" not in cursor["counters"]:
        pytest.skip("this machine counts no network bytes")
    cursor["counters"]["net_sent"] -= 50e6
    clock.now += 20
    assert host.read(cursor).readings["net_sent_mb_s"][0] == pytest.approx(2.5, rel=0.5)


def test_a_restart_of_the_machine_starts_the_counters_anew(host: Host, clock: Clock) -> None:
    cursor = host.read({}).cursor
    clock.now = 5.0
    batch = host.read(cursor)
    assert (batch.pulled, batch.cursor["ticks"]) == (0, 5.0)


def test_counters_that_ran_over_give_no_sample(host: Host, clock: Clock) -> None:
    cursor = host.read({}).cursor
    cursor["counters"]["cpu_total"] += 1e12
    clock.now += 20
    assert host.read(cursor).pulled == 0
