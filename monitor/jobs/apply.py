"""Plan and apply: show what would change, then make it so, all or nothing."""

from dataclasses import dataclass

from monitor.domain.document import Difference, differences
from monitor.domain.errors import Conflict, MonitorError
from monitor.domain.monitor import Document
from monitor.domain.run import Request
from monitor.jobs.context import Context
from monitor.storage import audit, configuration, runs
from monitor.storage.database import Session


@dataclass(frozen=True)
class Plan:
    """changes: what an apply would do; drift: what was changed on the dashboard since the last applied file."""

    changes: list[Difference]
    drift: list[Difference]
    refused: list[str]


def plan(context: Context, document: Document) -> Plan:
    """What ``apply`` would do; writes nothing."""
    with context.database.read() as session:
        return _plan(session, document)


def apply(
    context: Context, document: Document, actor: str, *, yes: bool = False, overwrite: bool = False
) -> list[Difference]:
    """Make the document the one in force, and keep it as a revision.

    Raises:
        MonitorError: deletions without ``yes``, or a change of what stored rows are identified by.
        Conflict: the dashboard changed something since, and ``overwrite`` was not said.
    """
    now = context.now()
    with context.database.write() as session:
        planned = _plan(session, document)
        _refuse(planned, yes, overwrite)
        for change in planned.changes:
            created = configuration.carry_out(session, change, document, now)
            if created is not None:
                runs.offer(session, Request("pull", created, "created"), actor, now)
            detail = {"kind": change.kind, "fields": [[p, a, b] for p, a, b in change.fields]}
            audit.append(session, now, actor, "config.applied", f"{change.what}:{change.name}", detail)
        if planned.changes or configuration.last_applied(session) is None:
            configuration.revise(session, document, actor, "file", now)
    return planned.changes


def _plan(session: Session, document: Document) -> Plan:
    present = configuration.current(session)
    applied = configuration.last_applied(session)
    changes = differences(present, document)
    stored = configuration.with_rows(session)
    refused = [
        f"{c.name}: {', '.join(c.identity)} cannot change once rows are stored; give the monitor a new name"
        for c in changes
        if c.kind == "change" and c.name in stored and c.identity
    ]
    return Plan(changes, differences(applied, present) if applied else [], refused)


def _refuse(planned: Plan, yes: bool, overwrite: bool) -> None:
    if planned.refused:
        raise MonitorError("nothing was applied:\n" + "\n".join(planned.refused))
    removed = [f"{c.what} {c.name}" for c in planned.changes if c.kind == "remove"]
    if removed and not yes:
        raise MonitorError(
            f"nothing was applied: this removes {', '.join(removed)}; say --yes if that is meant"
        )
    if planned.drift and planned.changes and not overwrite:
        lines = [line for d in planned.drift for line in d.lines()]
        raise Conflict(
            "nothing was applied: the dashboard changed this since the last file; take it over with "
            "`monitor config export`, or say --overwrite:\n" + "\n".join(lines)
        )
