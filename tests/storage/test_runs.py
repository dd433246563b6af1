from datetime import timedelta

import pytest

from monitor.domain.errors import Superseded
from monitor.domain.run import TRIES, Request
from monitor.jobs.context import Context
from monitor.storage import leases, runs
from monitor.storage.database import Database


def request(slot: str = "s1", job: str = "prune") -> Request:
    return Request(job, None, slot)


def test_a_slot_is_queued_once_however_often_it_is_offered(context: Context) -> None:
    with context.database.write() as session:
        assert runs.offer(session, request(), "schedule", context.now()) is not None
        assert runs.offer(session, request(), "schedule", context.now()) is None


def test_a_slot_joins_an_earlier_one_that_still_waits(context: Context) -> None:
    with context.database.write() as session:
        runs.offer(session, request("s1"), "schedule", context.now(), coalesce=True)
        assert runs.offer(session, request("s2"), "schedule", context.now(), coalesce=True) is None


def test_two_runs_of_one_scope_and_job_are_never_claimed_at_once(context: Context) -> None:
    now = context.now()
    with context.database.write() as session:
        for slot in ("s1", "s2"):
            runs.offer(session, request(slot), "schedule", now)
        first = runs.claim(session, ["prune"], "one", now, 60)
        assert first is not None
        assert runs.claim(session, ["prune"], "two", now, 60) is None
        runs.finish(session, first, "done", "well", {}, now)
        leases.release(session, first.fence)
        second = runs.claim(session, ["prune"], "two", now, 60)
    assert second is not None
    assert second.fence.token == first.fence.token + 1


def test_a_readmission_waits_for_the_pull_beside_it(context: Context) -> None:
    now = context.now()
    with context.database.write() as session:
        runs.offer(session, request("s1", "pull"), "schedule", now)
        runs.offer(session, request("s2", "readmit"), "ana", now)
        pull = runs.claim(session, ["pull"], "one", now, 60)
        assert pull is not None
        assert runs.claim(session, ["readmit"], "two", now, 60) is None
        leases.release(session, pull.fence)
        readmission = runs.claim(session, ["readmit"], "two", now, 60)
    assert readmission is not None
    assert readmission.fence.name == pull.fence.name


def test_a_run_whose_lease_went_to_another_may_not_write(context: Context) -> None:
    now = context.now()
    with context.database.write() as session:
        runs.offer(session, request(), "schedule", now)
        paused = runs.claim(session, ["prune"], "paused", now, 60)
        [lease] = leases.held(session)
        leases.take_away(session, lease)
        assert runs.requeue_orphans(session, now) == 1
        taken = runs.claim(session, ["prune"], "other", now, 60)
    assert paused is not None
    assert taken is not None
    assert taken.attempt == 2
    with pytest.raises(Superseded), context.write(paused):
        raise AssertionError("the fence lets nobody in")


def test_a_run_that_has_lost_its_lease_may_not_write_even_before_another_takes_it(context: Context) -> None:
    with context.database.write() as session:
        runs.offer(session, request(), "schedule", context.now())
        paused = runs.claim(session, ["prune"], "paused", context.now(), 60)
        leases.take_away(session, *leases.held(session))
    assert paused is not None
    with pytest.raises(Superseded), context.write(paused):
        raise AssertionError("the fence lets nobody in")


def test_a_lease_that_was_renewed_meanwhile_is_not_taken_away(context: Context) -> None:
    with context.database.write() as session:
        runs.offer(session, request(), "schedule", context.now())
        run = runs.claim(session, ["prune"], "slow", context.now(), 60)
        [seen] = leases.held(session)
        assert run is not None
        leases.hold(session, run.fence, context.now() + timedelta(seconds=1), 60)
        leases.take_away(session, seen)
        assert [lease.name for lease in leases.held(session)] == ["all/prune"]


def test_a_run_never_ends_before_it_began_however_the_clock_is_put(context: Context) -> None:
    now = context.now()
    with context.database.write() as session:
        runs.offer(session, request(), "schedule", now)
        run = runs.claim(session, ["prune"], "w", now, 60)
        assert run is not None
        runs.finish(session, run, "done", "well", {}, now - timedelta(hours=1))
        row = runs.get(session, run.run_id)
    assert row["finished_at"] == row["started_at"]


def test_a_run_that_keeps_killing_its_worker_is_given_up_with_a_reason(context: Context) -> None:
    now = context.now()
    with context.database.write() as session:
        run_id = runs.offer(session, request(), "schedule", now)
        assert run_id is not None
        for _ in range(TRIES):
            assert runs.claim(session, ["prune"], "w", now, 60) is not None
            [lease] = leases.held(session)
            leases.take_away(session, lease)
            runs.requeue_orphans(session, now)
        assert runs.claim(session, ["prune"], "w", now, 60) is None
        row = runs.get(session, run_id)
    assert (row["state"], row["attempt"]) == ("failed", TRIES)
    assert "died 5 times" in row["message"]


def test_nothing_of_a_failed_transaction_is_kept(database: Database, context: Context) -> None:
    with pytest.raises(RuntimeError), database.write() as session:
        runs.offer(session, request(), "schedule", context.now())
        raise RuntimeError("in the middle")
    with database.read() as session:
        assert not runs.waiting(session, ["prune"], context.now())


def test_a_slot_that_was_put_off_does_not_move_the_ones_after_it(context: Context) -> None:
    due = context.now()
    with context.database.write() as session:
        runs.offer(session, Request("prune", None, "s1", not_before=due), "schedule", due)
        run = runs.claim(session, ["prune"], "w", due, 60)
        assert run is not None
        runs.postpone(session, run, "away", due + timedelta(seconds=197))
        assert runs.last_slot(session, None, "prune") == due
