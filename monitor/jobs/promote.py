"""The gate: a candidate takes over when it is not worse on rows that training did not see."""

from dataclasses import replace
from datetime import datetime

import pandas as pd

from monitor.detection.bundle import Bundle
from monitor.detection.detector import Detector
from monitor.detection.flagging import Before, flag
from monitor.detection.planted import planted_auroc
from monitor.domain import policy
from monitor.domain.errors import BundleCorrupt, ModelDropped, Pinned, UnknownError
from monitor.domain.review import clean_note
from monitor.domain.run import Outcome, Request, Run
from monitor.domain.version import GATE, NOMINAL, Decision, Kind, Step, Trial, better, by_hand, withheld
from monitor.jobs.context import Context
from monitor.storage import audit, monitors, past, readings, versions
from monitor.storage.database import Session
from monitor.storage.monitors import Watched
from monitor.storage.versions import Version

PART = 4_000  # rows of the held-back part that are looked at


def promote(context: Context, run: Run) -> Outcome:
    """Decide on a candidate (by the gate), or make the version champion that a person named (by hand)."""
    assert run.monitor_id is not None
    with context.database.read() as session:
        watched = monitors.get(session, run.monitor_id)
        champion = versions.champion(session, run.monitor_id)
        asked = run.counts.get("version_id")
        version = (
            versions.get(session, asked) if asked else versions.newest_candidate(session, run.monitor_id)
        )
    if version is None:
        return Outcome("no candidate to decide on")
    if version.monitor_id != run.monitor_id:
        raise UnknownError("version of this monitor", f"number {version.version_id}", [])
    if champion is not None and version.version_id == champion.version_id:
        # said again, since the run that promoted it may have died before it could
        return Outcome(f"v{version.number} is the champion already", {}, [_scoring(run)])
    if run.counts.get("by_hand"):
        now = champion.number if champion else None
        kind = "rolled back" if run.counts.get("back") else by_hand(version.state, version.number, now)
        return _switch(context, run, watched, version, _asked(context, run, version, kind))
    if version.state != "candidate":
        return Outcome(f"v{version.number} was decided on before: {version.state}")
    decision = _decide(context, watched, version, champion)
    if against := _against(context, version, champion):
        decision = withheld(decision, against)
    kind = "promoted" if decision.promoted else "rejected"
    step = Step(kind, GATE, context.now(), decision.reason, decision.figures)
    try:
        return _switch(context, run, watched, version, step)
    except Pinned as fault:  # while the gate was deciding
        late = replace(step, kind="rejected", reason=withheld(decision, str(fault)).reason)
        return _switch(context, run, watched, version, late)


def _asked(context: Context, run: Run, version: Version, kind: Kind) -> Step:
    with context.database.read() as session:
        versions.bundle(session, version.version_id)  # a damaged one must not take over, whoever asks for it
    why = clean_note(str(run.counts.get("why") or ""))
    return Step(kind, run.actor, context.now(), why or "no reason given")


def _against(context: Context, version: Version, champion: Version | None) -> str | None:
    """What a person decided that the gate may not overrule."""
    if champion is not None and champion.pinned:
        return str(Pinned(champion.number))
    with context.database.read() as session:
        own = _scoring_of(session, version.version_id)
        for version_id, number in versions.left(session, version.monitor_id).items():
            if own is not None and _scoring_of(session, version_id) == own:
                return f"it is the very model of v{number}, which was rolled back from"
    return None


def _scoring_of(session: Session, version_id: int) -> str | None:
    """What tells the model from others; None where its bytes are damaged or gone."""
    try:
        return Bundle.from_bytes(versions.bundle(session, version_id)).scoring
    except (BundleCorrupt, ModelDropped):
        return None


def _decide(context: Context, watched: Watched, version: Version, champion: Version | None) -> Decision:
    with context.database.read() as session:
        assert watched.schema is not None
        table = readings.table(watched.config.table, watched.schema)
        rate = readings.rate(session, table)
        back = max(_looks_back(context, each) for each in (version, champion) if each is not None)
        rows, previous = _held_back(session, table, watched, version, back)
    trial = _trial(context, watched, version, rows, previous, rate)
    allowed = policy.per_day(watched.config.alerts, rate)
    try:
        rival = _trial(context, watched, champion, rows, previous, rate) if champion else None
    except BundleCorrupt as fault:  # it scores nothing any more; without a successor it would never go
        alone = better(trial, None, allowed)
        return replace(alone, reason=f"{fault}; so it is decided without it: {alone.reason}")
    return better(trial, rival, allowed)


def _held_back(
    session: Session, table: readings.Table, watched: Watched, version: Version, context_rows: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows that training left for the gate, less those it left out, with the rows before them."""
    start = version.manifest["held_back"]["from"]
    if start is None:
        return readings.latest(session, table, 0), readings.latest(session, table, 0)
    rows = readings.since(session, table, datetime.fromisoformat(start), PART)
    rows = rows[~rows["reading_id"].isin(version.manifest["left_out_rows"])].reset_index(drop=True)
    before = past.known if watched.config.kind == "tabular" else readings.before
    return rows, before(session, table, rows, context_rows)


def _trial(
    context: Context,
    watched: Watched,
    version: Version,
    rows: pd.DataFrame,
    previous: pd.DataFrame,
    rate: float,
) -> Trial:
    detector = _loaded(context, version)
    scored = detector.score(rows, context=previous, shares=False)
    ready = scored.loc[scored["ready"], "p_value"]
    flags = flag(detector, watched.config, rows, previous, scored, rate, Before()).flags
    flagged = flags.spent / len(rows) * rate if len(rows) else 0.0
    assert watched.schema is not None
    numbers = [f for f in watched.schema.of("number", "integer") if f in detector.fields]
    found = planted_auroc(detector, rows, previous, numbers, watched.config.kind, seed=0)
    below = tuple(int((ready <= level).sum()) for level in NOMINAL)
    return Trial(found, flagged, len(rows), len(ready), below)


def _looks_back(context: Context, version: Version) -> int:
    try:
        return _loaded(context, version).context_rows
    except BundleCorrupt:  # said where it is tried
        return 0


def _loaded(context: Context, version: Version) -> Detector:
    with context.database.read() as session:
        return Detector.from_bytes(versions.bundle(session, version.version_id))


def _switch(context: Context, run: Run, watched: Watched, version: Version, step: Step) -> Outcome:
    change = versions.reject if step.kind == "rejected" else versions.promote
    with context.write(run) as session:
        step = change(session, version, step)
        detail = {
            "version": version.number,
            "before": step.other,
            "reason": step.reason,
            "figures": step.figures,
        }
        action = f"version.{step.kind.replace(' ', '_')}"
        audit.append(session, context.now(), run.actor, action, f"monitor:{watched.config.name}", detail)
    follow = [_scoring(run)] if step.kind != "rejected" else []
    done = (
        f"rolled back to v{version.number}"
        if step.kind == "rolled back"
        else f"v{version.number} {step.kind}"
    )
    return Outcome(f"{done} by {step.actor}: {step.reason}", {"version_id": version.version_id}, follow)


def _scoring(run: Run) -> Request:
    return Request("score", run.monitor_id, f"after-{run.run_id}")
