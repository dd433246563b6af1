"""Where an entity is: found and counted, then taken out or written over, table by table."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain.alert import HISTORY, LIVE
from monitor.domain.erasure import CONTENT, mentions, without
from monitor.domain.field import Schema
from monitor.domain.monitor import Monitor
from monitor.domain.run import EVERYTHING, scope_of
from monitor.domain.version import reworded
from monitor.storage import audit, past, readings, tables
from monitor.storage.database import Database
from monitor.storage.monitors import REMOVED
from monitor.storage.upsert import any_of

A, C, M, N, O, P, Q, R, V = (  # noqa: E741  the tables that may name an entity
    tables.alerts.c, tables.alert_changes.c, tables.monitors.c, tables.notifications.c, tables.outliers.c,
    tables.alert_members.c, tables.quarantine.c, tables.runs.c, tables.reviews.c,
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """One monitor, present or removed."""

    monitor_id: int
    name: str
    config: Monitor
    schema: Schema | None
    pruned_through: datetime | None

    @property
    def table(self) -> sa.Table:
        return readings.table(self.config.table, self.schema or Schema())


@dataclass(frozen=True)
class Target:
    """Whom, where, who asked for it and when, and the word that is written in the place of the name.

    flagged, alerts: what was told of the entity's rows while they were another's, as ``told`` finds it.
    """

    entity: str
    places: list[Place]
    instead: str
    actor: str
    at: datetime
    flagged: list[int]
    alerts: list[int]
    ids: list[int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", [p.monitor_id for p in self.places])

    @property
    def spellings(self) -> list[str]:
        """As text, and as JSON writes it."""
        return list({self.entity, json.dumps(self.entity)[1:-1]})


def places(session: Session, monitor_id: int | None) -> list[Place]:
    """The monitor, or all there ever were: the rows of a removed one are still there."""
    found = sa.select(M.monitor_id, M.name, M.document, M.fields, M.pruned_through).order_by(M.monitor_id)
    if monitor_id is not None:
        found = found.where(M.monitor_id == monitor_id)
    there = set(sa.inspect(session.connection()).get_table_names())
    made = []
    for r in session.execute(found):
        config = Monitor.model_validate(r.document)
        schema = Schema.model_validate(r.fields) if r.fields and config.table in there else None
        made.append(Place(r.monitor_id, r.name, config, schema, r.pruned_through))
    return made


def rows(session: Session, place: Place, entity: str) -> pd.DataFrame:
    """Every revision of the rows that the entity ever had, and what took the place of each."""
    return past.whole(session, place.table, entity)


def beside(session: Session, place: Place, entity: str) -> pd.DataFrame:
    """What else there is of those who had one of these rows too: their past, which models may have looked at."""
    return past.beside(session, place.table, entity)


def sharing(session: Session, place: Place, entity: str) -> list[str]:
    """Who else had one of the entity's rows, before or after a correction."""
    return list(session.scalars(past.sharing(place.table, entity))) if place.schema is not None else []


def told(session: Session, places: list[Place], entity: str) -> tuple[list[int], list[int]]:
    """Outliers among others' revisions of the entity's rows, and the alerts that are about nothing else."""
    flagged: list[int] = []
    for place in places:
        if place.schema is not None:
            table = place.table
            c = table.c
            mine = c.source_key.in_(past.had(table, entity)), c.entity.is_distinct_from(entity)
            joined = sa.select(O.outlier_id).join_from(tables.outliers, table, c.reading_id == O.reading_id)
            flagged += session.scalars(joined.where(*mine))
    other = tables.alert_members.alias("other").c
    more = sa.exists().where(other.alert_id == P.alert_id, other.outlier_id.not_in(flagged))
    alerts = sa.select(P.alert_id).where(P.outlier_id.in_(flagged), ~more).distinct()
    return flagged, list(session.scalars(alerts)) if flagged else []


