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


def rounds(made: Ground, job: str, kills: int) -> Tally:
    """Kill runs of a job until ``kills`` fell inside it; each run is killed up to three times and then left alone."""
    tally = Tally(job)
    _finish(made, tally, _prepare(made, job))
    while tally.kills < kills and not tally.broken:
        run_id = _prepare(made, job)
        for _ in range(made.draw.randint(1, IN_A_ROW)):
            if tally.kills < kills and _state(made, run_id) != "done":
                _kill(made, tally, run_id)
        _finish(made, tally, run_id)
    return tally


def _prepare(made: Ground, job: str) -> int:
    """Work for one run of the job; everything before it is done in peace."""
    draw = made.draw
    if job == "pull":
        made.feed(350, odd=2, bad=draw.randint(0, 5), again=draw.randint(0, 5), corrected=draw.randint(0, 5))
    elif job == "score":
        made.feed(330, odd=6)
        undisturbed(made, "pull")
    elif job == "notify":
        made.feed(30, odd=6)
        undisturbed(made, "pull", "score")
    counts = {"version_id": made.candidate()} if job == "promote" else None
    return made.ask(job, counts)


def _kill(made: Ground, tally: Tally, run_id: int) -> None:
    """One victim, killed at a named point or at a random moment of its job."""
    job, draw = tally.job, made.draw
    point = ""
    if draw.random() < 0.5:
        name = draw.choice(list(POINTS[job]))
        point = f"{name}:{draw.randint(1, POINTS[job][name])}"
    victim = _victim(made, [(job, run_id)], point)
    has_torch = victim.hear()
    assert has_torch is not None, f"the {job} was not taken up"
    assert has_torch or job != "train", "a training is killed once torch is loaded"
    if not point:
        usual = sorted(tally.seconds)[len(tally.seconds) // 2]
        time.sleep(draw.uniform(0, usual))
        victim.kill()
    if victim.wait() == 0:
        return  # the point lay behind it, or it was quicker than the kill
    if _state(made, run_id) == "running":
        tally.kills += 1
        tally.at_points += bool(point)
    else:
        tally.late += 1
    made.world.kills += job == "notify"
    found = broken(made.context, made.world)
    tally.broken += [f"{job} killed at {point or 'a random moment'}: {words}" for words in found]


def _finish(made: Ground, tally: Tally, run_id: int) -> None:
    """Let the run come to its end, and what a scheduler would see to after it, and look at everything."""
    if _state(made, run_id) != "done":
        tally.seconds.append(_seconds(made, [(tally.job, run_id)]))
    settle(made)
    tally.broken += broken(made.context, made.world) + unfinished(made.context, made.world)


def settle(made: Ground) -> None:
    """What a scheduler sees to: rows that wait are scored, and notifications sent."""
    undisturbed(made, "pull", "score")
    while _waits(made):
        time.sleep(0.25)  # one whose sender died is due again
        undisturbed(made, "notify")


def undisturbed(made: Ground, *jobs: str) -> None:
    """Have the jobs done one after the other, each to its end."""
    _seconds(made, [(job, made.ask(job)) for job in jobs])


def _seconds(made: Ground, asked: list[tuple[str, int]]) -> float:
    """Seconds that a process takes for the runs, from the first claim on."""
    victim = _victim(made, asked, "")
    victim.hear()
    began = time.monotonic()
    code = victim.wait()
    for job, run_id in asked:
        with made.context.database.read() as session:
            row = runs.get(session, run_id)
        assert (code, row["state"]) == (0, "done"), (
            f"{job} ended with {code}: {row['state']}, {row['message']}"
        )
    return time.monotonic() - began


def _waits(made: Ground) -> bool:
    n = tables.notifications.c
    with made.context.database.read() as session:
        return session.scalar(sa.select(n.notification_id).where(n.state == "pending").limit(1)) is not None


def _victim(made: Ground, asked: list[tuple[str, int]], point: str) -> Victim:
    return Victim(work, Order(asked, made.context.settings, made.environment, point))


def _state(made: Ground, run_id: int) -> str:
    with made.context.database.read() as session:
        return str(runs.get(session, run_id)["state"])
