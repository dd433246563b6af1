"""The dashboard as an ASGI app of its own, bound to this machine until there is log-in."""

import asyncio
import logging
import signal
from importlib import resources
from pathlib import Path
from typing import Any

import streamlit as st
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from streamlit.web import bootstrap

from dashboards import session
from monitor.domain.errors import MonitorError
from monitor.settings import Settings
from monitor.web.theme import OPTIONS

GRACE = 2  # seconds that open connections get when the process is asked to stop
log = logging.getLogger("monitor.web")


def create_app(settings: Settings) -> st.App:
    """The dashboard of one installation, with ``/healthz``.

    The options are set here, so that neither the current directory nor a file in it changes them.
    """
    bootstrap.load_config_options(OPTIONS)
    session.use(settings)
    script = Path(str(resources.files("dashboards") / "app.py"))
    return st.App(script, routes=[Route("/healthz", _health)], on_script_error=_explain)


async def _health(_request: Request) -> JSONResponse:
    """200 while the database answers."""
    try:
        await asyncio.to_thread(session.ping)
    except Exception as fault:
        log.warning("health check failed: %s", fault)
        return JSONResponse({"status": "failing", "database": "does not answer"}, status_code=503)
    return JSONResponse({"status": "ok"})


def _explain(fault: Exception) -> bool:
    """A sentence instead of a traceback; the traceback goes to the log."""
    log.exception("a page failed", exc_info=fault)
    if isinstance(fault, MonitorError):
        st.warning(str(fault))
    else:
        st.warning("This page could not be shown. The log of the dashboard says why; try again in a moment.")
    return True


def serve(settings: Settings, port: int, host: str = "127.0.0.1") -> None:
    """Serve until SIGINT or SIGTERM; open browsers do not hold it up.

    Raises:
        SystemExit: the port is taken.
    """
    config = uvicorn.Config(
        create_app(settings),
        host=host,
        port=port,
        log_level="warning",
        timeout_graceful_shutdown=GRACE,
        ws="websockets-sansio",
    )
    before = _quiet()
    try:
        uvicorn.Server(config).run()
    except KeyboardInterrupt:
        pass  # uvicorn raises the signal again once everything is closed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _quiet() -> dict[int, Any]:
    """Let the signal that uvicorn repeats after its clean stop end nothing, where nobody else handles it."""
    import threading

    if threading.current_thread() is not threading.main_thread():
        return {}
    found = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            found[int(number)] = signal.signal(number, lambda *_: None)
    return found