def erase(session: Session, target: Target) -> dict[str, int]:
    """Take the entity out of every table; returns how many rows were deleted or written over, by table."""
    if session.get_bind().dialect.name == "sqlite":
        session.connection().exec_driver_sql("PRAGMA secure_delete=ON")  # what is deleted is written over
    # alerts before readings and labels, as a review does, or the two would end each other
    session.execute(_about(target).order_by(A.alert_id).with_for_update())
    counts: dict[str, int] = {}
    for place in target.places:
        if place.schema is not None:
            for name, number in _readings(session, place, target.entity).items():
                counts[name] = counts.get(name, 0) + number
    for name, part in PARTS.items():
        counts[name] = part(session, target)
    return {name: number for name, number in counts.items() if number}


def _readings(session: Session, place: Place, entity: str) -> dict[str, int]:
    table, known = place.table, tables.labels.c
    # with all revisions: a row never begins anew beside an old one, and none is left without what replaced it
    keys = list(session.scalars(past.had(table, entity).distinct()))
    labels = sa.delete(tables.labels).where(
        known.monitor_id == place.monitor_id, any_of(session, known.source_key, keys)
    )
    mine = sa.delete(table).where(any_of(session, table.c.source_key, keys))
    counts = {"labels": _number(session, labels)}
    # labels, readings, scores: in the order in which a prune locks them
    ids = session.scalars(mine.returning(table.c.reading_id)).all()
    of = tables.scores.c.reading_id
    scores = (
        _number(session, sa.delete(tables.scores).where(of.in_(ids[start : start + 1000])))
        for start in range(0, len(ids), 1000)
    )
    return counts | {place.config.table: len(ids), "scores": sum(scores)}


def _number(session: Session, statement: sa.Delete | sa.Update) -> int:
    return int(session.connection().execute(statement).rowcount)


def _quarantine(session: Session, target: Target) -> int:
    """Written over, not deleted: the fingerprint keeps the same row from coming in again."""
    named = sa.or_(
        *(c.contains(w, autoescape=True) for c in (Q.raw, Q.origin, Q.reason) for w in target.spellings)
    )
    fields = {p.monitor_id: p.config.entity for p in target.places}
    found = session.execute(
        sa.select(Q.quarantine_id, Q.monitor_id, Q.raw, Q.origin, Q.reason).where(
            Q.monitor_id.in_(target.ids), named
        )
    )
    ids = [r.quarantine_id for r in found if _carries(r, fields[r.monitor_id], target.entity)]
    for start in range(0, len(ids), 1000):
        change = sa.update(tables.quarantine).where(Q.quarantine_id.in_(ids[start : start + 1000]))
        session.execute(change.values(raw="", origin="", reason=CONTENT))
    return len(ids)


def _carries(row: Any, entity_field: str | None, entity: str) -> bool:
    """By the entity's own field where the row could be told apart, else by any word of it."""
    try:
        cells = json.loads(row.raw)
    except ValueError:
        cells = None
    if isinstance(cells, dict) and entity_field in cells:
        return str(cells[entity_field]) == entity
    return any(mentions(text, entity) for text in (row.raw, row.origin, row.reason))


def _outliers(session: Session, target: Target) -> int:
    theirs = sa.or_(O.entity == target.entity, O.outlier_id.in_(target.flagged))
    mine = sa.update(tables.outliers).where(O.monitor_id.in_(target.ids), theirs)
    changed = _number(session, mine.values(entity=target.instead, explanation=[], value=None))
    others = O.monitor_id.in_(target.ids)  # what is told of another entity's row may name this one
    return changed + sum(
        _texts(session, tables.outliers, column, others, target) for column in (O.reason, O.explanation)
    )


