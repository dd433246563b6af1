"""What every page needs: the database, the person, the clock."""

from datetime import UTC, datetime

import streamlit as st

from monitor.settings import Settings
from monitor.storage import inbox
from monitor.storage.database import Database

_settings: Settings | None = None  # given by the web process; else read from the environment


def use(settings: Settings) -> None:
    """Let the pages of this process work on this installation."""
    global _settings
    _settings = settings


def settings() -> Settings:
    return _settings or Settings()


@st.cache_resource(show_spinner=False)
def _database(url: str) -> Database:
    return Database(url)


def database() -> Database:
    """One for all sessions of the process."""
    return _database(settings().url)


def actor() -> str:
    """Who is named in the audit trail; there is no log-in yet."""
    return settings().actor


def now() -> datetime:
    return datetime.now(UTC)


def ping() -> None:
    """
    Raises:
        Exception: the database does not answer.
    """
    with database().read() as reading:
        inbox.quiet_since(reading)


def go(target: str | None) -> None:
    """Follow a click: ``alert:k3m9x2a``, ``monitor:host``, ``runs:host``; what else is clicked is the page's own."""
    kind, _, name = (target or "").partition(":")
    routes = {
        "alert": ("alerts", "alert"),
        "monitor": ("monitors", "name"),
        "runs": ("runs", "monitor"),
        "fleet": ("monitors", ""),
        "alerts": ("alerts", "state"),
    }
    if kind in routes:
        page, parameter = routes[kind]
        st.switch_page(st.session_state["pages"][page], query_params={parameter: name} if name else None)
