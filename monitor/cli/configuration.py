"""init, check, plan, apply, config export."""

from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.output import Json, opened, say, show

File = Annotated[Path, typer.Argument(help="A monitors.yaml.", show_default=False)]
export = typer.Typer(help="The configuration in force.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    for command in (init, check, plan, apply):
        app.command()(command)


def init(as_json: Json = False) -> None:
    """Create the database, or upgrade it to this release's schema."""
    from monitor.app import open_context
    from monitor.storage import schema

    context = open_context()
    before = schema.current(context.database)
    after = schema.upgrade(context.database)
    where = context.database.url.render_as_string(hide_password=True)
    context.close()
    done = (
        "was up to date" if before == after else "is ready" if before is None else f"upgraded from {before}"
    )
    show({"database": where, "before": before, "schema": after}, as_json, f"{where}: schema {after}, {done}")


def check(file: File, as_json: Json = False) -> None:
    """Find every fault of a configuration; nothing is applied."""
    from monitor.domain.writing import counted
    from monitor.jobs.configuration import load

    document = load(file)
    names = [m.name for m in document.monitors]
    show(
        {"monitors": names},
        as_json,
        f"{file}: no fault; {counted(len(names), 'monitor')}, {counted(len(document.channels), 'channel')}",
    )


def plan(file: File, as_json: Json = False) -> None:
    """Show what apply would change, and dashboard changes."""
    from monitor.jobs.apply import plan as make_plan
    from monitor.jobs.configuration import load

    document = load(file)
    with opened() as context:
        planned = make_plan(context, document)
    lines = [line for change in planned.changes for line in change.lines()] or ["nothing to change"]
    if planned.drift:
        lines += ["", "changed on the dashboard since the last applied file:"]
        lines += [line for change in planned.drift for line in change.lines()]
    if planned.conflicts:
        lines += ["", "of it, the file would undo (needs --overwrite):"]
        lines += [line for change in planned.conflicts for line in change.lines()]
    for name, found in planned.deletes.items():
        told = ", ".join(f"{number:,} {rows}" for rows, number in found.items())
        lines.append(f"the next night would delete of {name}: {told}")
    lines += [f"refused: {reason}" for reason in planned.refused]
    value = {
        "changes": [vars(change) for change in planned.changes],
        "drift": [vars(change) for change in planned.drift],
        "conflicts": [vars(change) for change in planned.conflicts],
        "refused": planned.refused,
        "deletes": planned.deletes,
    }
    show(value, as_json, "\n".join(lines))


def apply(
    file: File,
    yes: Annotated[bool, typer.Option("--yes", help="Deletions are meant.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="The file wins over the dashboard.")] = False,
    as_json: Json = False,
) -> None:
    """Make a configuration the one in force: all of it, or nothing."""
    from monitor.jobs.apply import apply as carry_out
    from monitor.jobs.configuration import load

    document = load(file)
    with opened() as context:
        changes = carry_out(context, document, context.settings.actor, yes=yes, overwrite=overwrite)
    lines = [line for change in changes for line in change.lines()] or ["nothing to change"]
    if any(change.kind == "add" for change in changes):
        say("New monitors pull, train and replay their history by themselves while `monitor up` runs.")
    show({"changes": [vars(change) for change in changes]}, as_json, "\n".join(lines))


@export.command("export")
def config_export(as_json: Json = False) -> None:
    """Write the configuration in force as YAML, dashboard changes included."""
    from monitor.jobs.configuration import dump
    from monitor.storage import configuration

    with opened() as context, context.database.read() as session:
        document = configuration.current(session)
    show(document.model_dump(mode="json"), as_json, dump(document).rstrip())
