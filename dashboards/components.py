"""The two components: the inbox, and a page that is only read. Their HTML is made and escaped in Python."""

from typing import Any

import streamlit as st

from dashboards.markup import read, render
from monitor.domain.review import SNOOZES, VERDICTS
from monitor.domain.writing import duration


def inbox(key: str, data: dict[str, Any]) -> None:
    """Queue and alert in one view; what a person did comes back as the states actions, asked and at."""
    mount = st.components.v2.component(
        "monitor.inbox",
        html=render("inbox", verdicts=VERDICTS, snoozes={n: duration(span) for n, span in SNOOZES.items()}),
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


def _noted() -> None:
    """The states are read on the next run; registering them is what lets them through."""
