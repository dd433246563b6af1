"""The right to be forgotten: an entity's rows go from every table and model, and do not come back."""

from dataclasses import dataclass

from monitor.detection.forgetting import forgotten, keeps_rows, knows
from monitor.domain.erasure import CONTENT
from monitor.domain.errors import BundleCorrupt, Conflict
from monitor.domain.run import EVERYTHING, Request, scope_of
from monitor.domain.writing import counted
from monitor.jobs.context import Context
from monitor.storage import audit, erasing, erasures, holds, monitors, presence, removal, runs, versions
from monitor.storage.database import Session
from monitor.storage.erasing import Place, Target
from monitor.storage.erasures import Remembered
from monitor.storage.versions import Version

TRIES = 3  # a version may be trained while the models are gone through


class Held(Conflict):
    """Somebody holds the entity's rows."""


class _NotYet(Exception):
    """A version came or changed meanwhile, and may hold rows of the entity."""


class _DryRun(Exception):
    """Nothing of this transaction is kept."""


@dataclass(frozen=True)
class Erasure:
    """What was, or would be, taken out: rows by table; what became of each version; versions that wait for a successor.

    models: "monitor v3" -> "3 rows taken out", "model taken out" or "until another is champion".
    """

    erasure_id: int | None
    counts: dict[str, int]
    models: dict[str, str]


def erase(
    context: Context, entity: str, actor: str, *, monitor: str | None = None, yes: bool = False
) -> Erasure:
    """Take an entity out of one monitor, or of all; without ``yes`` only count.

    Models come first, each in a transaction of its own; everything else is one transaction. Whatever stops it, the
    same call again goes on from there.

    Raises:
        Held: a hold stands on the entity or on one of its alerts.
        UnknownError: there is no such monitor.
        Conflict: versions are trained faster than they can be gone through.
    """
    with presence.staying(context.database):  # a restore that began meanwhile would not know of it
        with context.database.read() as session:
            monitor_id = monitors.named(session, monitor).monitor_id if monitor else None
            places = erasing.places(session, monitor_id)
            _unless_held(session, places, entity, context)
        scope = EVERYTHING if monitor_id is None else scope_of(monitor_id)
        for _ in range(TRIES):
            try:
                done = _erase(context, places, entity, actor, scope, yes)
            except _NotYet:
                continue
            erasing.scrub(context.database)
            return done
    raise Conflict(
        "new versions came while the models were gone through; nothing of the rows was erased: try again"
    )


def again(context: Context, memory: Remembered, actor: str) -> tuple[int, int]:
    """Erase in restored rows whom another database remembers to have erased, before anybody else sees the rows.

    Returns how many entities that were, and how many erasures are of monitors that are not here. A hold in the
    restored rows was released before the erasure, or that would have been refused.
    """
    with context.database.write() as session:
        known, unknown = erasures.carry(session, memory, context.now())
    erased = 0
    for each in known:
        with context.database.read() as session:
            monitor_id = None if each.scope == EVERYTHING else int(each.scope.partition(":")[2])
            places = erasing.places(session, monitor_id)
            found = erasures.named(session, places, each.erased.among)
        for entity in sorted(found):
            _erase(context, places, entity, actor, each.scope, True, held=False)
        erased += len(found)
    return erased, unknown


def _erase(
    context: Context,
    places: list[Place],
    entity: str,
    actor: str,
    scope: str,
    yes: bool,
    *,
    held: bool = True,
) -> Erasure:
    models, seen, pending = _models(context, places, entity, actor, yes)
    asked = _Asked(places, entity, actor, scope, yes, held)
    erasure_id, counts = _rows(context, asked, seen, pending, models)
    return Erasure(erasure_id, counts, models)


@dataclass(frozen=True)
class _Asked:
    """Who shall be erased where. held: a hold on the entity refuses it."""

    places: list[Place]
    entity: str
    actor: str
    scope: str
    yes: bool
    held: bool


def _unless_held(session: Session, places: list[Place], entity: str, context: Context) -> None:
    for place in places:
        for name in [entity, *erasing.sharing(session, place, entity)]:
            for hold in holds.over(session, place.monitor_id, name, context.now()):
                whose = "this entity" if name == entity else "an entity that had one of its rows too"
                what = f"alert {hold.alert}" if hold.alert else whose
                raise Held(
                    f"nothing was erased: hold {hold.hold_id} of {hold.actor} stands on {what} until "
                    f"{hold.ends_at:%Y-%m-%d} UTC: {hold.reason}; `monitor hold release {hold.hold_id}` ends it"
                )


