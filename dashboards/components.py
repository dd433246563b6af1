"""The components: the inbox, a page that is only read, the budget. Their HTML is made and escaped in Python."""

from typing import Any

import streamlit as st

from dashboards.markup import read, render
from monitor.domain.review import SNOOZES, VERDICTS
from monitor.domain.writing import duration
from monitor.jobs.mute import SPANS


def inbox(key: str, data: dict[str, Any]) -> None:
    """Queue and alert in one view; what a person did comes back as the states actions, asked and at."""
    mount = st.components.v2.component(
        "monitor.inbox",
        html=render(
            "inbox",
            verdicts=VERDICTS,
            snoozes={n: duration(span) for n, span in SNOOZES.items()},
            mutes={n: duration(span) for n, span in SPANS.items()},
        ),
        css=read("assets/base.css") + read("assets/inbox.css"),
        js=read("assets/inbox.js"),
    )
    mount(key=key, data=data, on_actions_change=_noted, on_asked_change=_noted, on_at_change=_noted)


def page(key: str, html: str) -> str | None:
    """Show HTML; returns the ``data-go`` of what was clicked."""
    mount = st.components.v2.component(
        "monitor.page",
        html="<div class='page'></div>",
        css=read("assets/base.css") + read("assets/page.css"),
        js=read("assets/page.js"),
    )
    clicked: str | None = mount(key=key, data={"html": html}, on_go_change=_noted).go
    return clicked


def budget(key: str, data: dict[str, Any]) -> tuple[float | None, bool]:
    """Show the budget's panel; returns the budget that was set, and whether the last change is to be undone."""
    mount = st.components.v2.component(
        "monitor.budget",
        html=read("templates/budget.html"),
        css=read("assets/base.css") + read("assets/budget.css"),
        js=read("assets/budget.js"),
    )
    said = mount(key=key, data=data, on_set_change=_noted, on_undo_change=_noted)
    return (float(said.set) if isinstance(said.set, int | float) else None), bool(said.undo)


def _noted() -> None:
    """The states are read on the next run; registering them is what lets them through."""
