"""Trained versions: bytes, facts and decisions in one row, so that none is ever half published."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from monitor.domain import version as deciding
from monitor.domain.errors import BundleCorrupt, ModelDropped, Pinned, Superseded, UnknownError
from monitor.domain.version import GATE, Step
from monitor.storage import tables
from monitor.storage.monitors import FIRST

V = tables.versions.c


@dataclass(frozen=True)
class Version:
    """A version without its bytes."""

    version_id: int
    monitor_id: int
    number: int
    state: str
    objective: str
    manifest: dict[str, Any]
    pinned: bool
    trained_through: int
    scored_through: int
    decided_at: datetime | None
    sha256: str
    threshold: (
        float | None
    )  # p-value at which it flagged last, or the next row will be; None: begin at the rule's own


EMPTIED = (
    sa.func.length(V.bundle) == 0
)  # the model was dropped; neither database reads the bytes for their length
LIGHT = [V[f] for f in Version.__dataclass_fields__]


def add(session: Session, monitor_id: int, bundle: bytes, now: datetime, **values: Any) -> int:
    """Store a candidate with its bytes; its number follows the last."""
    last = session.scalar(sa.select(sa.func.max(V.number)).where(V.monitor_id == monitor_id)) or 0
    statement = sa.insert(tables.versions).values(
        monitor_id=monitor_id,
        number=last + 1,
        state="candidate",
        created_at=now,
        bundle=bundle,
        sha256=hashlib.sha256(bundle).hexdigest(),
        pinned=False,
        scored_through=0,
        **values,
    )
    return int(session.execute(statement.returning(V.version_id)).scalar_one())


def champion(session: Session, monitor_id: int) -> Version | None:
    return _one(session, sa.and_(V.monitor_id == monitor_id, V.state == "champion"))


def get(session: Session, version_id: int) -> Version:
    found = _one(session, V.version_id == version_id)
    if found is None:
        raise UnknownError("version", str(version_id), [])
    return found


def numbered(session: Session, monitor_id: int, number: int) -> Version:
    found = _one(session, sa.and_(V.monitor_id == monitor_id, V.number == number))
    if found is None:
        known = session.scalars(sa.select(V.number).where(V.monitor_id == monitor_id).order_by(V.number))
        raise UnknownError("version", f"v{number}", [f"v{n}" for n in known])
    return found


def of_run(session: Session, run_id: int) -> Version | None:
    """What a training run made, if it came so far."""
    return _one(session, V.run_id == run_id)


def newest_candidate(session: Session, monitor_id: int) -> Version | None:
    return _one(session, sa.and_(V.monitor_id == monitor_id, V.state == "candidate"))


def bundle(session: Session, version_id: int) -> bytes:
    """A version's bytes.

    Raises:
        BundleCorrupt: they do not match the sha256 they were stored with.
        ModelDropped: ``empty`` or an erasure dropped them.
    """
    row = session.execute(sa.select(V.bundle, V.sha256, V.number).where(V.version_id == version_id)).one()
    if not row.bundle:
        raise _dropped(session, version_id)
    got = hashlib.sha256(row.bundle).hexdigest()
    if got != row.sha256:
        raise BundleCorrupt(
            f"the model of v{row.number} is damaged: its sha256 is {got[:12]}, {row.sha256[:12]} was stored; "
            "promote another version or train again"
        )
    return bytes(row.bundle)


def advance(session: Session, version: Version, through: int, threshold: float | None) -> None:
    """Move the mark of what is scored; ``threshold`` is dropped where the rule it came from was changed meanwhile.

    Raises:
        Superseded: the version is no longer champion; these scores are not wanted any more.
    """
    unchanged = V.threshold.is_not_distinct_from(version.threshold)
    moved = session.execute(
        sa.update(tables.versions)
        .where(V.version_id == version.version_id, V.state == "champion",
               V.scored_through == version.scored_through)
        .values(scored_through=through,
                threshold=sa.case((unchanged, sa.cast(threshold, V.threshold.type))))
        .returning(V.version_id)
    ).scalar()  # fmt: skip
    if moved is None:
        raise Superseded(
            f"v{version.number} is no longer champion, or another run scored first; nothing written"
        )


def promote(session: Session, version: Version, step: Step) -> Step:
    """Make a version champion; it goes on where the old one stopped, so no row is told twice.

    Returns the step as it was stored, which names the version that it replaced.

    Raises:
        ModelDropped: it has no model any more.
        Pinned: the gate decided, and a person pinned the present champion.
    """
    present = sa.and_(
        V.monitor_id == version.monitor_id, V.state == "champion", V.version_id != version.version_id
    )
    bound = V.pinned if step.actor == GATE else sa.false()  # a person may replace what a person pinned
    old = session.execute(
        sa.update(tables.versions)
        .where(present, ~bound)
        .values(state="retired")
        .returning(V.version_id, V.number, V.scored_through)
    ).first()
    if old is None and (pinned := session.scalar(sa.select(V.number).where(present, bound))) is not None:
        raise Pinned(pinned)
    if old is not None:
        step = replace(step, other=old.number)
        _note(session, old.version_id, replace(step, kind="replaced", figures={}, other=version.number))
    _note(session, version.version_id, step)
    promoted = session.execute(
        sa.update(tables.versions)
        .where(V.version_id == version.version_id, ~EMPTIED)
        .values(state="champion", decided_at=step.at, threshold=None,
                scored_through=max(version.scored_through, old.scored_through if old else 0))
        .returning(V.version_id)
    ).scalar()  # fmt: skip
    if promoted is None:
        raise _dropped(session, version.version_id)
    return step


def forget_threshold(session: Session, monitor_id: int) -> None:
    """Let a sensor's bar begin at the cutoff of a rule that was changed: the level stored is another rule's."""
    session.execute(
        sa.update(tables.versions)
        .where(V.monitor_id == monitor_id, V.state == "champion")
        .values(threshold=None)
    )


def reject(session: Session, version: Version, step: Step) -> Step:
    moved = session.execute(
        sa.update(tables.versions)
        .where(V.version_id == version.version_id, V.state == "candidate")
        .values(state="rejected")
        .returning(V.version_id)
    ).scalar()
    if moved is not None:
        _note(session, version.version_id, step)
        session.execute(
            sa.update(tables.versions).where(V.version_id == version.version_id).values(decided_at=step.at)
        )
    return step


def replace_bundle(session: Session, version: Version, bundle: bytes) -> str | None:
    """Give a version other bytes; returns their sha256, or None where its bytes were changed or dropped meanwhile."""
    sealed = hashlib.sha256(bundle).hexdigest()
    stored: str | None = session.scalar(
        sa.update(tables.versions)
        .where(V.version_id == version.version_id, V.sha256 == version.sha256, ~EMPTIED)
        .values(bundle=bundle, sha256=sealed)
        .returning(V.sha256)
    )
    return stored


def with_bytes(session: Session, monitor_id: int) -> list[Version]:
    """Versions whose model is still there, oldest first."""
    rows = session.execute(
        sa.select(*LIGHT).where(V.monitor_id == monitor_id, ~EMPTIED).order_by(V.version_id)
    )
    return [Version(*r) for r in rows]


def drop_bundle(session: Session, version_id: int) -> bool:
    """Drop one model, unless it is the champion's (False); the row stays with its facts."""
    dropped = session.scalar(
        sa.update(tables.versions)
        .where(V.version_id == version_id, V.state != "champion")
        .values(bundle=b"")
        .returning(V.version_id)
    )
    return dropped is not None


