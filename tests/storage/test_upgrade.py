"""A database of the release before, with rows in every table: upgraded, nothing is lost and everything works."""

from datetime import UTC, datetime, timedelta

import pytest
import release
import sqlalchemy as sa

from dashboards.detail import detail
from monitor.jobs.context import Context
from monitor.scheduling import run_now
from monitor.storage import (
    alerts,
    audit,
    configuration,
    health,
    inbox,
    monitors,
    pages,
    quarantine,
    schema,
    tables,
    versions,
)
from monitor.storage.database import Database

NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture
def upgraded(context: Context) -> Context:
    release.install(context.database)
    schema.upgrade(context.database)
    return context


def test_the_release_had_rows_in_each_of_its_tables(database: Database) -> None:
    release.install(database)
    assert schema.current(database) == release.REVISION
    rows = release.content(database)
    assert min(map(len, rows.values())) > 0
    with database.engine.connect() as connection:
        there = set(sa.inspect(connection).get_table_names()) - {"alembic_version"}
    assert there == set(rows)


def test_no_value_is_lost_or_changed_on_the_way_up_down_and_up(database: Database) -> None:
    release.install(database)
    before = release.content(database)
    schema.upgrade(database)
    schema.ready(database)
    assert release.content(database) == before
    schema.downgrade(database)
    assert release.content(database) == before
    schema.upgrade(database)
    assert release.content(database) == before


def test_every_page_reads_an_upgraded_database(upgraded: Context) -> None:
    start = NOW - timedelta(days=30)
    began = release.ROWS["runs"]["columns"].index("started_at")
    with upgraded.database.read() as session:
        (fleet,) = pages.fleet(session)
        number = fleet.monitor_id
        assert (fleet.name, fleet.stored, fleet.version) == ("machines", 334, 1)
        assert pages.failures(session) == {}
        assert sum(b.rows for b in pages.sparks(session, start)[number]) == 334
        assert sum(b.flagged for b in pages.scores(session, number, start, NOW)) == 5
        assert pages.desk(session, NOW).verdicts == {"true": 1}
        assert pages.jobs(session, start)["all"] == sum(
            r[began] is not None for r in release.ROWS["runs"]["rows"]
        )
        assert len(pages.runs(session, pages.Sought(), None, 50)) == len(release.ROWS["runs"]["rows"])
        assert len(pages.versions(session, number)) == 1
        pages.undelivered(session)
        assert len(inbox.page(session, inbox.Asked(), 50)) == 2, (
            "of five one is closed, one snoozed, one claimed"
        )
        for public_id in session.scalars(sa.select(tables.alerts.c.public_id)).all():
            assert "what happened" in detail(session, public_id, "ana", NOW).html.lower()
            assert alerts.described(session, public_id)["explanation"]
        assert len(alerts.listed(session, "open", None, 50)) == 3
        assert len(quarantine.listed(session, number, 50)) == 1
        assert [h["monitor"] for h in health.of_all(session, NOW)] == ["machines"]
        assert [m.name for m in configuration.current(session).monitors] == ["machines"]
        assert audit.verify(session).broken is None


def test_jobs_go_on_with_the_model_of_the_release_before(upgraded: Context) -> None:
    with upgraded.database.write() as session:
        watched = monitors.named(session, "machines")
        champion = versions.champion(session, watched.monitor_id)
        assert champion is not None
        copied = "reading_id + 1000, 'n' || source_key, " + ", ".join(
            release.ROWS["readings_machines"]["columns"][2:9]
        )
        rest = ", ".join(watched.schema.names) if watched.schema else ""
        session.execute(
            sa.text(f"insert into readings_machines select {copied}, {rest} from readings_machines")
        )
        session.execute(sa.update(tables.monitors).where(tables.monitors.c.monitor_id == watched.monitor_id)
                        .values(next_reading=1335))  # fmt: skip
    scored = run_now(upgraded, "score", "machines", "ana")["counts"]
    assert (scored["scored"], scored["flagged"]) == (334, 5), (
        "the same rows get the same verdict of the same model"
    )
    run_now(upgraded, "prune", None, "ana")
    with upgraded.database.read() as session:
        assert audit.verify(session).broken is None
