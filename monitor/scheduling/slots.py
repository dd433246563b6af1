"""APScheduler with an executor of ours: to run a job is to put its slot into the database."""

import time
from datetime import datetime, timedelta
from typing import Any

import structlog
from apscheduler.executors.base import BaseExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from monitor.domain.run import Request
from monitor.jobs import review
from monitor.jobs.context import Context
from monitor.scheduling import triggers
from monitor.scheduling.watch import Watch
from monitor.storage import monitors, outbox, runs, versions
from monitor.storage.database import OperationalFault, reason
from monitor.storage.monitors import Watched

log = structlog.get_logger()
LOOK = 2.0  # seconds between two looks at the monitors, the outbox and dead workers
STEP = 1.0  # seconds that a clock is put back at once; less is its usual correction
FIXED = "fixed"


class SlotExecutor(BaseExecutor):  # type: ignore[misc]  # APScheduler 3 has no types
    """Where APScheduler would call a function, the slot is offered to the workers."""

    def __init__(self, context: Context, kept: dict[str, str]) -> None:
        super().__init__()
        self.context, self.kept = context, kept

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        try:
            offer(self.context, job.args[0], job.args[1], run_times[-1])
        except OperationalFault as fault:
            log.warning("a slot is offered again when the database answers", job=job.id, reason=reason(fault))
            self.kept.pop(job.id, None)  # the next look adds the job anew, from its last slot in the database
        finally:
            self._run_job_success(job.id, [])


def offer(context: Context, job: str, monitor_id: int | None, fired: datetime) -> int | None:
    """Put one slot into the queue; the unique key (scope, job, slot) lets any number of schedulers do so."""
    request = Request(job, monitor_id, triggers.slot(job, fired), not_before=fired)
    now = context.now()
    with context.database.write() as session:
        if job == "pull" and monitor_id is not None and versions.behind(session, monitor_id):
            # rows of a pull that was cut short, of a score run that failed, or that were held back as too new
            runs.offer(session, Request("score", monitor_id, request.slot), "schedule", now, coalesce=True)
        return runs.offer(session, request, "schedule", now, coalesce=True)


class Scheduler:
    """Keeps APScheduler's triggers in step with the monitors table; nothing of it is stored."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.watch = Watch(context)
        self.kept: dict[str, str] = {}
        self.ahead: float | None = None  # seconds, the wall clock before the steady one at the last look
        self.clock = BackgroundScheduler(
            timezone="UTC",
            executors={"default": SlotExecutor(context, self.kept)},
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1_000_000},
        )

    def start(self) -> None:
        self.clock.start()
        self._keep("all/prune", "prune", None, triggers.PRUNE, FIXED)

    def stop(self) -> None:
        self.clock.shutdown(wait=False)

    def look(self) -> None:
        """Free what dead workers held, follow the monitors table, wake snoozed alerts, and have the outbox sent."""
        self.watch.look()
        now = self.context.now()
        self._mind_the_clock(now)
        with self.context.database.read() as session:
            watched = monitors.listed(session)
            due = outbox.channels_due(session, now)
        self._follow(watched)
        # its waits are measured by a steady clock: after a jump, or a night's sleep of the machine, they are wrong
        if self.clock.running:
            self.clock.wakeup()
        review.wake(self.context.database, now)
        if due:
            with self.context.database.write() as session:
                request = Request("notify", None, f"due-{now:%Y%m%dT%H%M%S}")
                runs.offer(session, request, "schedule", now, coalesce=True)

    def _mind_the_clock(self, now: datetime) -> None:
        """A clock that was put back would leave triggers, runs and messages waiting for what is far off again."""
        before, self.ahead = self.ahead, now.timestamp() - time.monotonic()
        if before is None or before - self.ahead <= STEP:
            return
        log.warning("the clock was put back", seconds=round(before - self.ahead))
        self.kept.update(dict.fromkeys(list(self.kept), ""))  # as if each schedule had changed
        with self.context.database.write() as session:
            runs.hasten(session, now)
            outbox.hasten(session, now)

    def _follow(self, watched: list[Watched]) -> None:
        """Triggers for the monitors that are there, with the schedules they have now."""
        wanted = {"all/prune"}
        self._keep("all/prune", "prune", None, triggers.PRUNE, FIXED)
        for w in watched:
            text = w.config.schedule.model_dump_json()
            for job, trigger in triggers.of(w.config.schedule).items():
                name = f"monitor:{w.monitor_id}/{job}"
                wanted.add(name)
                self._keep(name, job, w.monitor_id, trigger, text)
        for name in self.kept.keys() - wanted:
            self.clock.remove_job(name)
            del self.kept[name]

    def _keep(self, name: str, job: str, monitor_id: int | None, trigger: BaseTrigger, text: str) -> None:
        if self.kept.get(name) == text:
            return
        self.clock.add_job(
            _never, trigger, args=(job, monitor_id), id=name, replace_existing=True,
            next_run_time=self._next(job, monitor_id, trigger),
        )  # fmt: skip
        self.kept[name] = text

    def _next(self, job: str, monitor_id: int | None, trigger: BaseTrigger) -> datetime | None:
        """The first fire time after the last slot: one that was missed is due at once, many are one."""
        now = self.context.now()
        with self.context.database.read() as session:
            last = runs.last_slot(session, monitor_id, job)
        if last is None:
            return trigger.get_next_fire_time(None, now)  # type: ignore[no-any-return]  # APScheduler 3 has no types
        # without a previous fire time a trigger keeps to its own grid, whatever moment it is asked at
        # a slot of the future was offered before the clock was put back
        following: datetime | None = trigger.get_next_fire_time(
            None, min(last, now) + timedelta(microseconds=1)
        )
        return following


def _never(_job: str, _monitor_id: int | None) -> None:
    raise AssertionError("slots are offered by the executor, never called")
