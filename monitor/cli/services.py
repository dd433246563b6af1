"""up, run, dashboard: what stays."""

import sys
from typing import Annotated, Any

import typer

from monitor.cli.output import Json, opened, say, show

Port = Annotated[int, typer.Option(help="Where the dashboard listens, on 127.0.0.1.", min=1, max=65535)]


def register(app: typer.Typer) -> None:
    for command in (up, run, dashboard):
        app.command()(command)


def up(port: Port = 8501, as_json: Json = False) -> None:
    """Run scheduler, workers and dashboard until Ctrl-C."""
    from monitor.scheduling import up as supervise

    with opened() as context:
        settings = context.settings
    say(f"Dashboard: {address(port)}  (Ctrl-C stops everything)")
    announce(as_json, {"dashboard": address(port)})
    supervise(settings, port)


def run(as_json: Json = False) -> None:
    """Run scheduler and workers, without the dashboard."""
    from monitor.scheduling import up as supervise

    with opened() as context:
        settings = context.settings
    announce(as_json, {"dashboard": None})
    supervise(settings, dashboard=False)


def dashboard(port: Port = 8501, as_json: Json = False) -> None:
    """Run the dashboard only."""
    from monitor.scheduling.children import end_with_parent
    from monitor.storage import presence
    from monitor.web.asgi import serve

    end_with_parent()
    with opened() as context, presence.staying(context.database):
        announce(as_json, {"dashboard": address(port)})
        serve(context.settings, port)


def address(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def announce(as_json: bool, started: dict[str, Any]) -> None:
    """The one document of a command that does not end by itself, at once for whoever waits for it."""
    if as_json:
        show(started, True, "")
        sys.stdout.flush()