def _models(
    context: Context, places: list[Place], entity: str, actor: str, yes: bool
) -> tuple[dict[str, str], set[int], list[int]]:
    """What became of each version that held rows; the versions that were looked at; those that have to wait."""
    told: dict[str, str] = {}
    seen: set[int] = set()
    pending: list[int] = []
    for place in places:
        with context.database.read() as session:
            found = versions.with_bytes(session, place.monitor_id)
        for version in found:
            seen.add(version.version_id)
            words = _model(context, place, version, entity, actor, yes)
            if words is not None:
                told[f"{place.name} v{version.number}"] = words
                pending += [version.version_id] if words == WAITS else []
    return told, seen, pending


WAITS = "until another is champion"


def _model(
    context: Context, place: Place, version: Version, entity: str, actor: str, yes: bool
) -> str | None:
    """Rewrite one version without the entity's rows; None where it holds none."""
    with context.database.read() as session:
        rows = erasing.rows(session, place, entity) if place.schema is not None else None
        others = erasing.beside(session, place, entity) if place.schema is not None else None
        try:
            blob = versions.bundle(session, version.version_id)
            named = knows(blob, entity)
            if not keeps_rows(blob) and not named:
                return None
            less, gone = (
                forgotten(blob, rows, others)
                if rows is not None and not named
                else (None if named else blob, 0)
            )
        except BundleCorrupt:
            less, gone = None, 0  # nobody can look into it, and nobody can use it
    if less is not None and not _unsure(place, version):
        if gone and yes and not _rewrite(context, place, version, less, actor, gone):
            raise _NotYet
        return f"{counted(gone, 'row')} taken out" if gone else None
    if version.state == "champion" or (yes and not _rewrite(context, place, version, None, actor, gone)):
        return WAITS
    return "model taken out"


def _unsure(place: Place, version: Version) -> bool:
    """Whether rows that the version learnt from, or set these against, were deleted since: what it keeps cannot be
    compared with them."""
    learnt_from = version.manifest.get("looked_back_to") or version.manifest.get("from")
    pruned = place.pruned_through
    return pruned is not None and (learnt_from is None or learnt_from <= pruned.isoformat())


def _rewrite(
    context: Context, place: Place, version: Version, bundle: bytes | None, actor: str, gone: int
) -> bool:
    """Whether it could be done: a version may have become champion, or have other bytes, since it was looked at."""
    with context.database.write() as session:
        detail = {"version": version.number, "rows": gone, "before": version.sha256}
        if bundle is None:
            if not versions.drop_bundle(session, version.version_id):
                return False
        else:
            after = versions.replace_bundle(session, version, bundle)
            if after is None:
                return False
            detail["after"] = after
        action = "version.emptied" if bundle is None else "version.rewritten"
        audit.append(session, context.now(), actor, action, f"monitor:{place.config.name}", detail)
    return True


def _rows(
    context: Context, asked: _Asked, seen: set[int], pending: list[int], models: dict[str, str]
) -> tuple[int | None, dict[str, int]]:
    """Everything but the models, in one transaction; runs at work lose their leases, so that none writes a row back."""
    now, places, actor = context.now(), asked.places, asked.actor
    counts: dict[str, int] = {}
    try:
        with context.database.write() as session:
            for place in places:
                removal.stop(session, place.monitor_id, ["pull", "score", "train", "promote"])
                if {v.version_id for v in versions.with_bytes(session, place.monitor_id)} - seen:
                    raise _NotYet
            if asked.held:
                _unless_held(session, places, asked.entity, context)
            erasure_id, digest = erasures.record(session, asked.scope, asked.entity, actor, now, pending)
            told = erasing.told(session, places, asked.entity)
            target = Target(asked.entity, places, f"{CONTENT}-{erasure_id}", actor, now, *told)
            redacted = erasing.trail(session, target)
            counts = erasing.erase(session, target) | ({"audit": len(redacted)} if redacted else {})
            erasures.counted(session, erasure_id, counts)
            detail = {
                "entity": digest,
                "scope": asked.scope,
                "counts": counts,
                "models": models,
                "redacted": redacted,
            }
            audit.append(session, now, actor, audit.ERASED, f"erasure:{erasure_id}", detail)
            for place in places:
                if any(v == WAITS for name, v in models.items() if name.startswith(f"{place.name} v")):
                    runs.offer(
                        session, Request("train", place.monitor_id, f"erased-{erasure_id}"), actor, now
                    )
            if not asked.yes:
                raise _DryRun
    except _DryRun:
        return None, counts
    return erasure_id, counts
