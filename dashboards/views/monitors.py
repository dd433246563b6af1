"""Monitors: all of them, then one with its schedule, fields, scores and versions."""

from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from dashboards import components, registry, series, session
from dashboards.markup import render
from dashboards.views import versions
from dashboards.views.overview import standing
from monitor.domain import writing
from monitor.domain.errors import UnknownError
from monitor.domain.monitor import Monitor
from monitor.domain.version import steps
from monitor.storage import monitors, pages
from monitor.storage.database import Session
from monitor.storage.pages import Sought

RANGES = {1: "24 h", 7: "7 days", 30: "30 days", 90: "90 days"}
VERSIONS = 12  # in the list at first, and more at each asking


def show() -> None:
    name, version = st.query_params.get("name"), st.query_params.get("version")
    if name is None:
        _all()
    elif version is None:
        _one(name)
    else:
        versions.show(name, version)


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
    now, kept = session.now(), st.session_state
    with session.database().read() as reading:
        html = compose(
            reading, name, kept.get("days", 30), kept.pop("said", ""), now, kept.get(registry.ASKING),
            kept.get("versions", VERSIONS),
        )  # fmt: skip
    clicked = components.page("monitor", html)
    if clicked is not None and _act(name, clicked):
        st.rerun(scope="fragment")
    session.go(clicked)


def compose(
    reading: Session,
    name: str,
    days: int,
    said: str,
    now: datetime,
    asking: str | None = None,
    listed: int = VERSIONS,
) -> str:
    """One monitor's page as HTML.

    asking: the question on a version that is open; listed: how many versions are shown.

    Raises:
        UnknownError: there is no such monitor.
    """
    found = next(iter(pages.fleet(reading, name)), None)
    if found is None:
        raise UnknownError("monitor", name, [w.config.name for w in monitors.listed(reading)])
    failed = pages.failures(reading, found.monitor_id).get(found.monitor_id)
    line = _line(found, failed, now)
    start = now - timedelta(days=days)
    bins = pages.scores(reading, found.monitor_id, start, now)
    trained = pages.versions(reading, found.monitor_id, listed + 1)
    return render(
        "monitor",
        **line,
        now=now,
        days=days,
        ranges=RANGES,
        said=said,
        chart=series.history(bins, start, now, found.threshold, line["zone"]) if bins else None,
        legend=series.legend(("line", "oddest row of a stretch"), ("hot", "flagged"), ("expected", "threshold")),
        versions=trained[:listed],
        older=len(trained) > listed,
        steps=steps,
        question=registry.question(reading, line["config"], found.monitor_id, asking),
        waiting=[r for state in ("running", "queued")
                 for r in pages.runs(reading, Sought(found.monitor_id, state=state), None, 5)],
    )  # fmt: skip


def _act(name: str, clicked: str) -> bool:
    """Do what a button of the page says; False where it is none of its buttons."""
    kind, _, value = clicked.partition(":")
    if kind == "days":
        st.session_state["days"] = int(value)
    elif kind in ("pull", "train"):
        st.session_state["said"] = registry.ask(name, kind)
    elif kind == "older":
        st.session_state["versions"] = st.session_state.get("versions", VERSIONS) + 2 * VERSIONS
    elif kind in ("back", "version", "left"):
        versions.turn(name, kind, value)
    else:
        return registry.take(name, clicked)
    return True
