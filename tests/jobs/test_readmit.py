"""What left quarantine is stored once, and what the source said later stands."""

import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from monitor.domain.errors import MonitorError
from monitor.domain.run import scope_of
from monitor.jobs.apply import apply
from monitor.jobs.configuration import parse
from monitor.jobs.context import Context, utc_now
from monitor.scheduling import run_now
from monitor.storage import erasures, monitors, quarantine, tables

MONITOR = "monitors: [{{name: a, kind: tabular, source: {{kind: files, path: {path}}}, time: at{more}}}]"
COUNTS = ("pulled", "stored", "quarantined", "known")


class Watch:
    """A monitor of a folder, and a clock that can be moved."""

    def __init__(self, context: Context, folder: Path, more: str = "") -> None:
        self.folder, self.context, self.files = folder, context, 0
        apply(context, parse(MONITOR.format(path=folder / "*.csv", more=more)), "tester")

    def pull(self, *lines: str) -> None:
        self.files += 1
        (self.folder / f"{self.files}.csv").write_text("\n".join(["id,at,load", *lines]) + "\n")
        run_now(self.context, "pull", "a", "tester")

    def later(self, **span: float) -> None:
        moved = timedelta(**span)
        self.context = replace(self.context, now=lambda: utc_now() + moved)

    def readmit(self, *only: int) -> dict[str, Any]:
        return run_now(self.context, "readmit", "a", "ana", counts={"only": list(only)} if only else {})

    def ask(self, statement: str) -> list[Any]:
        with self.context.database.read() as session:
            return list(session.execute(sa.text(statement)))

    @property
    def counts(self) -> dict[str, int]:
        (row,) = self.ask(f"SELECT {', '.join(COUNTS)} FROM monitors")
        assert row.pulled == row.stored + row.quarantined + row.known
        assert row.quarantined == self.ask("SELECT count(*) FROM quarantine")[0][0]
        return dict(row._mapping)

    @property
    def aside(self) -> list[dict[str, Any]]:
        with self.context.database.read() as session:
            return quarantine.listed(session, monitors.named(session, "a").monitor_id, 100)


def ahead(**span: float) -> str:
    at: datetime = utc_now() + timedelta(**span)
    return at.isoformat()


def test_rows_whose_time_has_come_become_readings_and_the_others_say_why_not(
    context: Context, tmp_path: Path
) -> None:
    watch = Watch(context, tmp_path, ", key: [id]")
    watch.pull("1,2025-03-01,5", f"2,{ahead(days=3)},6", f"3,{ahead(days=30)},7", "4,soon,8")
    assert watch.counts == {"pulled": 4, "stored": 1, "quarantined": 3, "known": 0}
    watch.later(days=5)
    done = watch.readmit()
    assert done["message"] == "1 row came in, 2 stay in quarantine"
    assert watch.counts == {"pulled": 4, "stored": 2, "quarantined": 2, "known": 0}
    assert [tuple(r) for r in watch.ask("SELECT source_key, load FROM readings_a ORDER BY reading_id")] == [
        ("1", 5.0),
        ("2", 6.0),
    ]
    assert {"at most a day ahead" in q["reason"] for q in watch.aside} == {True, False}
    assert watch.readmit()["message"] == "0 rows came in, 2 stay in quarantine"
    watch.pull("1,2025-03-01,5")
    assert len({r[0] for r in watch.ask("SELECT reading_id FROM readings_a")}) == 2
    assert [r.action for r in watch.ask("SELECT action FROM audit")].count("quarantine.readmitted") == 1


def test_without_a_key_a_row_keeps_its_place(context: Context, tmp_path: Path) -> None:
    watch = Watch(context, tmp_path)
    watch.pull("1,2025-03-01,5", f"2,{ahead(days=3)},6")
    watch.later(days=5)
    watch.readmit()
    assert [r[0] for r in watch.ask("SELECT source_key FROM readings_a ORDER BY 1")] == ["1.csv:2", "1.csv:3"]


