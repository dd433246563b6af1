"""Overview: what needs a person first, how the monitors fare, how the queue is worked."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from dashboards import components, series, session
from dashboards.markup import render
from monitor.domain import health, writing
from monitor.domain.alert import SEVERITIES
from monitor.domain.monitor import Monitor
from monitor.domain.review import VERDICTS
from monitor.domain.writing import counted
from monitor.jobs.pull import FIRST_ROWS
from monitor.scheduling.triggers import next_training
from monitor.storage import inbox, mutes, pages, runs
from monitor.storage.database import Session
from monitor.storage.inbox import Asked, Row
from monitor.storage.pages import Standing

NAMED = 3  # alerts that are named before the table
TONES = {"failing": "critical", "late": "high", "retrying": "medium"}
URGENT = 3  # the least severity (high) that needs a person now


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
    retries, muted = runs.retries(reading, now), mutes.whole(reading, now)
    lines = [_line(m, failed.get(m.monitor_id), retries.get(m.monitor_id), sparks.get(m.monitor_id, []), now)
             for m in found]  # fmt: skip
    lines.sort(key=lambda m: (m["order"], -(m["severity"] or 0), -m["open"], m["name"]))
    desk, zone = pages.desk(reading, now), Counter(m["zone"] for m in lines).most_common(1)
    opened, named = inbox.severities(reading), inbox.page(reading, Asked(view="all"), NAMED)
    states = Counter(m["state"] for m in lines)
    for line in lines:
        line["muted"] = muted.get(line["monitor_id"])
        line["said"] = (
            None if line["stored"] or line["version"] else runs.said(reading, line["monitor_id"], "pull")
        )
    return render(
        "overview",
        now=now,
        zone=zone[0][0] if zone else "UTC",
        fleet=lines,
        title=headline(states, opened),
        on_time=states["on time"] + states["provisional"],
        learning=states["learning"] + states["waiting"],
        attention=[*_troubled(lines, now), *map(_alert, named)],
        more=sum(opened.values()) - len(named),
        rest=_rest(opened, named),
        desk=desk,
        precision=precision(desk.verdicts),
        runs=pages.jobs(reading, now - timedelta(days=1)),
        failing=", ".join(sorted({m["name"] for m in lines if m["state"] == "failing"})),
        scored=sum(b.rows for bins in sparks.values() for b in bins),
        quarantined=sum(m.quarantined for m in found),
        dead=pages.undelivered(reading),
        quiet=inbox.quiet_since(reading),
        training=next_training((Monitor.model_validate(m.document).schedule for m in found), now),
    )


def headline(states: Mapping[str, int], opened: Mapping[int, int]) -> str:
    """What is wrong and what is open in one sentence.

    states: state -> monitors; opened: severity -> open alerts.

    >>> headline({"failing": 1}, {4: 2, 3: 1, 1: 37})
    '1 monitor fails, 3 alerts need you, 37 more open'
    >>> headline({}, {2: 1, 1: 39}), headline({}, {}), headline({"late": 2}, {})
    ('40 alerts open, none above medium', 'Nothing needs you now', '2 monitors are late, no alert is open')
    >>> headline({"retrying": 1}, {})
    '1 monitor is tried again, no alert is open'
    """
    urgent = sum(n for severity, n in opened.items() if severity >= URGENT)
    rest = sum(opened.values()) - urgent
    parts = []
    if failing := states.get("failing", 0):
        parts.append(f"{counted(failing, 'monitor')} {'fails' if failing == 1 else 'fail'}")
    if late := states.get("late", 0):
        parts.append(f"{counted(late, 'monitor')} {'is' if late == 1 else 'are'} late")
    if retried := states.get("retrying", 0):
        parts.append(f"{counted(retried, 'monitor')} {'is' if retried == 1 else 'are'} tried again")
    if urgent:
        parts.append(f"{counted(urgent, 'alert')} {'needs' if urgent == 1 else 'need'} you")
        parts += [f"{rest:,} more open"] if rest else []
    elif rest:
        parts.append(f"{counted(rest, 'alert')} open, none above {SEVERITIES[max(opened)]}")
    elif parts:
        parts.append("no alert is open")
    return ", ".join(parts) or "Nothing needs you now"


def _rest(opened: Mapping[int, int], named: list[Row]) -> str:
    """The open alerts that are not named, by severity: ``2 high, 35 low``."""
    left = Counter(opened) - Counter(r.severity for r in named)
    return ", ".join(f"{left[n]:,} {SEVERITIES[n]}" for n in sorted(left, reverse=True))


def standing(m: Standing, failed: Any, retry: runs.Retry | None, now: datetime) -> str:
    """How a monitor fares, in a word; provisional until a row was scored that its model had not seen."""
    schedule = Monitor.model_validate(m.document).schedule
    failing, learnt = failed is not None, m.version is not None
    state = health.state(
        schedule, now, m.created_at, m.pulled_at, failing, learnt, m.stored > 0, retry is not None
    )
    return "provisional" if state == "on time" and m.provisional else state


def _line(
    m: Standing, failed: Any, retry: runs.Retry | None, bins: list[pages.Bin], now: datetime
) -> dict[str, Any]:
    state = standing(m, failed, retry, now)
    return {
        "monitor_id": m.monitor_id, "name": m.name, "kind": m.document["kind"],
        "zone": m.document["schedule"]["timezone"], "currency": m.document.get("currency"),
        "state": state, "failed": failed, "retry": retry, "pulled_at": m.pulled_at,
        "tone": TONES.get(state, ""), "severity": m.severity, "open": m.open,
        "value": m.value, "version": m.version, "trained_at": m.trained_at, "stored": m.stored,
        "spark": series.spark(bins, now, m.threshold) if bins else "no scores",
        "first": FIRST_ROWS[m.document["kind"]],
        "order": {"failing": 0, "late": 1, "retrying": 2}.get(state, 3),
    }  # fmt: skip


def _troubled(lines: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """One card a monitor that fails or is late; many of a kind share one."""
    found = []
    for state in ("failing", "late"):
        mine = [m for m in lines if m["state"] == state]
        if len(mine) > 2:
            names = ", ".join(m["name"] for m in mine[:8]) + (" …" if len(mine) > 8 else "")
            first = min((m["pulled_at"] for m in mine if m["pulled_at"]), default=None)
            found.append(_card(f"{len(mine)} monitors are {state}", names, "oldest pull", first, "fleet:"))
        else:
            found += [_trouble(m, now) for m in mine]
    return found


def _trouble(m: dict[str, Any], now: datetime) -> dict[str, Any]:
    go = f"runs:{m['name']}"
    if m["state"] == "failing":
        note = m["failed"].message or "no message"
        return _card(f"{m['name']}: {m['failed'].job} fails", note, "failed", m["failed"].finished_at, go)
    if m["said"]:
        return _card(f"{m['name']}: no row came so far", m["said"], "last pull", m["pulled_at"], go)
    since = f"since {writing.moment(m['pulled_at'], m['zone'], now)}" if m["pulled_at"] else "yet"
    note = "the cursor is kept; what was missed is caught up"
    return _card(f"{m['name']}: no pull succeeded {since}", note, "last pull", m["pulled_at"], go)


def _card(title: str, note: str, what: str, at: datetime | None, go: str) -> dict[str, Any]:
    """``at``: when that happened which ``what`` names."""
    return {"severity": 3, "title": title, "note": note, "what": what, "at": at, "owner": None, "go": go}


def _alert(r: Row) -> dict[str, Any]:
    value = writing.money(r.value, r.document.get("currency")) if r.value else ""
    note = " · ".join(filter(None, [r.monitor if r.entity else "", counted(r.members, "row"), value]))
    return {
        "severity": r.severity, "title": f"{r.entity or r.monitor}: {r.brief}", "note": note, "what": "began",
        "at": r.first_event_at, "owner": r.owner or "nobody", "go": f"alert:{r.public_id}",
    }  # fmt: skip


def precision(given: dict[str, int]) -> tuple[float, float, float] | None:
    """Share of alerts that were worth a person's time, with its 95 % interval."""
    hits = sum(given.get(v.name, 0) for v in VERDICTS if v.real)
    of = sum(given.get(v.name, 0) for v in VERDICTS if v.real is not None)
    return (hits / of, *writing.interval(hits, of)) if of else None
