"""Backup and restore as people ask for them: what speaks against it is said before anything is touched."""

from dataclasses import dataclass, replace
from pathlib import Path

from monitor.domain.errors import Conflict, MonitorError, NeedsYes
from monitor.jobs import erase
from monitor.jobs.context import Context
from monitor.jobs.running import alive
from monitor.storage import audit, backup, leases, occupancy, presence, schema
from monitor.storage.backup import Copy
from monitor.storage.crash import fail_point
from monitor.storage.database import Database


class RefusedFile(MonitorError):
    """The file that was named cannot be used for this."""

    wrong_request = True


def make(context: Context, file: Path, actor: str, *, overwrite: bool = False) -> Copy:
    """Copy the database into a file while jobs go on, verify the copy, and note it in the trail.

    Raises:
        RefusedFile: the file is there, or it is the database itself.
        Unusable: the copy could not be made or verified; nothing is left at ``file``.
    """
    own = context.database.url.database if context.database.dialect == "sqlite" else None
    if own is not None and file.resolve() == Path(own).resolve():
        raise RefusedFile(f"{file} is the database itself; name another file")
    if file.exists() and not overwrite:
        raise RefusedFile(f"{file} is there already; name another file, or say --overwrite")
    schema.ready(context.database)
    made = backup.make(context.database, file)
    fail_point("backup.made")
    detail = {"file": file.name, "sha256": made.sha256, "schema": made.revision}
    with context.database.write() as session:
        audit.append(session, context.now(), actor, "database.backed_up", "database", detail)
    return made


@dataclass(frozen=True)
class Restored:
    """What came back. erased: entities that were erased since the backup, and again now; unknown: erasures of monitors
    that the backup does not have."""

    copy: Copy
    erased: int
    unknown: int


def restore(context: Context, file: Path, actor: str, *, yes: bool = False) -> Restored:
    """Put a backup in the place of what the database holds: all of it, or nothing.

    Whom the database remembers to have erased is erased in the restored rows before they take its place.

    Raises:
        RefusedFile: there is no such file.
        Unusable: the backup is damaged, of another kind of database, or of a newer release.
        NeedsYes: rows would be lost, without ``yes``.
        Conflict: a scheduler, a worker or a dashboard stays with the database, or a command is at work on it.
    """
    if not file.is_file():
        raise RefusedFile(f"{file}: there is no such file")
    copy = backup.look(file)
    if copy.revision not in schema.history():
        got = "has no schema of monitor" if copy.revision is None else f"is at schema {copy.revision}"
        raise backup.Unusable(
            f"{file} {got}; this release restores up to {schema.head()}: upgrade monitor first"
        )
    with presence.alone(context.database):
        found = occupancy.of(context.database)
        if found.what is not None and not yes:
            raise NeedsYes(
                f"nothing was restored: the database holds {found.what}; say --yes if they are to go"
            )
        _unless_at_work(found, context.settings.lease_seconds)

        again: list[int] = []

        def prepare(restored: Database) -> None:
            with restored.write() as session:
                leases.supersede(session, found.tokens)
            again.extend(erase.again(replace(context, database=restored), found.erased, actor))
            detail = {"file": file.name, "sha256": copy.sha256, "schema": copy.revision, "erased": again[0]}
            with restored.write() as session:
                audit.append(session, context.now(), actor, "database.restored", "database", detail)
            fail_point("restore.prepared")

        backup.restore(context.database, copy, prepare)
        fail_point("restore.done")
    return Restored(copy, *again)


def _unless_at_work(found: occupancy.Occupancy, patience: float) -> None:
    """A process of this host that is gone holds up nothing; one of another host cannot be seen from here."""
    for lease in found.held:
        if alive(lease.holder):
            raise Conflict(
                f"nothing was restored: {lease.holder} (host:process:start) is at work on {lease.name}; stop its "
                f"`monitor up` or `monitor run` first. If its host is gone, let `monitor up` run here for over "
                f"{patience:.0f} seconds, which frees what it held, stop that, and restore again"
            )
