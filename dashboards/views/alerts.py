"""Alerts: queue and alert in one view, a verdict with one key."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from dashboards import actions, components, session
from dashboards.actions import Tray
from dashboards.detail import Detail, detail
from dashboards.markup import render
from monitor.domain.errors import UnknownError
from monitor.domain.review import BY_NAME
from monitor.jobs import review
from monitor.scheduling.triggers import next_training
from monitor.storage import inbox, monitors
from monitor.storage.database import Database
from monitor.storage.inbox import Asked, Row

KEY = "inbox"
TITLES = {name: verdict.title for name, verdict in BY_NAME.items()}
SHOWN = 100  # rows of the queue that are sent
BEHIND, AHEAD = 2, 6  # alerts around the selected one that are sent complete
FRESH = timedelta(seconds=45)  # after which a rendered alert is made again
POLL = 10  # seconds between looks for what is new
DAYS = {"today": 0, "closed": 6}  # of a view of closed alerts: days before today that it goes back
VIEWS = ("free", "all", "snoozed", *DAYS, "suppressed")  # as they stand in an address: ?state=closed


@dataclass
class Desk:
    """One session's inbox: what it shows stays where it is until the person asks for something else."""

    asked: dict[str, Any] = field(
        default_factory=lambda: {"queue": None, "view": "free", "words": "", "turn": 0}
    )
    shown: list[int] | None = None  # alert ids in their order on the screen
    trays: dict[str, Tray] = field(default_factory=dict)
    details: dict[str, tuple[datetime, Detail]] = field(default_factory=dict)


def show() -> None:
    desk: Desk = st.session_state.setdefault("desk", Desk())
    linked = st.query_params.get("state")
    if linked in VIEWS and linked != desk.asked["view"]:
        desk.asked, desk.shown = desk.asked | {"view": linked}, None
    _inbox()


@st.fragment(run_every=POLL)
def _inbox() -> None:
    desk: Desk = st.session_state["desk"]
    sent = st.session_state.get(KEY) or {}
    database, actor, now = session.database(), session.actor(), session.now()
    _act(database, desk, sent.get("actions"), actor, now)
    if isinstance(sent.get("asked"), dict) and sent["asked"].get("turn") != desk.asked["turn"]:
        desk.asked, desk.shown = _understood(sent["asked"]), None
    components.inbox(KEY, compose(database, desk, sent.get("at"), actor, now))


def _act(database: Database, desk: Desk, sent: Any, actor: str, now: datetime) -> None:
    """Take what was pressed, and look again at every alert of the entities concerned."""
    touched = set(actions.take(database, sent, desk.trays, actor, now))
    entities = {d.entity for _, d in desk.details.values() if d.public_id in touched}
    desk.details = {
        name: (at, d)
        for name, (at, d) in desk.details.items()
        if d.entity not in entities and now - at < FRESH
    }


def _understood(asked: dict[str, Any]) -> dict[str, Any]:
    view = asked.get("view") if asked.get("view") in VIEWS else "free"
    queue = asked.get("queue") if isinstance(asked.get("queue"), str) else None
    turn = asked.get("turn") if isinstance(asked.get("turn"), int) else 0
    return {"queue": queue, "view": view, "words": str(asked.get("words") or "")[:100], "turn": turn}


