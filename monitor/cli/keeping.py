"""backup, restore, erase: what is kept, and for how long."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.output import Json, opened, say, show, table

if TYPE_CHECKING:
    from monitor.storage.backup import Copy


def register(app: typer.Typer) -> None:
    for command in (backup, restore, erase):
        app.command()(command)


def backup(
    file: Annotated[Path, typer.Argument(help="Where the copy goes.", show_default=False)],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file of that name.")] = False,
    as_json: Json = False,
) -> None:
    """Copy the database into a file while jobs go on, and verify it."""
    from monitor.jobs import backup as jobs

    with opened() as context:
        made = jobs.make(context, file, context.settings.actor, overwrite=overwrite)
    show(_facts(made), as_json, f"{file}: {made.size:,} bytes, schema {made.revision}, verified")


def restore(
    file: Annotated[Path, typer.Argument(help="A backup.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", help="What the database holds may go.")] = False,
    as_json: Json = False,
) -> None:
    """Put a backup in the place of the database: all of it, or nothing."""
    from contextlib import closing

    from monitor.app import open_context
    from monitor.domain.writing import counted
    from monitor.jobs import backup as jobs
    from monitor.storage import schema

    with closing(open_context()) as context:
        done = jobs.restore(context, file, context.settings.actor, yes=yes)
        at = schema.current(context.database)
    copy = done.copy
    upgraded = f", upgraded from schema {copy.revision} to {at}" if at != copy.revision else ""
    say("What was pulled since the backup is pulled again; what was sent since may be sent once more.")
    if done.unknown:
        say(
            f"{counted(done.unknown, 'erasure')} of monitors that the backup does not have: once these are back, "
            "erase the entities again."
        )
    again = f"; {done.erased:,} erased since the backup and again now" if done.erased else ""
    facts = {"restored_schema": at, "erased_again": done.erased, "erasures_unknown": done.unknown}
    show(_facts(copy) | facts, as_json, f"{file}: restored{upgraded}{again}")


def erase(
    entity: Annotated[
        str, typer.Argument(help="Whose rows, as the entity field names it.", show_default=False)
    ],
    monitor: Annotated[str | None, typer.Option(help="Of this monitor alone; else of all.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; it cannot be taken back.")] = False,
    as_json: Json = False,
) -> None:
    """Erase an entity everywhere, models included; else show what it has."""
    from monitor.jobs import erase as jobs

    with opened() as context:
        done = jobs.erase(context, entity, context.settings.actor, monitor=monitor, yes=yes)
    rows = [*done.counts.items(), *done.models.items()]
    text = table(("where", "rows, or what becomes of a model"), rows, "Nothing is stored of it.")
    if yes:
        say("Its rows are left out from now on. Backups made before still hold it.")
    elif rows:
        say("Nothing was changed. Erase it with --yes.")
    show({"erased": yes, **vars(done)}, as_json, text)


def _facts(copy: "Copy") -> dict[str, Any]:
    return {"file": str(copy.file), "bytes": copy.size, "sha256": copy.sha256, "schema": copy.revision}
