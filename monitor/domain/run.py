"""A job's run: one slot, taken by one worker, under one fence."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Job = Literal["pull", "score", "train", "promote", "notify", "prune", "readmit"]
LANE = {"readmit": "pull"}  # jobs that write what another writes share its lease, and so never run beside it
TRIES = 5  # of a run whose fault may pass or whose worker died; then it is given up and says so
ENDED = ["done", "failed", "refused"]  # states that a run does not leave
NOTHING_NEW = "0 new rows"  # the message of a pull that brought nothing
NO_FILE = "no file matches"  # how the notice of a pull begins that found no file to read
EVERYTHING = "all"  # the scope of a job that belongs to no single monitor


def scope_of(monitor_id: int | None) -> str:
    return EVERYTHING if monitor_id is None else f"monitor:{monitor_id}"


@dataclass(frozen=True)
class Fence:
    """The right to write for one scope and job; its token rises at each claim, and every write checks it."""

    name: str
    token: int


@dataclass(frozen=True)
class Run:
    """A claimed run. ``counts`` holds what was asked for when it was requested."""

    run_id: int
    monitor_id: int | None
    job: str
    slot: str
    actor: str
    attempt: int
    fence: Fence
    counts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """A run that should follow: a row for the queue, never a call."""

    job: str
    monitor_id: int | None
    slot: str
    counts: dict[str, Any] = field(default_factory=dict)
    not_before: datetime | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a run: figures, one sentence, and the runs that should follow."""

    message: str
    counts: dict[str, Any] = field(default_factory=dict)
    follow: list[Request] = field(default_factory=list)
