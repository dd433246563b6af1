"""Kill a job at random instants and at named points, start it again, and see that nothing is lost or double."""

import time
from dataclasses import dataclass, field

import sqlalchemy as sa

from monitor.storage import runs, tables
from tests.chaos.ground import Ground
from tests.chaos.invariants import broken, unfinished
from tests.chaos.victim import Order, Victim, work

POINTS = {  # where a job may die, and how many times it passes there
    "pull": {"pull.before-commit": 5, "pull.after-commit": 4},
    "score": {"score.before-commit": 5, "score.after-commit": 4},
    "train": {"train.fitting": 300, "train.exported": 1, "train.before-commit": 2, "train.after-commit": 1},
    "promote": {"promote.before-commit": 2, "promote.after-commit": 1},
    "notify": {"notify.before-commit": 9, "notify.after-commit": 9, "notify.sent": 5},
}
IN_A_ROW = 3  # kills of one run at most; after five a run is given up, as it should be


@dataclass
class Tally:
    """kills: that fell inside the job; late: after its end was written; seconds: of the jobs that were left alone."""

    job: str
    kills: int = 0
    at_points: int = 0
    late: int = 0
    seconds: list[float] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.job}: {self.kills} kills inside the job ({self.at_points} at named points, the rest at random), "
            f"{self.late} after its end, {len(self.broken)} invariants broken"
        )


def rounds(ground: Ground, job: str, kills: int) -> Tally:
    """Kill runs of a job until ``kills`` fell inside it; each run is killed up to three times and then left alone."""
    tally = Tally(job)
    _finish(ground, tally, _prepare(ground, job))
    while tally.kills < kills and not tally.broken:
        run_id = _prepare(ground, job)
        for _ in range(ground.draw.randint(1, IN_A_ROW)):
            if tally.kills < kills and _state(ground, run_id) != "done":
                _kill(ground, tally, run_id)
        _finish(ground, tally, run_id)
    return tally


def _prepare(ground: Ground, job: str) -> int:
    """Work for one run of the job; everything before it is done in peace."""
    draw = ground.draw
    if job == "pull":
        ground.feed(
            350, odd=2, bad=draw.randint(0, 5), again=draw.randint(0, 5), corrected=draw.randint(0, 5)
        )
    elif job == "score":
        ground.feed(330, odd=6)
        _peace(ground, "pull")
    elif job == "notify":
        ground.feed(30, odd=6)
        _peace(ground, "pull", "score")
    counts = {"version_id": ground.candidate()} if job == "promote" else None
    return ground.ask(job, counts)


def _kill(ground: Ground, tally: Tally, run_id: int) -> None:
    """One victim, killed at a named point or at a random moment of its job."""
    job, draw = tally.job, ground.draw
    point = ""
    if draw.random() < 0.5:
        name = draw.choice(list(POINTS[job]))
        point = f"{name}:{draw.randint(1, POINTS[job][name])}"
    victim = _victim(ground, [(job, run_id)], point)
    has_torch = victim.hear()
    assert has_torch is not None, f"the {job} was not taken up"
    assert has_torch or job != "train", "a training is killed once torch is loaded"
    if not point:
        usual = sorted(tally.seconds)[len(tally.seconds) // 2]
        time.sleep(draw.uniform(0, usual))
        victim.kill()
    if victim.wait() == 0:
        return  # the point lay behind it, or it was quicker than the kill
    if _state(ground, run_id) == "running":
        tally.kills += 1
        tally.at_points += bool(point)
    else:
        tally.late += 1
    ground.world.kills += job == "notify"
    found = broken(ground.context, ground.world)
    tally.broken += [f"{job} killed at {point or 'a random moment'}: {words}" for words in found]


def _finish(ground: Ground, tally: Tally, run_id: int) -> None:
    """Let the run come to its end, and what a scheduler would see to after it, and look at everything."""
    if _state(ground, run_id) != "done":
        tally.seconds.append(_undisturbed(ground, [(tally.job, run_id)]))
    _peace(ground, "pull", "score")
    while _waits(ground):
        time.sleep(0.25)  # a notification whose sender died is due again
        _peace(ground, "notify")
    tally.broken += broken(ground.context, ground.world) + unfinished(ground.context, ground.world)


def _peace(ground: Ground, *jobs: str) -> None:
    _undisturbed(ground, [(job, ground.ask(job)) for job in jobs])


def _undisturbed(ground: Ground, asked: list[tuple[str, int]]) -> float:
    """Seconds that a process takes for the runs, from the first claim on."""
    victim = _victim(ground, asked, "")
    victim.hear()
    began = time.monotonic()
    code = victim.wait()
    for job, run_id in asked:
        with ground.context.database.read() as session:
            row = runs.get(session, run_id)
        assert (code, row["state"]) == (0, "done"), (
            f"{job} ended with {code}: {row['state']}, {row['message']}"
        )
    return time.monotonic() - began


def _waits(ground: Ground) -> bool:
    n = tables.notifications.c
    with ground.context.database.read() as session:
        return session.scalar(sa.select(n.notification_id).where(n.state == "pending").limit(1)) is not None


def _victim(ground: Ground, asked: list[tuple[str, int]], point: str) -> Victim:
    return Victim(work, Order(asked, ground.context.settings, ground.environment, point), training=True)


def _state(ground: Ground, run_id: int) -> str:
    with ground.context.database.read() as session:
        return str(runs.get(session, run_id)["state"])
