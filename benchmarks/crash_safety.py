"""Jobs that are killed, paused and run side by side lose nothing and double nothing.

200 kills by SIGKILL in five jobs, at random instants and at named points before and after each commit, half of them
on each database; after each kill and each restart the invariants of ``tests/chaos/invariants.py`` are checked.
Then 500 slots for four schedulers, and a worker that is stopped for twice its lease.
``CHAOS_ROUNDS`` makes it longer, ``CHAOS_SEED`` repeats it.
"""

import os
import random
import time

from benchmarks import Claim
from monitor.jobs.context import Context
from tests.chaos.ground import Ground, ground
from tests.chaos.installation import installation
from tests.chaos.kills import POINTS, Tally, rounds, undisturbed
from tests.chaos.schedulers import compete
from tests.chaos.stopped import overtaken
from tests.chaos.victim import with_torch

KINDS = ("sqlite", "postgresql")
KILLS = 20  # of a job on a database
SLOTS, SCHEDULERS = 500, 4
ROUNDS = int(os.environ.get("CHAOS_ROUNDS", 1))
SEED = int(os.environ.get("CHAOS_SEED", random.SystemRandom().randrange(1_000_000)))


def run() -> Claim:
    """Kills that fell inside a job, and how many invariants broke."""
    print(f"CHAOS_SEED={SEED}", flush=True)
    with_torch()
    tallies, broken = [], []
    for kind in KINDS:
        with installation(kind) as context, ground(context, context.settings.home, SEED) as made:
            made.learn()
            tallies += [_killed(kind, made, job) for job in POINTS]
            broken += _paused(kind, made)
        with installation(kind) as context:
            broken += _scheduled(kind, context)
    broken += [words for tally in tallies for words in tally.broken]
    kills = {job: sum(t.kills for t in tallies if t.job == job) for job in POINTS}
    each = ", ".join(f"{job} {n}" for job, n in kills.items())
    figure = f"{sum(kills.values())} kills ({each}), {SLOTS} slots on each database: {len(broken)} broken"
    holds = not broken and min(kills.values()) >= 2 * KILLS
    return Claim(
        "crash-safety",
        holds,
        figure,
        f"{2 * KILLS} kills in each of {len(POINTS)} jobs, nothing lost or double",
    )


def _killed(kind: str, made: Ground, job: str) -> Tally:
    began = time.monotonic()
    tally = rounds(made, job, KILLS * ROUNDS)
    print(f"{kind}, {tally}; {time.monotonic() - began:.0f} s", *tally.broken, sep="\n  ", flush=True)
    return tally


def _paused(kind: str, made: Ground) -> list[str]:
    found = []
    for job in ("pull", "score"):
        made.feed(350, odd=6)
        if job == "score":
            undisturbed(made, "pull")
        found += overtaken(made, job)
    print(
        f"{kind}, workers stopped for twice their lease: {len(found)} broken", *found, sep="\n  ", flush=True
    )
    return found


def _scheduled(kind: str, context: Context) -> list[str]:
    outcome = compete(context, context.settings.home, SLOTS, SCHEDULERS)
    print(f"{kind}, {SCHEDULERS} schedulers: {outcome}", flush=True)
    return [] if outcome.once_each else [f"{kind}: not once each: {outcome}"]
