"""One alert as HTML: what happened in a sentence, then the evidence for and against it."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dashboards import charts, series
from dashboards.fields import Line, number, number_sign, written
from dashboards.markup import render
from monitor.domain import writing
from monitor.domain.alert import HISTORY
from monitor.domain.erasure import CONTENT
from monitor.domain.monitor import Monitor
from monitor.domain.review import BY_NAME
from monitor.domain.version import compared
from monitor.domain.writing import counted
from monitor.storage import evidence, mutes, reviews
from monitor.storage.database import Session
from monitor.storage.readings import TYPES

FIELDS = 8  # lines of expected against actual
ROWS = 6  # rows of the alert that are listed
PAST = 90  # days of the entity's history
EARLIER = 40  # earlier alerts that are read for it
DOTS = 240  # rows of a scatter


@dataclass(frozen=True)
class Detail:
    """A rendered alert; ``stamp`` changes when the alert does."""

    alert_id: int
    public_id: str
    entity: tuple[int, str | None]
    stamp: int
    html: str


def detail(session: Session, public_id: str, actor: str, now: datetime) -> Detail:
    """
    Raises:
        UnknownError: there is no such alert.
    """
    alert = evidence.alert(session, public_id)
    config = Monitor.model_validate(alert.document)
    top = evidence.strongest(session, alert.alert_id)
    parts: list[dict[str, Any]] = top.explanation if top else []
    types = {f["name"]: f["type"] for f in (alert.pinned or {"fields": []})["fields"]}
    table = evidence.table_of(config.table, {n: TYPES[t] for n, t in types.items()}) if types else None
    stored = [p for p in parts if p["field"] in types]
    members = evidence.members(session, alert.alert_id, ROWS)
    html = render(
        "alert",
        alert=alert,
        actor=actor,
        config=config,
        zone=config.schedule.timezone,
        now=now,
        top=top,
        compared=compared(top.facts or {}) if top else None,
        brief=alert.last_event_at - alert.first_event_at < timedelta(minutes=10),
        lines=[Line.of(p, config) for p in parts[:FIELDS]],
        more=max(0, len(parts) - FIELDS),
        chart=_chart(session, table, alert, config, stored) if table is not None else None,
        rows=_rows(session, table, members, stored, config) if table is not None else [],
        columns=[p["field"] for p in stored[:2]],
        past=_past(session, alert, now),
        trail=[
            _said(c, config.schedule.timezone, now) for c in evidence.changes(session, alert.alert_id, 12)
        ],
        verdict=BY_NAME.get(alert.verdict or ""),
        closed_by=reviews.standing_review(session, alert.alert_id) if alert.state == "closed" else None,
        history=alert.suppressed_by == HISTORY,
        erased=alert.why == CONTENT,
        mutes=mutes.over(session, alert.monitor_id, alert.entity, now),
    )
    return Detail(alert.alert_id, public_id, (alert.monitor_id, alert.entity), alert.revision, html)


def _chart(
    session: Session, table: Any, alert: Any, config: Monitor, parts: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """The field that weighs most and is a number: a line for samples in time, dots for rows that stand alone."""
    part = next((p for p in parts if p["kind"] == "number" and number(p["actual"]) is not None), None)
    if part is None:
        return None
    field, zone = part["field"], config.schedule.timezone
    usual = (number(part.get("low")), number(part.get("expected")), number(part.get("high")))
    sign, unit = number_sign(field, config)
    if config.kind == "sensor":
        start, end = evidence.window(session, table, alert.entity, alert.first_event_at, alert.last_event_at)
        points = evidence.series(session, table, field, alert.entity, start, end)
        if len(points) < 2:
            return None
        span = (alert.first_event_at, alert.last_event_at)
        drawn, note = series.line(points, span, usual, unit, zone), unit
        keys = (("band", "usual, 98 %"), ("flag", "flagged"), ("line", "actual"), ("expected", "expected"))
    else:
        rows = evidence.recent(session, table, field, alert.entity, alert.last_event_at, DOTS)
        if len(rows) < 2:
            return None
        flagged = {m.reading_id for m in evidence.members(session, alert.alert_id, DOTS)}
        drawn, log = series.scatter(rows, flagged, usual, sign, zone)
        start, end = rows[0][1], rows[-1][1]
        note = ", ".join(filter(None, [sign or unit, "log scale" if log else None]))
        keys = (("band", "usual, 98 %"), ("flag", "flagged"), ("dim", "a row"), ("expected", "expected"))
    return {
        "field": field,
        "svg": drawn,
        "note": note,
        "start": start,
        "end": end,
        "legend": series.legend(*keys),
    }


def _rows(
    session: Session, table: Any, members: list[Any], parts: list[dict[str, Any]], config: Monitor
) -> list[dict[str, Any]]:
    """The first rows of the alert with the fields that weigh most."""
    names = [p["field"] for p in parts[:2]]
    cells = evidence.cells(session, table, names, [m.reading_id for m in members])
    return [
        {
            "at": m.event_at,
            "p_value": m.p_value,
            "cells": [
                written(v, n, config) for v, n in zip(cells.get(m.reading_id, []), names, strict=False)
            ],
        }
        for m in members
    ]


def _past(session: Session, alert: Any, now: datetime) -> dict[str, Any]:
    start = now - timedelta(days=PAST)
    earlier = evidence.past(session, alert, start, EARLIER)
    outcomes = Counter(BY_NAME[p.verdict].title if p.verdict in BY_NAME else p.state for p in earlier)
    moments = [p.first_event_at for p in earlier if p.first_event_at >= start] + [alert.first_event_at]
    return {
        "alerts": earlier[:5],
        "count": len(earlier),
        "most": len(earlier) == EARLIER,
        "outcomes": outcomes.most_common(),
        "strip": charts.days(moments, start, now),
        "start": start,
        "titles": {name: v.title for name, v in BY_NAME.items()},
    }


def _said(change: Any, zone: str, now: datetime) -> dict[str, Any]:
    """A line of the alert's own history, in words."""
    detail = change.detail
    verdict, until = BY_NAME.get(detail.get("verdict", "")), detail.get("until")
    words = {
        "opened": "opened",
        "grew": f"grew to {counted(detail.get('members', 0), 'row')}",
        "escalated": f"escalated, {counted(detail.get('members', 0), 'row')}",
        "closed": f"closed as {verdict.title}"
        if verdict
        else f"closed: {detail.get('reason', 'no reason given')}",
        "reopened": f"verdict {verdict.title} taken back" if verdict else "came back from snooze",
        "noted": "noted",
        "muted": f"{'whole monitor' if detail.get('whole') else 'entity'} muted",
    }
    return {
        "at": change.at,
        "who": change.actor,
        "what": words.get(change.kind, change.kind),
        "note": detail.get("note"),
        "until": writing.moment(datetime.fromisoformat(until), zone, now) if until else "",
    }
