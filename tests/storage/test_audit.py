import threading
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from monitor.storage import audit, tables
from monitor.storage.database import Database

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def add(database: Database, number: int, **detail: object) -> None:
    with database.write() as session:
        audit.append(session, AT, "ana", "alert.closed", f"alert:{number}", {"number": number, **detail})


def test_an_untouched_trail_verifies(database: Database) -> None:
    for number in range(5):
        add(database, number, p=2.0, odd=1e-7, big=1e22, words=["ü", '"'], nothing=None)
    with database.read() as session:
        chain = audit.verify(session)
    assert (chain.rows, chain.broken) == (5, None)


def test_an_empty_trail_verifies(database: Database) -> None:
    with database.read() as session:
        assert audit.verify(session) == audit.Chain(0, audit.FIRST, None)


@pytest.mark.parametrize(
    "values",
    [
        {"actor": "eve"},
        {"at": AT.replace(hour=13)},
        {"detail": {"number": 99}},
        {"subject": "x"},
        {"row_hash": "0"},
    ],
)
def test_an_edited_row_is_named(database: Database, values: dict[str, object]) -> None:
    for number in range(5):
        add(database, number)
    with database.write() as session:
        session.execute(sa.update(tables.audit).where(tables.audit.c.audit_id == 3).values(**values))
    with database.read() as session:
        assert audit.verify(session).broken == 3


def test_a_removed_row_is_noticed_at_the_one_behind_it(database: Database) -> None:
    for number in range(5):
        add(database, number)
    with database.write() as session:
        session.execute(sa.delete(tables.audit).where(tables.audit.c.audit_id == 2))
    with database.read() as session:
        assert audit.verify(session).broken == 3


def test_a_row_edited_together_with_its_hash_breaks_the_next(database: Database) -> None:
    for number in range(3):
        add(database, number)
    with database.write() as session:
        before = session.scalar(sa.select(tables.audit.c.prev_hash).where(tables.audit.c.audit_id == 2))
        forged = audit.seal(before, AT, "ana", "alert.closed", "alert:1", {"number": 7})
        session.execute(
            sa.update(tables.audit)
            .where(tables.audit.c.audit_id == 2)
            .values(detail={"number": 7}, row_hash=forged)
        )
    with database.read() as session:
        assert audit.verify(session).broken == 3


def test_writers_at_the_same_time_make_one_chain(database: Database) -> None:
    threads = [threading.Thread(target=add, args=(database, n)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert audit.verify(session) == audit.Chain(8, audit.verify(session).head, None)


def test_a_rolled_back_action_leaves_no_line(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as session:
        audit.append(session, AT, "ana", "alert.closed", "alert:1", {})
        raise RuntimeError
    add(database, 1)
    with database.read() as session:
        assert audit.verify(session).rows == 1


def test_lines_about_a_subject_come_newest_first(database: Database) -> None:
    for number in (1, 2, 1):
        add(database, number)
    with database.read() as session:
        found = audit.about(session, ["alert:1"])
    assert [e.audit_id for e in found] == [3, 1]
