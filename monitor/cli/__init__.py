"""The command line: one command a job, and one place that turns an error into a text and an exit code.

Commands import what they need inside: ``monitor --help`` and a verdict from the shell should not wait for pandas.
"""

import json
import os
import sys

import typer

from monitor.cli import (
    adding,
    alerts,
    configuration,
    demo,
    evaluation,
    holding,
    jobs,
    keeping,
    look,
    muting,
    services,
    trail,
    versions,
)
from monitor.cli.failing import FAILED, told
from monitor.cli.output import safe

app = typer.Typer(
    name="monitor",
    help="Watches tables and sensors, flags what is unusual, and keeps its models trained.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for part in (configuration, adding, jobs, services, look, evaluation, keeping):
    part.register(app)
for group, name in (
    (alerts, "alerts"),
    (versions, "versions"),
    (trail, "audit"),
    (demo, "demo"),
    (holding, "hold"),
    (muting, "suppress"),
):
    app.add_typer(group.app, name=name)
app.add_typer(configuration.export, name="config")
app.add_typer(look.quarantine, name="quarantine")


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 it is done, 1 it failed, 2 the request was wrong."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        code = app(words, standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read has seen enough
        return FAILED
    except (Exception, KeyboardInterrupt) as fault:
        if (known := told(fault)) is None:
            raise
        message, code = known
        print(safe(message if message.startswith("Usage:") else f"monitor: {message}"), file=sys.stderr)
        if "--json" in words:
            print(json.dumps({"error": message}))
        return code
    return code if isinstance(code, int) else 0
