"""No query of a page reads more of the large tables than it shows: each statement's plan, on both databases."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest
import seed
import sqlalchemy as sa

from dashboards import budget
from dashboards.views import alerts, monitors, overview, versions
from monitor.jobs import mute
from monitor.storage import bulk, pages, tables
from monitor.storage.database import Database, Session

NOW = datetime(2026, 3, 29, 14, 30, tzinfo=UTC)
LARGE = {"scores", "outliers", "alerts", "alert_members", "alert_changes", "reviews", "runs", "score_bins"}
Statement = tuple[str, Any]


@pytest.fixture
def database(database: Database) -> Database:
    """Every state a page can show, a version with live scores, and the planner's view of a table that has grown."""
    seed.fill(database, NOW, days=30)
    with database.write() as session:
        version = session.scalar(
            sa.select(tables.versions.c.version_id).where(tables.versions.c.number == 41)
        )
        rows = [{"reading_id": seed.reading_id(1, n), "version_id": version, "score": 1.0, "p_value": 0.5,
                 "scored_at": NOW} for n in range(2, 500)]  # fmt: skip
        session.execute(sa.insert(tables.scores), rows)
        _grow(session)
    return database


def _grow(session: Session) -> None:
    """Closed alerts of another monitor, so many that reading all of them is not the shortest way."""
    at, ids = NOW - seed.timedelta(days=40), range(100_000, 103_000)
    same = {"monitor_id": 2, "entity": "line 3", "p_value": 1e-4, "provisional": False}
    alerts = {"queue": "plant", "state": "closed", "severity": 1, "rank": 1.0, "opened_at": at, "first_event_at": at,
              "last_event_at": at, "members": 1, "why": "w", "brief": "b", "fields": [], "verdict": "false",
              "closed_at": at, "revision": 1} | same  # fmt: skip
    outliers = {"version_id": 1, "event_at": at, "score": 9.0, "reason": "p", "explanation": []} | same
    session.execute(sa.insert(tables.alerts), [{"alert_id": n, "public_id": f"g{n}"} | alerts for n in ids])
    session.execute(sa.insert(tables.outliers), [{"outlier_id": n, "reading_id": n} | outliers for n in ids])
    session.execute(sa.insert(tables.alert_members), [{"alert_id": n, "outlier_id": n} for n in ids])


def compositions() -> dict[str, Callable[[Session], Any]]:
    def found(session: Session) -> pages.Standing:
        return pages.fleet(session, "card-payments")[0]

    return {
        "overview": lambda s: overview.compose(s, NOW),
        "monitors": lambda s: monitors.compose_all(s, NOW),
        "monitor": lambda s: monitors.compose(s, found(s), 90, "", NOW, "promote:40"),
        "budget": lambda s: budget.compose(s, found(s), NOW),
        "version": lambda s: versions.compose(s, "card-payments", 41, NOW, asking="pin:41"),
        "left out": lambda s: versions.compose_left_out(s, "card-payments", 41, "all", "0", NOW),
    }


