"""pull, train, score, notify: one job, now, in this process."""

from typing import Annotated

import typer

from monitor.cli.output import Json, opened, show

Name = Annotated[str, typer.Argument(help="A monitor's name.", show_default=False)]


def register(app: typer.Typer) -> None:
    for command in (pull, train, score, notify):
        app.command()(command)


def pull(name: Name, as_json: Json = False) -> None:
    """Bring in what is new at a monitor's source."""
    _run("pull", name, as_json)


def train(name: Name, as_json: Json = False) -> None:
    """Train a new version and let the gate decide on it."""
    _run("train", name, as_json)


def score(name: Name, as_json: Json = False) -> None:
    """Score what waits, and open alerts for what is unusual."""
    _run("score", name, as_json)


def notify(as_json: Json = False) -> None:
    """Send what is due to the channels."""
    _run("notify", None, as_json)


def _run(job: str, name: str | None, as_json: bool) -> None:
    from monitor.scheduling import run_now

    with opened() as context:
        done = run_now(context, job, name, context.settings.actor)
    show(done, as_json, str(done["message"]))
