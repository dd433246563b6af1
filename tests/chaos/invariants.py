"""What must be true of a database whatever happened to it: each check gives the sentences of what is broken.

``broken`` holds at any instant, also right after a kill; ``unfinished`` holds once all work is done.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from monitor.detection.detector import Detector
from monitor.domain.errors import BundleCorrupt
from monitor.jobs.context import Context
from monitor.jobs.score import TOLD
from monitor.storage import audit, monitors, readings, tables, versions
from monitor.storage.database import Session
from monitor.storage.monitors import Watched

FATES = ("stored", "quarantined", "known")


@dataclass
class World:
    """What was done to the installation from outside, as its own memory.

    lines: what must become of each line of the source file, in its order; ``stored`` lines that repeat a key with
    other content are corrections. accepted: idempotency key -> how often the receiver accepted it.
    kills: how many senders died, each of which may have left one repeat.
    """

    monitor: str
    channels: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    read_up_to: Callable[[dict[str, Any]], int] = lambda cursor: (
        0
    )  # cursor -> how many lines it says are read
    accepted: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    champion: bool = False  # from now on there must be one


def broken(context: Context, world: World) -> list[str]:
    """Sentences of what may not be true at any instant; empty where all is well."""
    with context.database.read() as session:
        watched = monitors.named(session, world.monitor)
        checks = (pulled, keyed, scored, grouped, told, trail, published, leased)
        return [f"{c.__name__}: {words}" for c in checks for words in c(session, watched, world)]


def unfinished(context: Context, world: World) -> list[str]:
    """Sentences of what is left undone once every run has ended and every notification was sent."""
    with context.database.read() as session:
        watched = monitors.named(session, world.monitor)
        return [*_left(session, watched, world), *_damaged(session)]


def pulled(session: Session, watched: Watched, world: World) -> Iterator[str]:
    """I1, I3: rows pulled = stored + quarantined + known, and all of it is what lies before the cursor."""
    counts = sa.select(*[tables.monitors.c[name] for name in ("pulled", *FATES)])
    row = session.execute(counts.where(tables.monitors.c.monitor_id == watched.monitor_id)).one()
    got = dict(zip(FATES, row[1:], strict=True))
    if row.pulled != sum(got.values()):
        yield f"{row.pulled} pulled, but {got}"
    read = world.lines[: world.read_up_to(watched.cursor)]
    expected = {fate: read.count(fate) for fate in FATES}
    if got != expected:
        yield f"the cursor says {expected}, the counts say {got}"
    put_aside = _count(session, tables.quarantine, tables.quarantine.c.monitor_id == watched.monitor_id)
    if put_aside != got["quarantined"]:
        yield f"{got['quarantined']} quarantined, {put_aside} there"
    there = _count(session, _table(watched)) if watched.schema else 0
    if not there == got["stored"] == watched.next_reading - 1:
        yield f"{got['stored']} stored, {there} there, the next is number {watched.next_reading}"


def keyed(session: Session, watched: Watched, _: World) -> Iterator[str]:
    """I2: no (key, revision) twice, and one present revision a key."""
    if watched.schema is None:
        return
    c = _table(watched).c
    present = sa.func.sum(sa.case((c.superseded_at.is_(None), 1), else_=0))
    wrong = sa.or_(
        sa.func.count() != sa.func.count(sa.distinct(c.revision)),
        sa.func.max(c.revision) != sa.func.count(),
        present != 1,
    )
    for (key,) in session.execute(sa.select(c.source_key).group_by(c.source_key).having(wrong).limit(5)):
        yield f"the revisions of {key} are not 1, 2, ... with one present"


def scored(session: Session, watched: Watched, _: World) -> Iterator[str]:
    """I4: one score a reading and version, none missing up to the mark, and the charts count the same."""
    if watched.schema is None:
        return
    s, table = tables.scores.c, _table(watched)
    r = table.c
    rows, distinct = session.execute(
        sa.select(sa.func.count(), sa.func.count(sa.distinct(s.reading_id))).select_from(tables.scores)
    ).one()
    if rows != distinct:
        yield f"{rows} scores for {distinct} readings"
    if strange := _count(session, tables.scores, ~sa.and_(s.p_value >= 0, s.p_value <= 1)):
        yield f"{strange} p-values that are none"
    champion = versions.champion(session, watched.monitor_id)
    through = champion.scored_through if champion else 0
    missing = sa.and_(
        r.reading_id <= through, r.superseded_at.is_(None), r.reading_id.not_in(sa.select(s.reading_id))
    )
    if left := _count(session, table, missing):
        yield f"{left} readings before the mark have no score"
    if early := _count(session, tables.scores, s.reading_id > through):
        yield f"{early} scores lie after the mark"
    b = tables.score_bins.c
    binned = session.execute(sa.select(sa.func.sum(b.rows), sa.func.sum(b.flagged))).one()
    counted = (rows, _count(session, tables.outliers))
    if tuple(int(n or 0) for n in binned) != counted:
        yield f"the bins hold {tuple(binned)}, scores and outliers are {counted}"


def grouped(session: Session, _watched: Watched, _: World) -> Iterator[str]:
    """I5: each flagged reading is in exactly one alert, and an alert counts its own."""
    a, m, o = tables.alerts.c, tables.alert_members.c, tables.outliers.c
    if alone := _count(session, tables.outliers, o.outlier_id.not_in(sa.select(m.outlier_id))):
        yield f"{alone} outliers are in no alert"
    unscored = sa.and_(tables.scores.c.reading_id == o.reading_id, tables.scores.c.version_id == o.version_id)
    if odd := _count(session, tables.outliers, ~sa.exists().where(unscored)):
        yield f"{odd} outliers have no score"
    members = sa.select(sa.func.count()).where(m.alert_id == a.alert_id).scalar_subquery()
    for public_id, says, has in session.execute(
        sa.select(a.public_id, a.members, members).where(a.members != members)
    ):
        yield f"alert {public_id} says {says} members and has {has}"


def told(session: Session, _watched: Watched, world: World) -> Iterator[str]:
    """I6: one outbox row for each told change and channel, and nothing is sent that is not in there."""
    n = tables.notifications.c
    rows = session.execute(sa.select(n.change_id, n.channel, n.state, n.idempotency_key, n.attempts)).all()
    expected = sorted((change, channel) for change in _news(session) for channel in world.channels)
    if (got := sorted((r.change_id, r.channel) for r in rows)) != expected:
        yield f"{len(expected)} notifications expected, {len(got)} there: {set(expected) ^ set(got)}"
    tried = {r.idempotency_key for r in rows if r.attempts}
    if strange := set(world.accepted) - tried:
        yield f"accepted, but not in the outbox: {sorted(strange)[:5]}"
    if lost := [
        r.idempotency_key for r in rows if r.state == "sent" and not world.accepted[r.idempotency_key]
    ]:
        yield f"said to be sent, but nobody got: {lost[:5]}"
    if (repeats := world.accepted.total() - len(world.accepted)) > world.kills:
        yield f"{repeats} repeats after {world.kills} kills"


def _news(session: Session) -> Iterator[int]:
    """The changes that people are told: of alerts that held, at that change, a row that is not provisional."""
    c, m, o = tables.alert_changes.c, tables.alert_members.c, tables.outliers.c
    pairs = session.execute(
        sa.select(m.alert_id, o.provisional)
        .join_from(tables.alert_members, tables.outliers, o.outlier_id == m.outlier_id)
        .order_by(o.outlier_id)
    )
    provisional: dict[int, list[bool]] = {}
    for alert_id, of_training in pairs:
        provisional.setdefault(alert_id, []).append(of_training)
    changes = session.execute(sa.select(c.change_id, c.alert_id, c.detail).where(c.kind.in_(TOLD)))
    for change_id, alert_id, detail in changes:
        if not all(provisional.get(alert_id, [])[: detail["members"]]):
            yield change_id


def trail(session: Session, watched: Watched, _: World) -> Iterator[str]:
    """I7: the audit trail is whole, and says each decision once."""
    if (chain := audit.verify(session)).broken is not None:
        yield f"the audit trail is broken at {chain.broken}"
    v, a = tables.versions.c, tables.audit.c
    decided = session.scalars(
        sa.select(v.number).where(v.monitor_id == watched.monitor_id, v.decided_at.is_not(None))
    )
    said = session.scalars(sa.select(a.detail).where(a.action.in_(["version.promoted", "version.rejected"])))
    if (got := sorted(d["version"] for d in said)) != (expected := sorted(decided)):
        yield f"decided on versions {expected}, the trail says {got}"


def published(session: Session, watched: Watched, world: World) -> Iterator[str]:
    """No half of a version: every bundle is whole, one training makes one version, the champion is always there."""
    v = tables.versions.c
    champion = versions.champion(session, watched.monitor_id)
    if world.champion and champion is None:
        yield "there is no champion"
    newest = session.scalar(sa.select(sa.func.max(v.version_id)))
    for version_id in {newest, champion.version_id if champion else newest} - {None}:
        try:
            Detector.from_bytes(versions.bundle(session, version_id))
        except BundleCorrupt as fault:
            yield str(fault)
    twice = sa.select(v.run_id).where(v.run_id.is_not(None)).group_by(v.run_id).having(sa.func.count() > 1)
    for (run_id,) in session.execute(twice):
        yield f"training run {run_id} made more than one version"


def leased(session: Session, _watched: Watched, _: World) -> Iterator[str]:
    """A running run has its lease, a lease has its running run, and no run took a negative time."""
    r, t = tables.runs.c, tables.leases.c
    running = set(session.scalars(sa.select(r.run_id).where(r.state == "running")))
    held = list(session.scalars(sa.select(t.run_id).where(t.run_id.is_not(None))))
    if sorted(held) != sorted(running):
        yield f"runs {sorted(running)} are running, leases are held for {sorted(held)}"
    if backwards := _count(session, tables.runs, r.finished_at < r.started_at):
        yield f"{backwards} runs ended before they began"


def _left(session: Session, watched: Watched, world: World) -> Iterator[str]:
    t, r, n = tables.leases.c, tables.runs.c, tables.notifications.c
    if held := session.scalars(sa.select(t.name).where(t.run_id.is_not(None))).all():
        yield f"leases are held: {held}"
    for name, state, message in session.execute(
        sa.select(r.job, r.state, r.message).where(r.state.not_in(["done", "queued"]))
    ):
        yield f"a {name} is {state}: {message}"
    if (read := world.read_up_to(watched.cursor)) != len(world.lines):
        yield f"{read} of {len(world.lines)} lines are read"
    champion = versions.champion(session, watched.monitor_id)
    if champion and champion.scored_through != watched.next_id - 1:
        yield f"rows up to {champion.scored_through} are scored, the last is {watched.next_id - 1}"
    if waiting := _count(session, tables.notifications, n.state != "sent"):
        yield f"{waiting} notifications are not sent"


def _damaged(session: Session) -> Iterator[str]:
    if session.get_bind().dialect.name == "sqlite":
        for pragma, well in (("integrity_check", [("ok",)]), ("foreign_key_check", [])):
            if (found := session.execute(sa.text(f"PRAGMA {pragma}")).all()) != well:
                yield f"{pragma}: {found[:3]}"


def _table(watched: Watched) -> sa.Table:
    assert watched.schema is not None
    return readings.table(watched.config.table, watched.schema)


def _count(session: Session, table: sa.Table, condition: Any = None) -> int:
    found = sa.select(sa.func.count()).select_from(table)
    return session.scalar(found if condition is None else found.where(condition)) or 0
