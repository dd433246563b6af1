"""The schema's way up, one step down and up again, with rows in the tables."""

from datetime import UTC, datetime
from multiprocessing import get_context

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from monitor.domain.errors import MonitorError
from monitor.storage import audit, schema, tables
from monitor.storage.database import Database

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def fill(database: Database) -> None:
    """A row in each table that a person could miss."""
    with database.write() as session:
        session.execute(
            sa.insert(tables.monitors).values(
                name="m", document={}, cursor={"a": 1}, notices=[], created_at=NOW
            )
        )
        session.execute(
            sa.insert(tables.scores).values(reading_id=1, version_id=1, score=1.0, p_value=0.5, scored_at=NOW)
        )
        session.execute(sa.insert(tables.channels).values(name="c", document={}))
        audit.append(session, NOW, "me", "did", "this", {"n": 1})


def counts(database: Database) -> dict[str, int]:
    with database.read() as session:
        return {
            name: session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for name, table in tables.metadata.tables.items()
        }


def test_the_migrated_schema_is_the_one_the_code_works_with(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_each_migration_goes_up_one_step_down_and_up_again(database: Database) -> None:
    revisions = schema.history()
    schema.downgrade(database, "base")
    for revision in revisions:
        assert schema.upgrade(database, revision) == revision
        schema.downgrade(database)
        assert schema.upgrade(database, revision) == revision
    schema.ready(database)


def test_no_row_is_lost_on_the_way_up(database: Database) -> None:
    fill(database)
    before = counts(database)
    assert before["audit"] == before["monitors"] == 1
    schema.upgrade(database)
    assert counts(database) == before
    if len(schema.history()) > 1:
        schema.downgrade(database)
        schema.upgrade(database)
        assert counts(database) == before


def test_a_database_without_schema_is_refused_with_what_to_do(database: Database) -> None:
    schema.downgrade(database, "base")
    with pytest.raises(MonitorError, match="monitor init"):
        schema.ready(database)


def test_two_upgrades_at_once_are_one_after_the_other(database: Database) -> None:
    schema.downgrade(database, "base")
    url = database.url.render_as_string(hide_password=False)
    spawn = get_context("spawn")
    both = [spawn.Process(target=_upgrade, args=(url,)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [p.exitcode for p in both] == [0, 0]
    schema.ready(database)


def _upgrade(url: str) -> None:
    schema.upgrade(Database(url))