def _alerts(session: Session, target: Target) -> int:
    """Closed where they were not; their rows are gone, so there is nothing left to decide."""
    mine = A.alert_id.in_(_about(target))
    live = list(session.scalars(sa.select(A.alert_id).where(mine, A.state.in_(LIVE))))
    for alert_id in live:
        change = {"at": target.at, "kind": "closed", "actor": target.actor, "detail": {"reason": CONTENT}}
        session.execute(sa.insert(tables.alert_changes).values(alert_id=alert_id, **change))
    closed = sa.update(tables.alerts).where(A.alert_id.in_(live))
    session.execute(closed.values(state="closed", closed_at=target.at, snoozed_until=None))
    blank: list[str] = []
    written = sa.update(tables.alerts).where(mine)
    changed = _number(
        session,
        written.values(
            entity=target.instead, why=CONTENT, brief=CONTENT, fields=blank, value=None, rank=A.severity * 1e9,
            revision=A.revision + 1,
        ),
    )  # fmt: skip
    others = A.monitor_id.in_(target.ids)

    def muted(text: str) -> str:
        """The mute's reason alone, as the mute itself loses the name: "mute 7" and replayed history are our words."""
        if text == HISTORY:
            return text
        mute, colon, reason = text.partition(": ") if ": " in text else ("", "", text)
        return mute + colon + str(without(reason, target.entity, target.instead))

    changed += _texts(session, tables.alerts, A.suppressed_by, others, target, muted)
    return changed + sum(_texts(session, tables.alerts, text, others, target) for text in (A.why, A.brief))


def _about(target: Target) -> sa.Select[Any]:
    """alert_id of the alerts about the entity's rows; asked before their entity is written over."""
    theirs = sa.or_(A.entity == target.entity, A.alert_id.in_(target.alerts))
    return sa.select(A.alert_id).where(A.monitor_id.in_(target.ids), theirs)


def _elsewhere(target: Target) -> sa.Select[Any]:
    return sa.select(A.alert_id).where(A.monitor_id.in_(target.ids))


def _changes(session: Session, target: Target) -> int:
    """Notes on the entity's alerts go whole; others lose the name."""
    noted = session.execute(
        sa.select(C.change_id, C.detail, C.alert_id.in_(_about(target)).label("own")).where(
            C.alert_id.in_(_elsewhere(target))
        ).where(sa.or_(C.alert_id.in_(_about(target)), _naming(C.detail, target)))
    ).all()  # fmt: skip
    changed = 0
    for r in noted:
        detail = cleaned(r.detail, target, own=r.own)
        if detail != r.detail:
            session.execute(
                sa.update(tables.alert_changes).where(C.change_id == r.change_id).values(detail=detail)
            )
            changed += 1
    return changed


def cleaned(detail: Any, target: Target, *, own: bool) -> Any:
    """A detail without the name, and without its note where it is about the entity's own alert."""
    less = without(detail, target.entity, target.instead)
    return (
        {k: CONTENT if own and k == "note" else v for k, v in less.items()}
        if isinstance(less, dict)
        else less
    )


def _reviews(session: Session, target: Target) -> int:
    own = sa.update(tables.reviews).where(
        V.alert_id.in_(_about(target)), V.note.is_not(None), V.note != CONTENT
    )
    changed = _number(session, own.values(note=CONTENT))
    return changed + _texts(session, tables.reviews, V.note, V.alert_id.in_(_elsewhere(target)), target)


def _notifications(session: Session, target: Target) -> int:
    """What waits is not sent any more; what was said of a failure loses the name."""
    theirs = sa.select(C.change_id).where(C.alert_id.in_(_about(target)))
    waiting = sa.update(tables.notifications).where(N.change_id.in_(theirs), N.state == "pending")
    changed = _number(session, waiting.values(state="dead", error=CONTENT))
    every = sa.select(C.change_id).where(C.alert_id.in_(_elsewhere(target)))
    return changed + _texts(session, tables.notifications, N.error, N.change_id.in_(every), target)


def _suppressions(session: Session, target: Target) -> int:
    s = tables.suppressions.c
    mine = sa.update(tables.suppressions).where(s.monitor_id.in_(target.ids), s.entity == target.entity)
    changed = _number(session, mine.values(entity=target.instead))
    return changed + _texts(session, tables.suppressions, s.reason, s.monitor_id.in_(target.ids), target)


def _holds(session: Session, target: Target) -> int:
    h = tables.holds.c
    mine = sa.or_(h.monitor_id.is_(None), h.monitor_id.in_(target.ids))
    changed = _number(
        session, sa.update(tables.holds).where(mine, h.entity == target.entity).values(entity=target.instead)
    )
    return changed + _texts(session, tables.holds, h.reason, mine, target)


