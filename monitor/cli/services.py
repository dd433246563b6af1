"""up, run, dashboard: what stays."""

from typing import Annotated

import typer

from monitor.cli.output import opened, say

Port = Annotated[int, typer.Option(help="Where the dashboard listens, on 127.0.0.1.", min=1, max=65535)]


def register(app: typer.Typer) -> None:
    for command in (up, run, dashboard):
        app.command()(command)


def up(port: Port = 8501) -> None:
    """Run scheduler, workers and dashboard until Ctrl-C."""
    from monitor.scheduling import up as supervise

    with opened() as context:
        settings = context.settings
    say(f"Dashboard: http://127.0.0.1:{port}  (Ctrl-C stops everything)")
    supervise(settings, port)


def run() -> None:
    """Run scheduler and workers, without the dashboard."""
    from monitor.scheduling import up as supervise

    with opened() as context:
        settings = context.settings
    supervise(settings, dashboard=False)


def dashboard(port: Port = 8501) -> None:
    """Run the dashboard only."""
    from monitor.scheduling.children import end_with_parent
    from monitor.web.asgi import serve

    end_with_parent()
    with opened() as context:
        settings = context.settings
    serve(settings, port)
