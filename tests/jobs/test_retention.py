"""Rows go when a monitor says so: never what is held or under an open alert, and never the trail."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import seed
import sqlalchemy as sa

from monitor.domain.monitor import Document, Monitor, Retention
from monitor.domain.run import Request
from monitor.jobs import hold
from monitor.jobs import prune as prune_job
from monitor.jobs.apply import apply, plan
from monitor.jobs.context import Context
from monitor.scheduling import run_now
from monitor.storage import audit, configuration, outbox, pruning, readings, retention, runs, tables

FIELDS = {"amount": "number"}
DAYS = 40  # one row a day and entity


def fill(context: Context, **kept: str) -> int:
    """Forty days of two cards with scores, and one closed and one open alert of thirty days ago."""
    now = context.now()
    with context.database.write() as session:
        s = seed.Seed(session, now)
        monitor_id = s.monitor({"name": "cards", "kind": "tabular", "entity": "card", "retention": kept, **seed.QUIET},
                               FIELDS)  # fmt: skip
        rows = [{"event_at": now - timedelta(days=DAYS - n // 2, hours=-1), "entity": f"c{n % 2}", "amount": float(n)}
                for n in range(2 * DAYS)]  # fmt: skip
        s.rows(monitor_id, "cards", FIELDS, rows)
        for n, row in enumerate(rows, 1):
            s.later(tables.scores, reading_id=seed.reading_id(monitor_id, n), version_id=1, score=1.0, p_value=0.5,
                    scored_at=row["event_at"])  # fmt: skip
            s.later(
                tables.labels,
                monitor_id=monitor_id,
                source_key=f"k{n}",
                value=0,
                origin="source",
                known_at=now,
            )
        s.bins(monitor_id, 2)
        closed = alert(s, monitor_id, 20, state="closed", verdict="true", closed_at=now - timedelta(days=29))
        alert(s, monitor_id, 21)
        alert(s, monitor_id, 80, state="closed", verdict="true", closed_at=now)  # the newest numbers
        s.flush()
        session.execute(
            sa.insert(tables.reviews).values(
                alert_id=closed, verdict="true", actor="ana", at=now, action_key="a"
            )
        )
        session.execute(
            sa.insert(tables.reviews).values(
                alert_id=closed + 2, verdict="true", actor="ana", at=now, action_key="b"
            )
        )
    return monitor_id


def alert(s: seed.Seed, monitor_id: int, n: int, **values: Any) -> int:
    at = s.now - timedelta(days=DAYS - (n - 1) // 2)
    flag = seed.Flag(seed.reading_id(monitor_id, n), at, 1e-5, [seed.part("amount", 1.0, float(n), 1.0)])
    return s.alert(
        monitor_id, "default", f"c{(n - 1) % 2}", [flag], 2, "why", "brief", opened_at=at, **values
    )


@pytest.fixture(autouse=True)
def _small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "BATCH", 7)


def prune(context: Context) -> dict[str, Any]:
    return run_now(context, "prune", None, "ana")["counts"]


def left(context: Context) -> dict[str, int]:
    with context.database.read() as session:
        found = {
            name: session.scalar(sa.select(sa.func.count()).select_from(tables.metadata.tables[name])) or 0
            for name in (
                "scores",
                "labels",
                "outliers",
                "alerts",
                "alert_members",
                "reviews",
                "score_bins",
                "audit",
            )
        }
        rows = session.scalar(sa.text("select count(*) from readings_cards")) or 0
    return found | {"readings": rows}


def test_by_default_nothing_goes_that_people_may_have_looked_at(context: Context) -> None:
    fill(context)
    before = left(context)
    prune(context)
    assert left(context) == before


def test_old_readings_go_with_their_scores_and_labels_and_the_charts_stay(context: Context) -> None:
    fill(context, readings="20d")
    before = left(context)
    assert prune(context)["readings"] == 39  # forty are older; one of them is under an open alert
    after = left(context)
    assert after == before | {"readings": 41, "scores": 41, "labels": 41, "audit": before["audit"] + 1}
    with context.database.read() as session:
        assert audit.about(session, ["monitor:cards"])[0].detail == {"readings": 39}
        counters = session.execute(sa.select(tables.monitors.c.pulled, tables.monitors.c.stored)).one()
        assert tuple(counters) == (80, 80), "what was ever pulled does not change"
        assert retention.counts(session, configuration_of(session), context.now()) == {}


def configuration_of(session: Any) -> Any:
    from monitor.storage import monitors

    return monitors.listed(session)[0]


def test_a_retention_counts_also_for_rows_that_a_training_would_look_at(context: Context) -> None:
    fill(context, readings="1d")
    with context.database.read() as session:
        due = retention.counts(session, configuration_of(session), context.now())
    assert (
        prune(context)["readings"] == due["readings"] == 77
    )  # of 80 one is under an open alert, two are new
    assert left(context)["readings"] == 3


def test_a_row_goes_with_all_its_revisions_at_the_age_of_the_present_one(context: Context) -> None:
    fill(context, readings="20d")
    now = context.now()
    with context.database.write() as session:
        row = {"content_hash": "x", "run_id": 1, "ingested_at": now, "entity": "c0", "amount": 1.0}
        table = readings.table("readings_cards", configuration_of(session).schema)
        old = sa.update(table).values(superseded_at=now)
        session.execute(old.where(table.c.source_key == "k1"))  # corrected: it happened yesterday
        session.execute(sa.insert(table).values(**row, source_key="k1", revision=2, reading_id=seed.reading_id(1, 101),
                                                event_at=now - timedelta(days=1), superseded_at=None))  # fmt: skip
        session.execute(old.where(table.c.source_key == "k79"))  # corrected: it happened long ago
        session.execute(sa.insert(table).values(**row, source_key="k79", revision=2, reading_id=seed.reading_id(1, 102),
                                                event_at=now - timedelta(days=35), superseded_at=None))  # fmt: skip
    prune(context)
    with context.database.read() as session:
        rows = session.execute(sa.text("select source_key, revision from readings_cards order by 1, 2")).all()
    kept = {tuple(r) for r in rows}
    assert {("k1", 1), ("k1", 2)} <= kept
    assert not {("k79", 1), ("k79", 2)} & kept


def test_old_closed_alerts_go_with_what_hangs_on_them_and_open_ones_stay(context: Context) -> None:
    fill(context, alerts="10d")
    before = left(context)
    assert prune(context)["alerts"] == 1
    after = left(context)
    gone = {name: before[name] - after[name] for name in before if before[name] != after[name]}
    assert gone == {"outliers": 1, "alerts": 1, "alert_members": 1, "reviews": 1, "audit": -1}
    with context.database.read() as session:
        states = session.scalars(sa.select(tables.alerts.c.state).order_by(tables.alerts.c.alert_id)).all()
    assert states == ["open", "closed"]


def test_no_number_is_given_twice(context: Context) -> None:
    """SQLite gives the number after the newest row's: the newest row stays, whatever its age."""
    fill(context, alerts="10d")
    with context.database.write() as session:
        old = context.now() - timedelta(days=20)
        session.execute(sa.update(tables.alerts).values(state="closed", closed_at=old))
    prune(context)
    with context.database.read() as session:
        assert session.scalar(sa.select(sa.func.max(tables.alerts.c.alert_id))) == 3
        assert session.scalar(sa.select(sa.func.max(tables.reviews.c.review_id))) == 2


