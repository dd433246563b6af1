"""Plan and apply: show what would change, then make it so, all or nothing."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from monitor.domain.document import Difference, conflicts, differences, objections
from monitor.domain.errors import Conflict, MonitorError, NeedsYes
from monitor.domain.monitor import Document
from monitor.domain.run import Request
from monitor.jobs.context import Context
from monitor.storage import audit, configuration, monitors, retention, runs
from monitor.storage.database import Session


class RowsStandAgainst(MonitorError):
    """Stored rows would mean something else after the change."""

    wrong_request = True


@dataclass(frozen=True)
class Plan:
    """What an apply would do, and what speaks against it.

    changes: from what is in force to the file; drift: what was changed on the dashboard since the last applied file;
    conflicts: the part of the drift that the file would undo; refused: why stored rows stand against a change;
    deletes: monitor -> table -> rows that the next prune would take, where the file changes how long they are kept.
    """

    changes: list[Difference]
    drift: list[Difference]
    conflicts: list[Difference]
    refused: list[str]
    deletes: dict[str, dict[str, int]]


def plan(context: Context, document: Document) -> Plan:
    """What ``apply`` would do; writes nothing."""
    with context.database.read() as session:
        planned = _plan(session, document)
        return replace(planned, deletes=_deletes(session, planned.changes, document, context.now()))


def apply(
    context: Context, document: Document, actor: str, *, yes: bool = False, overwrite: bool = False
) -> list[Difference]:
    """Make the document the one in force, and keep it as a revision; a new monitor pulls at once.

    Raises:
        RowsStandAgainst: a change of what stored rows are.
        NeedsYes: it removes something, without ``yes``.
        Conflict: it would undo what was changed on the dashboard, without ``overwrite``.
    """
    now = context.now()
    with context.database.write() as session:
        configuration.lock(session)
        planned = _plan(session, document)
        _refuse(session, planned, yes, overwrite)
        for change in planned.changes:
            created = configuration.carry_out(session, change, document, now, actor)
            if created is not None:
                runs.offer(session, Request("pull", created, "created"), actor, now)
        for change in planned.changes:  # the trail's lock comes last, after all rows that others may hold
            detail = {"kind": change.kind, "fields": [[p, a, b] for p, a, b in change.fields]}
            audit.append(session, now, actor, "config.applied", f"{change.what}:{change.name}", detail)
        last = configuration.last_applied(session)
        if planned.changes or last is None or differences(last, document):
            configuration.revise(session, document, actor, "file", now)
    return planned.changes


def _plan(session: Session, document: Document) -> Plan:
    present = configuration.current(session)
    base = configuration.last_applied(session) or present
    stored = configuration.with_rows(session)
    after = {m.name: m for m in document.monitors}
    changes = differences(present, document)
    refused = [
        f"{c.name}: {words}"
        for c in changes
        if c.kind == "change" and c.what == "monitor" and c.name in stored
        for words in objections(c, after[c.name], stored[c.name])
    ]
    return Plan(changes, differences(base, present), conflicts(base, present, document), refused, {})


def _deletes(
    session: Session, changes: list[Difference], document: Document, now: datetime
) -> dict[str, dict[str, int]]:
    after = {m.name: m for m in document.monitors}
    shortened = [
        c.name for c in changes if c.what == "monitor" and c.kind == "change" and c.within(["retention"])
    ]
    watched = [replace(monitors.named(session, name), config=after[name]) for name in shortened]
    return {w.config.name: found for w in watched if (found := retention.counts(session, w, now))}


def _refuse(session: Session, planned: Plan, yes: bool, overwrite: bool) -> None:
    if planned.refused:
        raise RowsStandAgainst("\n".join(["nothing was applied:", *planned.refused]))
    removed = [f"{c.what} {c.name}" for c in planned.changes if c.kind == "remove"]
    if removed and not yes:
        raise NeedsYes(f"nothing was applied: this removes {', '.join(removed)}; say --yes if that is meant")
    if planned.conflicts and not overwrite:
        last = configuration.newest(session, "dashboard")
        who = f", last by {last.actor} at {last.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if last else ""
        lines = [line for change in planned.conflicts for line in change.lines()]
        raise Conflict(
            f"nothing was applied: the file would undo what was changed on the dashboard{who}; take it over with "
            "`monitor config export`, or say --overwrite:\n" + "\n".join(lines)
        )
