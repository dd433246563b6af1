"""Promote, roll back, pin: a press is first answered with what it would do and how it is undone."""

from dataclasses import dataclass
from uuid import uuid4

import streamlit as st

from dashboards import session
from monitor.domain import writing
from monitor.domain.errors import MonitorError
from monitor.domain.monitor import Monitor
from monitor.domain.run import Request
from monitor.domain.version import by_hand
from monitor.jobs.pin import pin
from monitor.storage import monitors, runs, versions
from monitor.storage.database import Session

ACTS = ("promote", "pin", "unpin")
MOST = 2_000  # characters of a reason


@dataclass(frozen=True)
class Question:
    """What is asked before a version is promoted, pinned or unpinned; ``go`` is what the yes sends."""

    number: int
    title: str
    effect: str
    undo: str
    go: str


def asking(name: str) -> str | None:
    """What is asked about a monitor's versions, such as "promote:40", while that question is open."""
    found: str | None = st.session_state.get(_key(name))
    return found


def _key(name: str) -> str:
    return f"asking {name}"


def question(reading: Session, config: Monitor, monitor_id: int, asked: str | None) -> Question | None:
    """The open question in words; None where none is open, or it no longer stands."""
    act, number = _understood(asked)
    if act not in ACTS:
        return None
    champion = versions.champion(reading, monitor_id)
    now = champion.number if champion else None
    try:
        version = versions.numbered(reading, monitor_id, number)
    except MonitorError:
        return None
    go = f"do:{act}:{number}"
    if act == "promote":
        return None if number == now else Question(number, *_takeover(config, version, now), go)
    if champion is None or number != now or champion.pinned == (act == "pin"):
        return None
    if act == "pin":
        effect = (
            f"Trainings go on, but none takes over from v{number} by itself: each is stored and rejected."
        )
        return Question(number, f"Pin v{number}?", effect, "Undo: unpin it.", go)
    effect = f"From the next training on, {_training(config)}, the gate decides again."
    return Question(number, f"Unpin v{number}?", effect, "Undo: pin it.", go)


def _takeover(config: Monitor, version: versions.Version, champion: int | None) -> tuple[str, str, str]:
    back = by_hand(version.state, version.number, champion) == "rolled back"
    title = f"{'Roll back to' if back else 'Promote'} v{version.number}?"
    instead = f" in place of v{champion}" if champion else ""
    effect = (
        f"v{version.number} scores every row from the next one on{instead}; scores and alerts that are there stay. "
        f"The next training, {_training(config)}, may take over again unless you pin it."
    )
    if champion is None:
        return title, effect, ""
    undo = "roll back to" if champion < version.number else "promote"
    return title, effect, f"Undo: {undo} v{champion}."


def _training(config: Monitor) -> str:
    return f"{writing.cron(config.schedule.train)} {config.schedule.timezone}"


def take(name: str, clicked: str) -> bool:
    """Do what a button on versions says; False where it is none of these buttons."""
    kind, _, rest = clicked.partition(":")
    if kind == "ask":
        st.session_state[_key(name)] = rest
    elif kind == "no":
        close(name)
    elif kind == "do":
        close(name)
        st.session_state["said"] = _done(name, rest)
    else:
        return False
    return True


def close(name: str) -> None:
    """Ask nothing any more."""
    st.session_state.pop(_key(name), None)


def _done(name: str, asked: str) -> str:
    act, number = _understood(asked)
    why = asked.split(":", 2)[2][:MOST] if asked.count(":") > 1 else ""
    try:
        if act == "promote":
            return ask(name, "promote", number, why)
        with session.database().write() as writing:
            pin(writing, name, act == "pin", session.actor(), session.now(), why, number)
    except MonitorError as fault:
        return str(fault)
    return f"v{number} is {'pinned' if act == 'pin' else 'no longer pinned'}."


def ask(name: str, job: str, number: int | None = None, why: str = "") -> str:
    """Put a run into the queue and say so; a worker takes it up."""
    with session.database().write() as writing:
        monitor_id = monitors.named(writing, name).monitor_id
        counts: dict[str, object] = {}
        if number is not None:
            version = versions.numbered(writing, monitor_id, number)
            counts = {"version_id": version.version_id, "by_hand": True} | ({"why": why} if why else {})
        request = Request(job, monitor_id, f"manual-{uuid4().hex}", counts)
        runs.offer(writing, request, session.actor(), session.now())
    return {"pull": "A pull", "train": "A training", "promote": "The change of version"}[job] + " is queued."


def _understood(asked: str | None) -> tuple[str, int]:
    """What the browser sent: an act and a version's number, or nothing usable."""
    act, _, rest = (asked or "").partition(":")
    number = rest.partition(":")[0]
    return (act, int(number)) if number.isdecimal() and len(number) < 10 else ("", 0)