def test_a_hold_keeps_an_entitys_rows_and_an_alert_until_it_ends(context: Context) -> None:
    fill(context, readings="20d", alerts="10d", scores="5d")
    until = context.now() + timedelta(days=30)
    by_entity = hold.add(context, "ana", entity="c0", reason="court", until=until)
    with context.database.read() as session:
        closed = session.scalar(sa.select(tables.alerts.c.public_id).where(tables.alerts.c.alert_id == 1))
    by_alert = hold.add(context, "ana", alert=closed, reason="auditors", until=until)
    counts = prune(context)
    assert (counts["readings"], counts.get("alerts")) == (19, None), "k20 is under the held alert"
    assert cards(context) == {"c0": 40, "c1": 21}
    hold.release(context, "ben", by_entity)
    hold.release(context, "ben", by_alert)
    assert prune(context)["alerts"] == 1
    assert cards(context) == {"c0": 21, "c1": 20}
    with context.database.read() as session:
        trail = [e.action for e in audit.about(session, [f"hold:{by_entity}"])]
        assert trail == ["hold.released", "hold.added"]
        assert "'c0'" not in str(audit.about(session, [f"hold:{by_entity}"])), (
            "the trail knows it by its hash"
        )


def cards(context: Context) -> dict[str, int]:
    with context.database.read() as session:
        rows = session.execute(
            sa.text("select entity, count(*) as number from readings_cards group by entity")
        ).all()
    return {row.entity: row.number for row in rows}


