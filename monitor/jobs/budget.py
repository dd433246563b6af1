"""The alert budget as a person changes it on the dashboard: a revision of the configuration, and its way back."""

from dataclasses import dataclass
from datetime import datetime

from monitor.domain.document import differences
from monitor.domain.errors import Conflict, UnknownError
from monitor.domain.monitor import Alerts, Document, Monitor
from monitor.storage import audit, configuration
from monitor.storage.database import Session


@dataclass(frozen=True)
class Changed:
    """The newest change of the configuration, where it was one of a monitor's alert rule made on the dashboard."""

    at: datetime
    actor: str
    before: Alerts
    after: Alerts


def set_budget(session: Session, name: str, budget: float, seen: Alerts, actor: str, now: datetime) -> None:
    """Let ``budget`` alerts a day replace the rule; the rest (gap, floors ...) stays. In force from the next score on.

    Raises:
        Conflict: the rule is no longer the one that the person saw.
    """
    wanted = seen.model_dump(mode="json") | {"budget": budget, "fdr": None, "p_value": None}
    _put(session, name, Alerts.model_validate(wanted), seen, actor, now)


def undo(session: Session, name: str, actor: str, now: datetime) -> None:
    """Take back the newest change of a monitor's rule that was made on the dashboard.

    Raises:
        Conflict: something else was changed since.
    """
    change = changed(session, name)
    if change is None:
        raise Conflict(f"the configuration was changed since; the budget of {name} is as it is now")
    _put(session, name, change.before, change.after, actor, now)


def changed(session: Session, name: str) -> Changed | None:
    """The newest revision, if it can be undone: made on the dashboard, and to this monitor's rule."""
    last = configuration.last_two(session)
    if len(last) < 2 or last[0].origin != "dashboard":
        return None
    after, before = (_rule(revision.document, name) for revision in last)
    if after is None or before is None or after == before:
        return None
    return Changed(last[0].at, last[0].actor, before, after)


def _put(session: Session, name: str, wanted: Alerts, seen: Alerts, actor: str, now: datetime) -> None:
    if wanted == seen:
        return
    configuration.lock(session)
    present = configuration.current(session)
    config = next((m for m in present.monitors if m.name == name), None)
    if config is None:
        raise UnknownError("monitor", name, [m.name for m in present.monitors])
    if config.alerts != seen:
        raise Conflict(f"the alert rule of {name} was changed meanwhile; look at it again")
    document = _with(present, config.model_copy(update={"alerts": wanted}))
    for change in differences(present, document):
        configuration.carry_out(session, change, document, now, actor)
        detail = {"kind": change.kind, "fields": [[p, a, b] for p, a, b in change.fields]}
        audit.append(session, now, actor, "config.changed", f"monitor:{name}", detail)
    configuration.revise(session, document, actor, "dashboard", now)


def _with(document: Document, changed: Monitor) -> Document:
    kept = [changed if m.name == changed.name else m for m in document.monitors]
    return document.model_copy(update={"monitors": kept})


def _rule(document: Document, name: str) -> Alerts | None:
    return next((m.alerts for m in document.monitors if m.name == name), None)
