"""One version of a monitor: how it was trained, what was decided on it, and which rows were left out."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

import streamlit as st

from dashboards import components, learning, registry, session
from dashboards.markup import render
from monitor.domain import writing
from monitor.domain.errors import UnknownError
from monitor.domain.review import VERDICTS
from monitor.domain.version import steps
from monitor.storage import monitors, trained, versions
from monitor.storage.database import Session

ROWS = 50  # rows left out that a page shows


def there(view: Callable[..., None]) -> Callable[..., None]:
    """Let a view of a monitor say that what its address names is not there: a link may be old, or typed."""

    @wraps(view)
    def shown(name: str, *rest: Any) -> None:
        try:
            view(name, *rest)
        except UnknownError as fault:
            _follow(
                name, components.page("nowhere", render("nowhere", fault=str(fault), name=name, version=rest))
            )

    return shown


def show(name: str, asked: str) -> None:
    number = _whole(asked, 0)
    left = st.query_params.get("left")
    if left is None:
        _version(name, number)
    else:
        _left_out(name, number, left, st.query_params.get("page", "0"))


def _whole(text: str, otherwise: int) -> int:
    """A number that came with an address."""
    return int(text) if text.isdecimal() and len(text) < 10 else otherwise


def turn(name: str, kind: str, value: str) -> None:
    """Open what a link of these pages names; the address says where one is."""
    registry.close(name)
    number, _, rest = value.partition(":")
    wanted = {"back": {}, "up": {"name": name}, "version": {"name": name, "version": number}}.get(kind)
    if wanted is None:  # left:41, left:41:reason, left:41:reason:page
        reason, _, page = rest.partition(":")
        wanted = {"name": name, "version": number, "left": reason or "all"} | ({"page": page} if page else {})
    st.query_params.from_dict(wanted)
    st.rerun()


@st.fragment(run_every=10)
@there
def _version(name: str, number: int) -> None:
    kept = st.session_state
    with session.database().read() as reading:
        html = compose(reading, name, number, session.now(), kept.pop("said", ""), registry.asking(name))
    clicked = components.page("version", html)
    if clicked is not None and registry.take(name, clicked):
        st.rerun(scope="fragment")
    _follow(name, clicked)


@st.fragment
@there
def _left_out(name: str, number: int, reason: str, page: str) -> None:
    with session.database().read() as reading:
        html = compose_left_out(reading, name, number, reason, page, session.now())
    _follow(name, components.page("left-out", html))


def _follow(name: str, clicked: str | None) -> None:
    kind, _, value = (clicked or "").partition(":")
    if kind in ("back", "up", "version", "left"):
        turn(name, kind, value)
    session.go(clicked)


def compose(
    reading: Session, name: str, number: int, now: datetime, said: str = "", asking: str | None = None
) -> str:
    """A version's page as HTML.

    Raises:
        UnknownError: there is no such monitor or version.
    """
    watched = monitors.named(reading, name)
    version = trained.version(reading, watched.monitor_id, number)
    champion = versions.champion(reading, watched.monitor_id)
    zone, decided = watched.config.schedule.timezone, steps(version.decision, version.decided_at)
    figures = next((s.figures for s in reversed(decided) if "auroc" in s.figures), {})
    measured = figures.get("calibration") or {"rows": 0, "below": []}
    rows, below = trained.live(reading, version)
    points = version.facts.get("curve", [])
    return render(
        "version",
        name=name,
        config=watched.config,
        zone=zone,
        v=version,
        span=_span(version, zone),
        left=sum((version.manifest_left_out or {}).values()),
        reasons=_reasons(version),
        unreviewed=(version.manifest_left_out or {}).get("not reviewed yet", 0),
        unused=(watched.schema.unlearnt if watched.schema else {}) | version.facts.get("refused", {}),
        champion=champion.number if champion else None,
        steps=decided,
        before=next((s.other for s in reversed(decided) if s.kind in ("promoted", "rolled back")), None),
        after=next((s.other for s in reversed(decided) if s.kind == "replaced"), None),
        gate=gate(figures),
        held=figures.get("held_back_rows", 0),
        pinned_then=any("is pinned" in s.reason for s in decided if s.kind == "rejected"),
        curve=learning.curve(points),
        unseen=any(len(point) > 2 and point[2] is not None for point in points),
        calibration=learning.calibration(measured["rows"], measured["below"], rows, below),
        measured=measured["rows"],
        live=rows,
        packages=", ".join(f"{n} {v}" for n, v in sorted(version.facts.get("versions", {}).items())),
        question=registry.question(reading, watched.config, watched.monitor_id, asking),
        said=said,
        now=now,
    )


def _span(version: Any, zone: str) -> str:
    """From when to when the rows are that were learnt."""
    ends = [datetime.fromisoformat(at) for at in (version.manifest_from, version.manifest_to) if at]
    return " to ".join(f"{writing.day(at, zone, year=True)}, {writing.clock(at, zone)}" for at in ends)


def _reasons(version: Any) -> list[tuple[str, int]]:
    """Why rows were left out and how many, the most first: the same order wherever it is shown."""
    return sorted((version.manifest_left_out or {}).items(), key=lambda c: (-c[1], c[0]))


def gate(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """The gate's figures beside the champion's and the limits; empty where the gate did not measure."""
    if "auroc" not in figures:
        return []
    auroc = [figures.get(name) for name in ("auroc", "champion_auroc", "auroc_least")]
    flagged = [figures.get(name) for name in ("flagged_per_day", "champion_flagged_per_day", "flagged_most")]
    return [
        _measured("Planted faults found, AUROC", auroc, "{:.3f}", "at least"),
        *(
            [_measured("Flagged a day", flagged, "{:,.1f}", "at most")]
            if "flagged_per_day" in figures
            else []
        ),
    ]


def _measured(name: str, figures: list[float | None], form: str, side: str) -> dict[str, Any]:
    """One line: this version's figure, the champion's before, the limit; None is what was not measured or no number."""
    this, _, limit = figures
    words = ["–" if figure is None else form.format(figure) for figure in figures]
    within = this is not None and (limit is None or (this >= limit if side == "at least" else this <= limit))
    return {"name": name, "this": words[0], "before": words[1], "holds": within,
            "limit": words[2] if limit is None else f"{side} {words[2]}"}  # fmt: skip


def compose_left_out(reading: Session, name: str, number: int, reason: str, page: str, now: datetime) -> str:
    """The rows that a training left out, as HTML; ``reason`` is its place in the manifest's counts, or "all".

    Raises:
        UnknownError: there is no such monitor or version.
    """
    watched = monitors.named(reading, name)
    version = trained.version(reading, watched.monitor_id, number)
    named = trained.left_out(reading, version.version_id)
    reasons = _reasons(version)
    place = _whole(reason, len(reasons))
    chosen = reasons[place][0] if place < len(reasons) else None
    told = {why for _, why in named} != {""}
    mine = [row for row in named if chosen in (None, row[1])] if told else named
    at = min(_whole(page, 0), max(0, (len(mine) - 1) // ROWS))
    shown = trained.rows(reading, watched.config.table, mine[at * ROWS : (at + 1) * ROWS])
    return render(
        "left_out",
        name=name,
        v=version,
        zone=watched.config.schedule.timezone,
        entity=watched.config.entity,
        reasons=reasons,
        chosen=str(place) if chosen else "all",
        told=told,
        all=sum(n for _, n in reasons),
        named=len(named),
        rows=shown,
        found=len(mine),
        at=at,
        pages=-(-len(mine) // ROWS),
        size=ROWS,
        titles={verdict.name: verdict.title for verdict in VERDICTS},
        now=now,
    )
