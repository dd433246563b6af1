"""The command line: one command a job, and one place that turns an error into a text and an exit code.

Commands import what they need inside: ``monitor --help`` and a verdict from the shell should not wait for pandas.
"""

import json
import sys

import typer

from monitor.cli import adding, alerts, configuration, demo, evaluation, jobs, look, services, trail, versions
from monitor.domain.errors import MonitorError

app = typer.Typer(
    name="monitor",
    help="Watches tables and sensors, flags what is unusual, and keeps its models trained.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for part in (configuration, adding, jobs, services, look, evaluation):
    part.register(app)
for group, name in ((alerts, "alerts"), (versions, "versions"), (trail, "audit"), (demo, "demo")):
    app.add_typer(group.app, name=name)
app.add_typer(configuration.export, name="config")
app.add_typer(look.quarantine, name="quarantine")


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 it is done, 1 it failed, 2 the request was wrong."""
    try:
        code = app(arguments, standalone_mode=False)
    except MonitorError as fault:
        return _failed(str(fault), 2 if fault.wrong_request else 1)
    except typer.TyperException as fault:
        return _failed(f"{fault.format_message()} See `monitor --help`.", 2)
    except (typer.Abort, KeyboardInterrupt):
        return _failed("stopped", 1)
    return code if isinstance(code, int) else 0


def _failed(message: str, code: int) -> int:
    print(f"monitor: {message}", file=sys.stderr)
    if "--json" in sys.argv:
        print(json.dumps({"error": message}))
    return code