def test_other_tables_go_by_their_own_age(context: Context) -> None:
    monitor_id = fill(context, quarantine="10d", notifications="10d", runs="10d")
    now = context.now()
    with context.database.write() as session:
        for days in (30, 20, 1):
            at = now - timedelta(days=days)
            session.execute(
                sa.insert(tables.quarantine).values(
                    monitor_id=monitor_id, fingerprint=f"f{days}", origin="a", raw="x", reason="r", at=at
                )
            )
            run_id = runs.offer(session, Request("pull", monitor_id, f"s{days}"), "schedule", at)
            session.execute(sa.update(tables.runs).where(tables.runs.c.run_id == run_id)
                            .values(state="done", finished_at=at, message="1 new rows"))  # fmt: skip
        for change, state, days in ((1, "sent", 20), (2, "dead", 20), (3, "sent", 1), (1, "pending", 20)):
            at = now - timedelta(days=days)
            outbox.enqueue(session, change, [f"{state}-{change}"], at)
            session.execute(sa.update(tables.notifications).where(tables.notifications.c.channel == f"{state}-{change}")
                            .values(state=state, sent_at=at if state == "sent" else None))  # fmt: skip
    counts = prune(context)
    assert {n: counts[n] for n in ("quarantine", "notifications", "runs")} == {
        "quarantine": 2, "notifications": 1, "runs": 2,
    }  # fmt: skip
    with context.database.read() as session:
        kept = set(session.scalars(sa.select(tables.notifications.c.channel)))
        assert kept == {"dead-2", "sent-3", "pending-1"}, (
            "the one under the open alert stays, the waiting one too"
        )


def test_a_run_that_took_its_time_lets_another_go_on(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(context, readings="20d")
    monkeypatch.setattr(prune_job, "SECONDS", 0.0)
    done = run_now(context, "prune", None, "ana")
    assert (done["counts"].get("readings"), "goes on in another run" in done["message"]) == (None, True)
    monkeypatch.setattr(prune_job, "SECONDS", 30.0)
    with context.database.read() as session:
        asked = session.scalars(sa.select(tables.runs.c.slot).where(tables.runs.c.state == "queued")).all()
    assert list(asked) == ["after-1"]
    assert prune(context)["readings"] == 39


def test_rows_of_a_removed_monitor_go_too(context: Context) -> None:
    fill(context, readings="20d")
    apply(context, Document(), "ana", yes=True)
    assert prune(context)["readings"] == 40  # its open alert was closed, and nothing is learnt any more
    with context.database.read() as session:
        assert session.scalar(sa.text("select count(*) from readings_cards_deleted_1")) == 40


def test_a_plan_says_what_a_shortened_retention_would_delete(context: Context) -> None:
    fill(context)
    with context.database.read() as session:
        document = configuration.current(session)
    assert plan(context, document).deletes == {}
    shorter = document.monitors[0].model_copy(
        update={"retention": Retention.model_validate({"readings": "20d", "alerts": "10d"})}
    )
    planned = plan(context, document.model_copy(update={"monitors": [shorter]}))
    assert planned.deletes == {"cards": {"readings": 39, "alerts": 1}}


@pytest.mark.parametrize(("text", "words"), [("30m", "less than a day"), ("soon", "is not a duration")])
def test_a_retention_is_days_or_null(text: str, words: str) -> None:
    part = {"name": "a", "kind": "tabular", **seed.QUIET}
    with pytest.raises(ValueError, match=words):
        Monitor.model_validate(part | {"retention": {"readings": text}})
    kept = Monitor.model_validate(part | {"retention": {"readings": "2d", "runs": None}})
    assert kept.model_dump(mode="json")["retention"]["readings"] == "2d"
    assert Monitor.model_validate(kept.model_dump(mode="json")) == kept


def test_a_hold_needs_what_a_reason_and_an_end(context: Context) -> None:
    later = context.now() + timedelta(days=1)
    wrong: list[dict[str, Any]] = [
        {"reason": "x", "until": later}, {"entity": "c", "alert": "a", "reason": "x", "until": later},
        {"entity": "c", "reason": " ", "until": later}, {"entity": "c", "reason": "x", "until": context.now()},
    ]  # fmt: skip
    for asked in wrong:
        with pytest.raises(hold.WrongHold):
            hold.add(context, "ana", **asked)
    with pytest.raises(hold.WrongHold, match="expected a date such as 2027-01-31, or a time from now"):
        hold.read_until("soon", datetime.now(later.tzinfo))