def test_what_the_source_said_later_stands(context: Context, tmp_path: Path) -> None:
    watch = Watch(context, tmp_path, ", key: [id]")
    watch.pull("1,2025-03-01,5", f"2,{ahead(days=3)},6")
    watch.pull("2,2025-03-01,7")
    watch.later(days=5)
    assert watch.readmit()["message"] == "0 rows came in, 1 known already"
    assert watch.counts == {"pulled": 3, "stored": 2, "quarantined": 0, "known": 1}
    assert [r[0] for r in watch.ask("SELECT load FROM readings_a WHERE source_key = '2'")] == [7.0]


def test_a_bad_row_that_came_after_a_good_one_is_its_correction(context: Context, tmp_path: Path) -> None:
    watch = Watch(context, tmp_path, ", key: [id]")
    watch.pull("1,2025-03-01,5", "2,2025-03-01,7")
    watch.pull(f"2,{ahead(days=3)},6")
    watch.later(days=5)
    watch.readmit()
    rows = watch.ask("SELECT revision, load FROM readings_a WHERE source_key = '2' AND superseded_at IS NULL")
    assert [tuple(r) for r in rows] == [(2, 6.0)]


def test_a_row_that_was_kept_only_in_part_stays(context: Context, tmp_path: Path) -> None:
    watch = Watch(context, tmp_path, ", key: [id]")
    watch.pull(
        "1,2025-03-01,5", f"2,{ahead(days=3)},{'9' * 2000}", "3,2025-03-01", f"4\x00,{ahead(days=3)},5"
    )
    watch.later(days=5)
    said = watch.readmit()["message"]
    assert said.startswith("0 rows came in, 3 stay in quarantine; 3 of them were kept only in part")
    assert watch.counts["quarantined"] == 3


def test_single_rows_are_tried_alone(context: Context, tmp_path: Path) -> None:
    watch = Watch(context, tmp_path, ", key: [id]")
    watch.pull("1,2025-03-01,5", f"2,{ahead(days=3)},6", f"3,{ahead(days=3)},7")
    watch.later(days=5)
    first = min(q["quarantine_id"] for q in watch.aside)
    assert watch.readmit(first)["counts"]["stored"] == 1
    assert watch.counts["quarantined"] == 1


def test_its_truth_is_learnt_with_the_row(context: Context, tmp_path: Path) -> None:
    watch = Watch(context, tmp_path, ", key: [id], label: load")
    watch.pull("1,2025-03-01,0", f"2,{ahead(days=3)},1")
    watch.later(days=5)
    watch.readmit()
    with context.database.read() as session:
        said = session.execute(sa.select(tables.labels.c.source_key, tables.labels.c.value)).all()
    assert sorted(tuple(r) for r in said) == [("1", 0), ("2", 1)]


def test_a_row_of_an_erased_entity_stays_out(context: Context, tmp_path: Path) -> None:
    watch = Watch(context, tmp_path, ", key: [id], entity: load")
    watch.pull("1,2025-03-01,5", f"2,{ahead(days=3)},6")
    watch.later(days=5)
    with context.database.write() as session:
        monitor_id = monitors.named(session, "a").monitor_id
        erasures.record(session, scope_of(monitor_id), "6", "ana", context.now(), [])
    assert watch.readmit()["message"] == "0 rows came in, 1 known already"
    assert watch.counts == {"pulled": 2, "stored": 1, "quarantined": 0, "known": 1}


def test_a_row_does_not_come_in_anew_once_it_stays_for_another_reason(
    context: Context, tmp_path: Path
) -> None:
    watch = Watch(context, tmp_path, ", key: [id]")
    watch.pull("1,2025-03-01,5", "2,soon,6")
    watch.readmit()
    (tmp_path / "1.csv").write_text("id,at,load\n1,2025-03-01,5\n2,soon,6\n3,2025-03-01,7\n")
    run_now(watch.context, "pull", "a", "tester")
    assert watch.counts["quarantined"] == 1


def test_a_monitor_without_fields_says_what_to_do(context: Context, tmp_path: Path) -> None:
    watch = Watch(context, tmp_path)
    (tmp_path / "1.csv").write_text("a,b\n1\n2\n")
    os.utime(tmp_path / "1.csv", (1.7e9, 1.7e9))
    run_now(context, "pull", "a", "tester")
    with pytest.raises(MonitorError, match="has stored no row yet; correct and apply"):
        watch.readmit()