def empty(session: Session, back: int, before: datetime) -> int:
    """Drop the models that nobody will go back to; returns how many. The rows stay with their facts.

    Kept: champions and the ``back`` last ones of the line before each, what was rolled back from as long as those
    that it came after, what is pinned, and what was never champion and is not older than ``before``.
    """
    newer = tables.versions.alias("newer")
    since = sa.select(sa.func.count()).where(
        newer.c.monitor_id == V.monitor_id, newer.c.state == "retired", newer.c.decided_at > V.decided_at,
        newer.c.version_id.not_in(_off_the_line(session)),
    )  # fmt: skip
    old = sa.case(
        (V.state == "retired", since.correlate(tables.versions).scalar_subquery() >= back),
        else_=V.created_at < before,
    )
    gone = session.execute(
        sa.update(tables.versions)
        .where(V.state != "champion", ~V.pinned, ~EMPTIED, old)
        .values(bundle=b"")
        .returning(V.version_id)
    )
    return len(gone.all())


def _dropped(session: Session, version_id: int) -> ModelDropped:
    """What can be done instead."""
    number, monitor_id = session.execute(
        sa.select(V.number, V.monitor_id).where(V.version_id == version_id)
    ).one()
    whole = sa.select(V.number).where(V.monitor_id == monitor_id, ~EMPTIED).order_by(V.number.desc())
    others = ", ".join(f"v{n}" for n in session.scalars(whole)) or "none"
    return ModelDropped(
        f"the model of v{number} was dropped; still there: {others}; promote one of them, or train"
    )


