"""Overview: what needs a person first, how the monitors fare, how the queue is worked."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from dashboards import components, series, session
from dashboards.markup import render
from monitor.domain import health, writing
from monitor.domain.monitor import Monitor
from monitor.domain.review import VERDICTS
from monitor.storage import inbox, pages
from monitor.storage.database import Session
from monitor.storage.inbox import Asked
from monitor.storage.pages import Standing

URGENT = 3  # alerts that are named before the table
CRITICAL = 4


def show() -> None:
    _overview()


@st.fragment(run_every=10)
def _overview() -> None:
    now = session.now()
    with session.database().read() as reading:
        html = compose(reading, now)
    session.go(components.page("overview", html))


def compose(reading: Session, now: datetime) -> str:
    """The whole page as HTML."""
    found = pages.fleet(reading)
    failed = pages.failures(reading)
    sparks = pages.sparks(reading, now - timedelta(days=1))
    lines = [_line(m, failed.get(m.monitor_id), sparks.get(m.monitor_id, []), now) for m in found]
    lines.sort(key=lambda m: (m["order"], -(m["severity"] or 0), -m["open"], m["name"]))
    desk, zone = pages.desk(reading, now), Counter(m["zone"] for m in lines).most_common(1)
    return render(
        "overview",
        now=now,
        zone=zone[0][0] if zone else "UTC",
        fleet=lines,
        on_time=sum(m["state"] in ("on time", "provisional") for m in lines),
        attention=[*_troubled(lines), *_urgent(reading)],
        desk=desk,
        precision=precision(desk.verdicts),
        runs=pages.jobs(reading, now - timedelta(days=1)),
        failing=", ".join(sorted({m["name"] for m in lines if m["state"] == "failing"})),
        scored=sum(b.rows for bins in sparks.values() for b in bins),
        quarantined=sum(m.quarantined for m in found),
        dead=pages.undelivered(reading),
        quiet=(inbox.quiet_since(reading), pages.next_training(reading)),
    )


def standing(m: Standing, failed: Any, now: datetime) -> str:
    """How a monitor fares, in a word; provisional until a row was scored that its model had not seen."""
    schedule = Monitor.model_validate(m.document).schedule
    state = health.state(schedule, now, m.created_at, m.pulled_at, failed is not None, m.version is not None)
    return "provisional" if state == "on time" and m.provisional else state


def _line(m: Standing, failed: Any, bins: list[pages.Bin], now: datetime) -> dict[str, Any]:
    state = standing(m, failed, now)
    return {
        "name": m.name, "kind": m.document["kind"], "zone": m.document["schedule"]["timezone"],
        "currency": m.document.get("currency"), "state": state, "failed": failed, "pulled_at": m.pulled_at,
        "tone": {"failing": "critical", "late": "high"}.get(state, ""), "severity": m.severity, "open": m.open,
        "value": m.value, "version": m.version, "trained_at": m.trained_at, "stored": m.stored,
        "spark": series.spark(bins, now, m.threshold) if bins else "no scores",
        "order": {"failing": 0, "late": 1}.get(state, 2),
    }  # fmt: skip


def _troubled(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One card a monitor that fails or is late; many of a kind share one."""
    found = []
    for state in ("failing", "late"):
        mine = [m for m in lines if m["state"] == state]
        if len(mine) > 2:
            names = ", ".join(m["name"] for m in mine[:8]) + (" …" if len(mine) > 8 else "")
            since = min((m["pulled_at"] for m in mine if m["pulled_at"]), default=None)
            title = f"{len(mine)} monitors are {state}"
            found.append(_card(title, names, since, "fleet:"))
        else:
            found += [_trouble(m) for m in mine]
    return found


def _trouble(m: dict[str, Any]) -> dict[str, Any]:
    since = f"since {writing.clock(m['pulled_at'], m['zone'], named=True)}" if m["pulled_at"] else "yet"
    if m["state"] == "failing":
        title, note = f"{m['name']}: {m['failed'].job} fails", m["failed"].message or "no message"
    else:
        title, note = (
            f"{m['name']}: no pull succeeded {since}",
            "the cursor is kept; what was missed is caught up",
        )
    return _card(title, note, m["pulled_at"], f"runs:{m['name']}")


def _card(title: str, note: str, since: datetime | None, go: str) -> dict[str, Any]:
    return {"severity": 3, "title": title, "note": note, "since": since, "owner": None, "go": go}


def _urgent(reading: Session) -> list[dict[str, Any]]:
    rows = [r for r in inbox.page(reading, Asked(view="all"), URGENT) if r.severity >= CRITICAL]
    return [
        {"severity": r.severity, "title": f"{r.entity or r.monitor}: {r.brief}", "since": r.opened_at,
         "note": " · ".join(filter(None, [r.monitor if r.entity else "", writing.counted(r.members, "row"),
                            writing.money(r.value, r.document.get("currency")) if r.value else ""])),
         "owner": r.owner, "go": f"alert:{r.public_id}"}
        for r in rows
    ]  # fmt: skip


def precision(given: dict[str, int]) -> tuple[float, float, float] | None:
    """Share of alerts that were worth a person's time, with its 95 % interval."""
    hits = sum(given.get(v.name, 0) for v in VERDICTS if v.real)
    of = sum(given.get(v.name, 0) for v in VERDICTS if v.real is not None)
    return (hits / of, *writing.interval(hits, of)) if of else None
