"""The schema's way up, one step down and up again, with rows in the tables."""

import shutil
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import seed
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

import migrations
from monitor.domain.errors import MonitorError
from monitor.storage import audit, holds, keys, labels, leases, outbox, quarantine, schema, tables
from monitor.storage.database import Database

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NEWEST = {"holds", "erasures", "keys"}  # tables that the last migration made: one step down takes them along
LATER = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "later", "{head}"


def upgrade():
    with op.batch_alter_table("alerts", recreate="auto") as alerts:
        alerts.alter_column("brief", existing_type=sa.Text(), nullable=True)
    with op.batch_alter_table("queues") as queues:
        queues.alter_column("title", existing_type=sa.Text(), nullable=True)


def downgrade():
    with op.batch_alter_table("queues") as queues:
        queues.alter_column("title", existing_type=sa.Text(), nullable=False)
    with op.batch_alter_table("alerts") as alerts:
        alerts.alter_column("brief", existing_type=sa.Text(), nullable=False)
"""


def fill(database: Database) -> None:
    """Rows in every table, with what refers to what."""
    seed.fill(database, NOW, days=1)
    with database.write() as session:
        revision = {"actor": "me", "origin": "file", "document": {}, "at": NOW}
        session.execute(sa.insert(tables.config_revisions).values(**revision))
        leases.acquire(session, "all/prune", 1, "here", NOW, 60)
        quarantined = pd.DataFrame({"origin": ["a:1"], "raw": ["x"], "reason": ["no time"]})
        quarantine.store(session, 1, quarantined, 1, NOW)
        session.execute(
            sa.insert(tables.scores).values(reading_id=1, version_id=1, score=1.0, p_value=0.5, scored_at=NOW)
        )
        labels.learn(session, 1, pd.DataFrame({"source_key": ["k"], "value": [1]}), "source", NOW)
        mute = {"monitor_id": 1, "reason": "works", "actor": "me", "starts_at": NOW, "ends_at": NOW}
        session.execute(sa.insert(tables.suppressions).values(**mute))
        session.execute(sa.insert(tables.channels).values(name="c", document={}))
        outbox.enqueue(session, 1, ["c"], NOW)
        audit.append(session, NOW, "me", "did", "this", {"n": 1})
        end = NOW + timedelta(days=1)
        holds.add(session, entity="c7", reason="court", actor="me", starts_at=NOW, ends_at=end)
        keys.drawn(session, "erasure", NOW)
        erased = {"scope": "all", "digest": "d", "actor": "me", "at": NOW, "counts": {}, "pending": []}
        session.execute(sa.insert(tables.erasures).values(**erased))


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
    assert min(before.values()) > 0
    schema.upgrade(database)
    assert counts(database) == before
    schema.downgrade(database)
    schema.upgrade(database)
    after = counts(database)
    assert {name: after[name] for name in before if after[name]} == {
        n: before[n] for n in before if n not in NEWEST
    }


def test_a_table_that_others_refer_to_is_rebuilt_without_losing_their_rows(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a later migration will do: SQLite alters a table by building it anew."""
    shutil.copytree(
        Path(migrations.__file__).parent, tmp_path / "later", ignore=shutil.ignore_patterns("*.pyc")
    )
    (tmp_path / "later" / "versions" / "later.py").write_text(LATER.replace("{head}", schema.head()))
    fill(database)
    before = counts(database)
    monkeypatch.setattr(
        schema, "migrations", SimpleNamespace(__file__=str(tmp_path / "later" / "__init__.py"))
    )
    schema.upgrade(database)
    assert counts(database) == before
    with database.write() as session:
        session.execute(
            sa.text("insert into queues (name, created_at) select 'no-title', created_at from queues limit 1")
        )
        session.execute(sa.text("delete from queues where name = 'no-title'"))
    schema.downgrade(database)
    assert counts(database) == before
    with pytest.raises(sa.exc.IntegrityError), database.write() as session:
        session.execute(sa.text("delete from alerts"))


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