def set_pinned(session: Session, version: Version, step: Step) -> bool:
    """Pin or unpin the champion as the step says; False where it was so already, or is champion no longer."""
    pinned = step.kind == "pinned"
    changed = session.execute(
        sa.update(tables.versions)
        .where(V.version_id == version.version_id, V.state == "champion", V.pinned != pinned)
        .values(pinned=pinned)
        .returning(V.version_id)
    ).scalar()
    if changed is not None:
        _note(session, version.version_id, step)
    return changed is not None


def _note(session: Session, version_id: int, step: Step) -> None:
    """Add a step to what was decided on a version; none is ever overwritten."""
    row = session.execute(
        sa.select(V.decision, V.decided_at).where(V.version_id == version_id).with_for_update()
    ).one()
    stored = deciding.kept([*deciding.steps(row.decision, row.decided_at), step])
    session.execute(sa.update(tables.versions).where(V.version_id == version_id).values(decision=stored))


def _one(session: Session, condition: sa.ColumnElement[bool]) -> Version | None:
    row = session.execute(sa.select(*LIGHT).where(condition).order_by(V.number.desc()).limit(1)).first()
    return Version(*row) if row else None


def listed(session: Session, monitor_id: int) -> list[dict[str, Any]]:
    """All versions without their bytes, newest first; ``decisions`` are steps, newest last."""
    wanted = (V.version_id, V.number, V.state, V.objective, V.created_at, V.decision, V.decided_at, V.pinned,
              V.manifest, EMPTIED.label("emptied"))  # fmt: skip
    rows = session.execute(sa.select(*wanted).where(V.monitor_id == monitor_id).order_by(V.number.desc()))
    return [dict(r._mapping) | {"decisions": deciding.steps(r.decision, r.decided_at)} for r in rows]


def previous(session: Session, monitor_id: int) -> int | None:
    """The number of the champion before the present one; after a roll back that is one further back."""
    line = _lineage(session, monitor_id)
    return line[-2] if len(line) > 1 else None


def left(session: Session, monitor_id: int) -> dict[int, int]:
    """version_id -> number of what a person rolled back from, nobody went back to since, and still has its model."""
    line = _lineage(session, monitor_id)
    mine = sa.and_(V.monitor_id == monitor_id, V.state == "retired", V.number.not_in(line), ~EMPTIED)
    return {r.version_id: r.number for r in session.execute(sa.select(V.version_id, V.number).where(mine))}


def first(session: Session, monitor_id: int) -> bool:
    """Whether no champion was ever replaced."""
    mine = sa.and_(V.monitor_id == monitor_id, V.state == "retired")
    return session.scalar(sa.select(V.version_id).where(mine).limit(1)) is None


def _lineage(session: Session, monitor_id: int) -> list[int]:
    mine = sa.select(V.number, V.decision, V.decided_at).where(V.monitor_id == monitor_id).order_by(V.number)
    return deciding.lineage(
        (r.number, step) for r in session.execute(mine) for step in deciding.steps(r.decision, r.decided_at)
    )


def _off_the_line(session: Session) -> list[int]:
    """version_id of those that were rolled back from, of all monitors.

    What an earlier release decided may not be kept: without a decision nobody rolled back from it.
    """
    found: list[int] = []
    decided = sa.and_(V.state == "retired", V.decision.is_not(None))
    for monitor_id in session.scalars(sa.select(V.monitor_id).where(decided).distinct()).all():
        mine = sa.select(V.version_id).where(V.monitor_id == monitor_id, decided)
        found += session.scalars(mine.where(V.number.not_in(_lineage(session, monitor_id))))
    return found


def behind(session: Session, monitor_id: int) -> bool:
    """Whether rows wait for the champion's scores."""
    m = tables.monitors.c
    last = (m.monitor_id * (1 << FIRST)) + m.next_reading - 1
    waiting = sa.select(V.version_id).join_from(
        tables.versions, tables.monitors, m.monitor_id == V.monitor_id
    )
    return (
        session.scalar(
            waiting.where(V.monitor_id == monitor_id, V.state == "champion", V.scored_through < last)
        )
        is not None
    )