@contextmanager
def heard(database: Database) -> Iterator[list[Statement]]:
    """Every statement that is sent meanwhile."""
    statements: list[Statement] = []

    def hear(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        statements.append((statement, parameters))

    copy = bulk._copy_out

    def hear_copy(session: Session, statement: Any, columns: Any) -> Any:
        text = statement.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
        statements.append((str(text).replace("%%", "%"), None))
        return copy(session, statement, columns)

    sa.event.listen(database.engine, "before_cursor_execute", hear)
    with patch.object(bulk, "_copy_out", hear_copy):  # what PostgreSQL copies out passes by the event
        yield statements
    sa.event.remove(database.engine, "before_cursor_execute", hear)


@pytest.mark.parametrize("view", ["closed", "suppressed"])
def test_what_is_no_longer_open_is_found_through_an_index(
    database: Database, view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as session:
        a = tables.alerts
        last = sa.select(a.c.alert_id).where(a.c.state == "open").limit(5)
        values = {
            "closed": {"closed_at": NOW, "verdict": "true"},
            "suppressed": {"suppressed_by": "mute 1: new till"},
        }
        session.execute(sa.update(a).where(a.c.alert_id.in_(last)).values(state=view, **values[view]))
        mute.add(
            session,
            "card-payments",
            "ana",
            NOW,
            entity=None,
            until=NOW + seed.timedelta(days=1),
            reason="new till",
        )
    monkeypatch.setattr(alerts.st, "query_params", {})
    desk = alerts.Desk()
    desk.asked["view"] = view
    with heard(database) as statements, database.read() as session:
        assert len(alerts.compose(database, desk, None, "ana", NOW)["rows"]) == 5
        head = monitors.compose(session, pages.fleet(session, "card-payments")[0], 7, "", NOW)[0]
        assert ("5 alerts suppressed by this mute" if view == "suppressed" else "0 alerts") in head
    check(database, statements)


@pytest.mark.parametrize("name", list(compositions()))
def test_a_page_reads_the_large_tables_through_their_indexes(database: Database, name: str) -> None:
    with heard(database) as statements, database.read() as session:
        assert compositions()[name](session)
    check(database, statements)


def test_the_inbox_reads_the_large_tables_through_their_indexes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts.st, "query_params", {})
    with heard(database) as statements:
        sent = alerts.compose(database, alerts.Desk(), None, "ana", NOW)
    assert len(sent["details"]) == 7
    check(database, statements)


def check(database: Database, statements: list[Statement]) -> None:
    asked = [s for s in statements if s[0].lstrip().upper().startswith(("SELECT", "WITH"))]
    assert asked
    explain = _explained_by_sqlite if database.dialect == "sqlite" else _explained_by_postgresql
    with database.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        if database.dialect == "postgresql":
            driver.execute("ANALYZE")
            for way in ("seqscan", "hashjoin", "mergejoin"):  # right for tables as small as a test's
                driver.execute(f"SET enable_{way} = off")
            driver.execute("SET random_page_cost = 0.1")  # so that a look into an index is worth it there too
        found = {fault: text for text, given in asked for fault in explain(driver, text, given)}
    assert found == {}


def _large(table: str) -> bool:
    return table in LARGE or table.startswith("readings_")


def _explained_by_sqlite(driver: Any, statement: str, given: Any) -> list[str]:
    """Steps that walk a whole large table or a whole index of one; in order up to a limit is no such walk."""
    names = dict(re.findall(r"(?:FROM|JOIN) \"?(\w+)\"? AS (\w+)", statement))
    aliases = {alias: table for table, alias in names.items()}
    steps = [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", given)]
    ordered = "LIMIT" in statement and not any("TEMP B-TREE FOR ORDER BY" in step for step in steps)
    scans = [step for step in steps if step.startswith("SCAN ")]
    return [s for s in scans if _large(aliases.get(s.split()[1], s.split()[1])) and not ordered]


def _explained_by_postgresql(driver: Any, statement: str, given: Any) -> list[str]:
    (plan,) = driver.execute(f"EXPLAIN (FORMAT JSON) {statement}", given).fetchone()
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return list(_walks(plan[0]["Plan"], limited=False))


def _walks(node: dict[str, Any], limited: bool) -> Iterator[str]:
    """Nodes that read all of a large table: a scan of it, or of an index without a condition and without a limit."""
    kind, table = node["Node Type"], node.get("Relation Name", "")
    limited = kind == "Limit" or (limited and kind not in ("Sort", "Aggregate", "WindowAgg", "Hash"))
    bound = "Index Cond" in node or "Recheck Cond" in node or limited
    if _large(table) and (kind == "Seq Scan" or ("Scan" in kind and not bound)):
        yield f"{kind} on {table}"
    for part in node.get("Plans", []):
        yield from _walks(part, limited)
