"""Runs: what ran, how long it took, what failed and why."""

from datetime import datetime
from typing import Any

import streamlit as st

from dashboards import components, session
from dashboards.markup import render
from monitor.storage import pages
from monitor.storage.database import Session
from monitor.storage.pages import Sought

SHOWN = 50
JOBS = ["pull", "score", "train", "promote", "notify", "prune", "readmit"]
STATES = ["running", "queued", "failed", "done", "refused"]


def show() -> None:
    with session.database().read() as reading:
        names = {m.name: m.monitor_id for m in pages.fleet(reading)}
    asked = st.query_params.get("monitor")
    with st.container(horizontal=True, gap="small"):
        monitor = _choice("Monitor", list(names), asked)
        chosen = Sought(names.get(monitor or ""), _choice("Job", JOBS), _choice("State", STATES))
    if st.session_state.get("sought") != chosen:
        st.session_state["sought"], st.session_state["before"] = chosen, []
    _runs(chosen)


def _choice(title: str, options: list[str], chosen: str | None = None) -> str | None:
    """One filter; None is every one of its options."""
    index = options.index(chosen) if chosen in options else None
    found: str | None = st.selectbox(
        title,
        options,
        index=index,
        placeholder=f"every {title.lower()}",
        label_visibility="collapsed",
        width=170,
    )
    return found


@st.fragment(run_every=10)
def _runs(sought: Sought) -> None:
    """One page at a time; ``before`` holds where each page that was left began."""
    before: list[int] = st.session_state["before"]
    with session.database().read() as reading:
        html = compose(reading, sought, before[-1] if before else None, session.now())
    clicked = components.page("runs", html)
    kind, _, value = (clicked or "").partition(":")
    if kind == "older":
        st.session_state["before"] = [*before, int(value)]
    elif kind == "newer":
        st.session_state["before"] = before[:-1]
    if kind in ("older", "newer"):
        st.rerun(scope="fragment")
    session.go(clicked)


def compose(reading: Session, sought: Sought, before: int | None, now: datetime) -> str:
    """A page of runs as HTML."""
    found = pages.runs(reading, sought, before, SHOWN + 1)
    return render(
        "runs",
        runs=[_line(r) for r in found[:SHOWN]],
        older=found[SHOWN - 1].run_id if len(found) > SHOWN else None,
        newer=before is not None,
        filtered=sought != Sought(),
        now=now,
    )


def _line(r: Any) -> dict[str, Any]:
    began = r.started_at or r.requested_at
    took = r.finished_at - r.started_at if r.finished_at and r.started_at else None
    zone = r.document["schedule"]["timezone"] if r.document else "UTC"
    return {"r": r, "began": began, "took": took, "zone": zone,
            "tone": {"failed": "critical", "refused": "high"}.get(r.state, "")}  # fmt: skip