def _runs(session: Session, target: Target) -> int:
    mine = R.scope.in_([EVERYTHING, *map(scope_of, target.ids)])

    def asked(counts: dict[str, Any]) -> dict[str, Any]:
        why = without(counts.get("why"), target.entity, target.instead)
        return counts | {"why": why} if "why" in counts else counts

    return _texts(session, tables.runs, R.message, mine, target) + _texts(
        session, tables.runs, R.counts, mine, target, asked
    )


def _versions(session: Session, target: Target) -> int:
    """The reasons alone: a name such as 11 may not change what else a decision holds, its moments among them."""
    v = tables.versions.c

    def decided(decision: dict[str, Any]) -> dict[str, Any]:
        return reworded(decision, lambda reason: without(reason, target.entity, target.instead))

    return _texts(session, tables.versions, v.decision, v.monitor_id.in_(target.ids), target, decided)


def _notices(session: Session, target: Target) -> int:
    changed = 0
    for r in session.execute(sa.select(M.monitor_id, M.notices).where(M.monitor_id.in_(target.ids))).all():
        less = without(r.notices, target.entity, target.instead)
        if less != r.notices:
            session.execute(
                sa.update(tables.monitors).where(M.monitor_id == r.monitor_id).values(notices=less)
            )
            changed += 1
    return changed


def _naming(column: sa.ColumnElement[Any], target: Target) -> sa.ColumnElement[bool]:
    text = sa.cast(column, sa.Text)
    return sa.or_(*(text.contains(word, autoescape=True) for word in target.spellings))


def _texts(
    session: Session,
    table: sa.Table,
    column: sa.Column[Any],
    mine: sa.ColumnElement[bool],
    target: Target,
    change: Callable[[Any], Any] | None = None,
) -> int:
    """Write free text over where it names the entity as a word of its own; ``change``: for JSON of more than text."""
    key = next(iter(table.primary_key))
    changed = 0
    for number, text in session.execute(sa.select(key, column).where(mine, _naming(column, target))).all():
        less = change(text) if change else without(text, target.entity, target.instead)
        if less != text:
            session.execute(sa.update(table).where(key == number).values({column.name: less}))
            changed += 1
    return changed


# in this order: an alert is found by its entity until it is written over itself
PARTS: dict[str, Callable[[Session, Target], int]] = {
    "quarantine": _quarantine,
    "notifications": _notifications,
    "alert_changes": _changes,
    "reviews": _reviews,
    "suppressions": _suppressions,
    "holds": _holds,
    "runs": _runs,
    "versions": _versions,
    "monitors": _notices,
    "outliers": _outliers,
    "alerts": _alerts,
}


def trail(session: Session, target: Target) -> dict[str, str]:
    """Take the name, and notes about the entity, out of the audit trail; audit_id -> seal of what is left."""
    own = {
        f"alert:{public_id}"
        for public_id in session.scalars(sa.select(A.public_id).where(A.alert_id.in_(_about(target))))
    }
    alerts = session.scalars(sa.select(A.public_id).where(A.monitor_id.in_(target.ids)))
    called = {name for p in target.places for name in (p.config.name, p.name.partition(REMOVED)[0])}
    others = {f"alert:{i}" for i in alerts} | {f"monitor:{name}" for name in called}
    redacted = {}
    for entry in [*audit.mentioning(session, target.spellings), *audit.about(session, own, limit=100_000)]:
        if str(entry.audit_id) in redacted or not (
            entry.subject in others or entry.subject.startswith("hold:")
        ):
            continue
        detail = cleaned(entry.detail, target, own=entry.subject in own)
        if detail != entry.detail:
            redacted[str(entry.audit_id)] = audit.redact(session, entry, detail)
    return redacted


def scrub(database: Database) -> None:
    """Empty SQLite's write-ahead log, in which the old pages may still lie; PostgreSQL's vacuum does so by itself."""
    if database.dialect != "sqlite":
        return
    connection = database.engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.close()
    finally:
        connection.close()
