"""Monitors: all of them, then one with its schedule, fields, scores and versions."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import streamlit as st

from dashboards import components, series, session
from dashboards.markup import render
from dashboards.views.overview import standing
from monitor.domain import writing
from monitor.domain.errors import UnknownError
from monitor.domain.monitor import Monitor
from monitor.domain.run import Request
from monitor.storage import pages, runs
from monitor.storage.database import Session
from monitor.storage.pages import Sought

RANGES = {1: "24 h", 7: "7 days", 30: "30 days", 90: "90 days"}


def show() -> None:
    name = st.query_params.get("name")
    if name is None:
        _all()
    else:
        _one(name)


@st.fragment(run_every=10)
def _all() -> None:
    now = session.now()
    with session.database().read() as reading:
        found = pages.fleet(reading)
        failed = pages.failures(reading)
    lines = [_line(m, failed.get(m.monitor_id), now) for m in found]
    session.go(components.page("monitors", render("monitors", fleet=lines, now=now)))


def _line(m: pages.Standing, failed: Any, now: datetime) -> dict[str, Any]:
    config = Monitor.model_validate(m.document)
    state = standing(m, failed, now)
    return {
        "m": m, "config": config, "state": state, "zone": config.schedule.timezone,
        "tone": {"failing": "critical", "late": "high"}.get(state, ""), "pull": writing.duration(config.schedule.pull),
        "fields": len((m.fields or {"fields": []})["fields"]), "source": config.source.kind, "failed": failed,
        "rule": rule(config), "train": writing.cron(config.schedule.train),
    }  # fmt: skip


def rule(config: Monitor) -> str:
    """What turns p-values into alerts, in words."""
    alerts = config.alerts
    if alerts.budget is not None:
        return f"{alerts.budget:g} alerts a day"
    if alerts.fdr is not None:
        return f"false-discovery rate {alerts.fdr:g}"
    return f"p at most {alerts.p_value:g}"


@st.fragment(run_every=10)
def _one(name: str) -> None:
    now = session.now()
    with session.database().read() as reading:
        html = compose(reading, name, st.session_state.get("days", 30), st.session_state.pop("said", ""), now)
    clicked = components.page("monitor", html)
    if clicked is not None and _act(name, clicked):
        st.rerun(scope="fragment")
    session.go(clicked)


def compose(reading: Session, name: str, days: int, said: str, now: datetime) -> str:
    """One monitor's page as HTML.

    Raises:
        UnknownError: there is no such monitor.
    """
    found = next((m for m in pages.fleet(reading) if m.name == name), None)
    if found is None:
        raise UnknownError("monitor", name, [m.name for m in pages.fleet(reading)])
    failed = pages.failures(reading).get(found.monitor_id)
    line = _line(found, failed, now)
    start = now - timedelta(days=days)
    bins = pages.scores(reading, found.monitor_id, start, now)
    return render(
        "monitor",
        **line,
        now=now,
        days=days,
        ranges=RANGES,
        said=said,
        chart=series.history(bins, start, now, found.threshold, line["zone"]) if bins else None,
        legend=series.legend(("line", "oddest row of a stretch"), ("hot", "flagged"), ("expected", "threshold")),
        versions=pages.versions(reading, found.monitor_id),
        waiting=[r for state in ("running", "queued")
                 for r in pages.runs(reading, Sought(found.monitor_id, state=state), None, 5)],
    )  # fmt: skip


def _act(name: str, clicked: str) -> bool:
    """Do what a button of the page says; False where it is none of its buttons."""
    kind, _, value = clicked.partition(":")
    if kind == "days":
        st.session_state["days"] = int(value)
    elif kind in ("pull", "train", "promote"):
        st.session_state["said"] = ask(name, kind, int(value) if value else None)
    elif kind == "back":
        st.query_params.clear()
        st.rerun()
    else:
        return False
    return True


def ask(name: str, job: str, version_id: int | None) -> str:
    """Put a run into the queue and say so; a worker takes it up."""
    with session.database().read() as reading:
        found = next(m for m in pages.fleet(reading) if m.name == name)
    counts = {"version_id": version_id, "by_hand": True} if version_id is not None else {}
    request = Request(job, found.monitor_id, f"manual-{uuid4().hex}", counts)
    with session.database().write() as writing:
        runs.offer(writing, request, session.actor(), session.now())
    return {"pull": "A pull", "train": "A training", "promote": "The change of version"}[job] + " is queued."
