"""Monitors: all of them, then one with its schedule, fields, scores and versions."""

from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from dashboards import budget, components, registry, series, session
from dashboards.markup import render
from dashboards.views import versions
from dashboards.views.overview import TONES, standing
from monitor.domain import writing
from monitor.domain.errors import MonitorError, UnknownError
from monitor.domain.monitor import Alerts, Monitor
from monitor.domain.version import steps
from monitor.jobs import budget as rules
from monitor.jobs import mute
from monitor.jobs.pull import FIRST_ROWS
from monitor.jobs.train import LEAST
from monitor.scheduling.triggers import next_pull, next_training
from monitor.storage import monitors, mutes, pages, runs
from monitor.storage.database import Session
from monitor.storage.pages import Sought

RANGES = {1: "24 h", 7: "7 days", 30: "30 days", 90: "90 days"}
FRESH = timedelta(minutes=5)  # after which the budget's panel is worked out again
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
    with session.database().read() as reading:
        html = compose_all(reading, session.now())
    session.go(components.page("monitors", html))


def compose_all(reading: Session, now: datetime) -> str:
    """The list of all monitors as HTML."""
    failed = pages.failures(reading)
    retries = runs.retries(reading, now)
    lines = [_line(m, failed.get(m.monitor_id), retries.get(m.monitor_id), now) for m in pages.fleet(reading)]
    return render("monitors", fleet=lines, now=now)


def _line(m: pages.Standing, failed: Any, retry: runs.Retry | None, now: datetime) -> dict[str, Any]:
    config = Monitor.model_validate(m.document)
    state = standing(m, failed, retry, now)
    return {
        "m": m, "config": config, "state": state, "zone": config.schedule.timezone,
        "tone": TONES.get(state, ""), "retry": retry, "pull": writing.duration(config.schedule.pull),
        "fields": len((m.fields or {"fields": []})["fields"]), "source": config.source.kind, "failed": failed,
        "rule": budget.rule(config.alerts), "train": writing.cron(config.schedule.train),
    }  # fmt: skip


@st.fragment(run_every=10)
@versions.there
def _one(name: str) -> None:
    """What stands above the budget, the budget, and the rest: one look at the database for both parts of the page."""
    now, kept = session.now(), st.session_state
    with session.database().read() as reading:
        found = _found(reading, name)
        head, rest = compose(
            reading, found, kept.get("days", 30), kept.pop("said", ""), now, registry.asking(name),
            kept.get("versions", VERSIONS),
        )  # fmt: skip
        panel = _panel(reading, found, now)
    clicked = components.page("monitor", head)
    if panel is not None:
        _budget(name, panel)
    clicked = components.page("monitor-more", rest) or clicked
    if clicked is not None and _act(name, clicked):
        st.rerun(scope="fragment")
    session.go(clicked)


def _panel(reading: Session, found: pages.Standing, now: datetime) -> budget.Panel | None:
    """The budget's panel, made again when the rule changed or it has become old."""
    rule = found.document["alerts"]
    kept = st.session_state.get("panel")
    if kept is None or kept[:2] != (found.name, rule) or now - kept[2] > FRESH:
        panel = budget.compose(reading, found, now) if found.version else None
        kept = st.session_state["panel"] = (found.name, rule, now, panel)
    found_panel: budget.Panel | None = kept[3]
    return found_panel


def _budget(name: str, panel: budget.Panel) -> None:
    wanted, undo = components.budget("budget", panel)
    if wanted is None and not undo:
        return
    try:
        with session.database().write() as writing:
            if undo:
                rules.undo(writing, name, session.actor(), session.now())
            else:
                seen = Alerts.model_validate(panel["seen"])
                rules.set_budget(writing, name, wanted or 0.0, seen, session.actor(), session.now())
    except MonitorError as fault:
        st.session_state["said"] = str(fault)
    st.session_state.pop("panel", None)
    st.rerun(scope="fragment")


def _found(reading: Session, name: str) -> pages.Standing:
    """
    Raises:
        UnknownError: there is no such monitor.
    """
    found = next(iter(pages.fleet(reading, name)), None)
    if found is None:
        raise UnknownError("monitor", name, [w.config.name for w in monitors.listed(reading)])
    return found


def compose(
    reading: Session,
    found: pages.Standing,
    days: int,
    said: str,
    now: datetime,
    asking: str | None = None,
    listed: int = VERSIONS,
) -> tuple[str, str]:
    """One monitor's page as HTML: what stands above the budget, and what below.

    asking: the question on a version that is open; listed: how many versions are shown.
    """
    failed = pages.failures(reading, found.monitor_id).get(found.monitor_id)
    retry = runs.retries(reading, now, found.monitor_id).get(found.monitor_id)
    line = _line(found, failed, retry, now)
    start = now - timedelta(days=days)
    bins = pages.scores(reading, found.monitor_id, start, now)
    trained = pages.versions(reading, found.monitor_id, listed + 1)
    head = render(
        "monitor",
        **line,
        now=now,
        said=said,
        mutes=mutes.listed(reading, now, found.monitor_id),
        waiting=[r for state in ("running", "queued")
                 for r in pages.runs(reading, Sought(found.monitor_id, state=state), None, 5)],
    )  # fmt: skip
    rest = render(
        "monitor_more",
        **line,
        now=now,
        days=days,
        ranges=RANGES,
        learning=_learning(line["config"], now),
        chart=series.history(bins, start, now, found.threshold, line["zone"]) if bins else None,
        legend=series.legend(("line", "oddest row of a stretch"), ("hot", "flagged"), *_threshold(found)),
        versions=trained[:listed],
        older=len(trained) > listed,
        steps=steps,
        question=registry.question(reading, line["config"], found.monitor_id, asking),
    )
    return head, rest


def _learning(config: Monitor, now: datetime) -> dict[str, Any]:
    """What a monitor without a model waits for: rows, and when they are looked for next."""
    return {
        "first": FIRST_ROWS[config.kind],
        "least": LEAST,
        "pull": next_pull(config.schedule, now),
        "training": next_training([config.schedule], now),
    }


def _threshold(m: pages.Standing) -> list[tuple[str, str]]:
    """The key of the threshold: of what it was before, only what it flagged is known."""
    if not m.threshold:
        return []
    return [
        ("expected", f"threshold now, {writing.odds(m.threshold)} rows (before it may have been another)")
    ]


def _act(name: str, clicked: str) -> bool:
    """Do what a button of the page says; False where it is none of its buttons."""
    kind, _, value = clicked.partition(":")
    if kind == "days":
        st.session_state["days"] = int(value)
    elif kind in ("pull", "train"):
        st.session_state["said"] = registry.ask(name, kind)
    elif kind == "unmute":
        st.session_state["said"] = _unmute(int(value))
    elif kind == "older":
        st.session_state["versions"] = st.session_state.get("versions", VERSIONS) + 2 * VERSIONS
    elif kind in ("back", "version", "left"):
        versions.turn(name, kind, value)
    else:
        return registry.take(name, clicked)
    return True


def _unmute(number: int) -> str:
    try:
        with session.database().write() as writing:
            mute.end(writing, number, session.actor(), session.now())
    except MonitorError as fault:
        return str(fault)
    return f"Mute {number} is over: what comes from now on is shown again."