def compose(database: Database, desk: Desk, at: Any, actor: str, now: datetime) -> dict[str, Any]:
    """All that the browser shows: rows, the details around the selected one, figures, what was acknowledged."""
    review.wake(database, now)
    with database.read() as reading:
        zone = inbox.zone(reading)
        today = now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
        asked = _asked(desk.asked, actor, today)
        rows, news = _rows(reading, desk, asked)
        figures = inbox.figures(reading, asked.queue, today)
        queues = inbox.queues(reading)
        linked = (st.query_params.get("alert") or "")[:40] or None
        details = _details(reading, desk, rows, at or linked, linked, actor, now)
        calm = _calm(reading, queues, asked.queue, zone, now) if not figures.open else None
    title = next((t for n, t, _ in queues if n == asked.queue), "All queues")
    title = queues[0][1] if len(queues) == 1 else title
    return {
        "asked": desk.asked,
        "rows": [
            {"id": r.public_id, "html": render("row", row=r, now=now, actor=actor, titles=TITLES)}
            for r in rows
        ],
        "details": details,
        "head": render("head", title=title, figures=figures),
        "queues": render(
            "queues",
            queues=queues if len(queues) > 1 else [],
            chosen=asked.queue,
            view=desk.asked["view"],
            days=DAYS["closed"] + 1,
        ).strip(),
        "foot": render("foot", shown=len(rows), most=SHOWN, figures=figures, asked=asked),
        "empty": render("empty", asked=asked, figures=figures, view=desk.asked["view"])
        + (f"<div class=beside>{calm}</div>" if calm else ""),
        "calm": calm or render("calm", picked=True),
        "news": render("news", news=news) if news else "",
        "snoozed": figures.snoozed,
        "taken": {name: tray.taken for name, tray in desk.trays.items()},
        "refused": {name: tray.refused for name, tray in desk.trays.items()},
    }


def _asked(wanted: dict[str, Any], actor: str, today: datetime) -> Asked:
    view = wanted["view"]
    since = today - timedelta(days=DAYS[view]) if view in DAYS else None
    return Asked(wanted["queue"], "closed" if view in DAYS else view, wanted["words"], actor, since)


def _rows(reading: Any, desk: Desk, asked: Asked) -> tuple[list[Row], list[Row]]:
    """What is on the screen, in its order, and what waits to be brought in.

    Alerts that rank below all that is shown take the place of those that left; nothing else moves.
    """
    ranked = inbox.page(reading, asked, SHOWN)
    if desk.shown is None:
        desk.shown = [r.alert_id for r in ranked]
        return ranked, []
    held = set(desk.shown)
    rows = inbox.these(reading, desk.shown, asked.states)
    if asked.view == "closed":  # in order of their time: what was closed since stands above all that is shown
        return rows, [r for r in ranked if r.alert_id not in held]
    lowest = min((r.rank for r in rows), default=float("inf"))
    below = [r for r in ranked if r.alert_id not in held and r.rank <= lowest and rows]
    news = [r for r in ranked if r.alert_id not in held and r not in below]
    fill = below[: SHOWN - len(rows)]
    desk.shown += [r.alert_id for r in fill]
    return rows + fill, news


def _details(
    reading: Any, desk: Desk, rows: list[Row], at: Any, linked: str | None, actor: str, now: datetime
) -> dict[str, str]:
    """The finished HTML of the selected alert and its neighbours."""
    names = [r.public_id for r in rows]
    place = names.index(at) if at in names else 0
    wanted = names[max(0, place - BEHIND) : place + AHEAD + 1]
    wanted += [str(n) for n in (at, linked) if n and n not in wanted]
    stamps = {r.public_id: r.revision for r in rows}
    found = {}
    for name in wanted:
        kept = desk.details.get(name)
        if kept is None or kept[1].stamp != stamps.get(name, kept[1].stamp):
            try:
                kept = now, detail(reading, name, actor, now)
            except UnknownError:
                found[name] = render("missing", asked=name)
                continue
            desk.details[name] = kept
        found[name] = kept[1].html
    return found


def _calm(
    reading: Any, queues: list[tuple[str, str, int]], queue: str | None, zone: str, now: datetime
) -> str:
    """What stands beside an empty queue: when there was something, when there will be."""
    schedules = [w.config.schedule for w in monitors.listed(reading)]
    return render(
        "calm",
        picked=False,
        monitors=len(schedules),
        elsewhere=sum(n for name, _, n in queues if queue not in (None, name)),
        quiet=inbox.quiet_since(reading),
        training=next_training(schedules, now),
        zone=zone,
        now=now,
    )
