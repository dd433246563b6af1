"""Which leases a watch frees: it believes silence that it has seen itself, and no wall clock."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.domain.run import Request, Run
from monitor.jobs.context import Context
from monitor.jobs.running import alive, holder
from monitor.scheduling.watch import LEAST_LOOKS, Watch
from monitor.storage import leases, runs

ELSEWHERE = "another-host:1:1"


class Steady:
    """A steady clock that the test moves on."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def steady() -> Steady:
    return Steady()


def claimed(context: Context, who: str) -> Run:
    with context.database.write() as session:
        runs.offer(session, Request("prune", None, "s"), "schedule", context.now())
        run = runs.claim(session, ["prune"], who, context.now(), 60)
    assert run is not None
    return run


def looks(watching: Watch, steady: Steady, seconds: float, every: float = 2.0) -> int:
    """How many runs were freed in a while of looking."""
    freed, end = watching.look(), steady.now + seconds
    while steady.now < end:
        steady.now += every
        freed += watching.look()
    return freed


def test_a_lease_that_does_not_move_for_its_time_is_freed(context: Context, steady: Steady) -> None:
    claimed(context, ELSEWHERE)
    watching = Watch(context, steady)
    assert looks(watching, steady, 58) == 0
    assert looks(watching, steady, 4) == 1


def test_a_lease_that_moves_is_left_alone_however_late_its_wall_clock_is(
    context: Context, steady: Steady
) -> None:
    run = claimed(context, ELSEWHERE)
    watching, yesterday = Watch(context, steady), context.now() - timedelta(days=1)
    for beat in range(20):
        with context.database.write() as session:
            leases.hold(session, run.fence, yesterday + timedelta(seconds=beat), 60)
        assert looks(watching, steady, 16) == 0


@pytest.mark.parametrize(
    "step", [timedelta(days=1), timedelta(hours=-1)], ids=["forward a day", "back an hour"]
)
def test_a_clock_that_is_put_right_takes_no_lease_away_and_keeps_none(
    context: Context, steady: Steady, step: timedelta
) -> None:
    claimed(context, ELSEWHERE)
    stepped = Watch(replace(context, now=lambda: context.now() + step), steady)
    assert looks(stepped, steady, 58) == 0
    assert looks(stepped, steady, 4) == 1


def test_after_a_pause_of_the_whole_machine_the_living_have_time_to_speak(
    context: Context, steady: Steady
) -> None:
    claimed(context, ELSEWHERE)
    watching = Watch(context, steady)
    watching.look()
    steady.now += 3600
    assert [watching.look() for _ in range(LEAST_LOOKS)] == [0] * LEAST_LOOKS


def test_a_process_of_this_host_that_is_gone_is_dead_at_once(context: Context) -> None:
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    who = holder().split(":")
    gone.wait()
    claimed(context, f"{who[0]}:{gone.pid}:{who[2]}")
    assert Watch(context).look() == 1


def test_a_dead_process_that_nobody_has_waited_for_is_dead(context: Context) -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, holder().encode())
        os.kill(os.getpid(), signal.SIGKILL)
    claimed(context, os.read(read, 200).decode())
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # dead, and still there
    assert Watch(context).look() == 1
    os.waitpid(child, 0)


def test_a_holder_of_an_unknown_form_may_be_at_work() -> None:
    assert alive("w1") and alive("a:b") and alive("")
