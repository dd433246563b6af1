"""What a table's columns are taken for, and why."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from monitor.domain.errors import SourceRefused
from monitor.domain.monitor import Document
from monitor.jobs.configuration import dump, parse
from monitor.jobs.propose import Proposal, commented, name_of, propose, source_of
from monitor.jobs.propose.address import Unclear

NOW = datetime(2026, 3, 10, tzinfo=UTC)
START = datetime(2026, 3, 1, tzinfo=UTC)


def look(tmp_path: Path, **columns: Any) -> Proposal:
    pd.DataFrame(columns).to_csv(tmp_path / "rows.csv", index=False)
    source, _ = source_of(str(tmp_path / "rows.csv"))
    return propose(source, "rows", NOW)


def every(seconds: float, rows: int) -> list[str]:
    return [(START + timedelta(seconds=seconds * n)).isoformat() for n in range(rows)]


def payments(rows: int = 400) -> dict[str, Any]:
    draw = np.random.default_rng(7)
    fraud = (np.arange(rows) % 10 == 0).astype(int)
    minutes = draw.exponential(3, rows).cumsum()
    return {
        "tx_id": draw.permutation(rows) + 1000,
        "booked_at": [(START + timedelta(minutes=m)).isoformat() for m in minutes],
        "card_id": [f"c{n}" for n in draw.integers(0, 40, rows)],
        "amount": draw.gamma(2, 20, rows).round(2),
        "country": draw.choice(["DE", "FR"], rows),
        "scenario": fraud * (1 + np.arange(rows) // 10 % 3),
        "is_fraud": fraud,
    }


def test_a_table_of_payments_is_taken_for_one(tmp_path: Path) -> None:
    proposal = look(tmp_path, **payments())
    m = proposal.monitor
    assert (m.kind, m.key, m.entity, m.label, m.value) == (
        "tabular",
        ["tx_id"],
        "card_id",
        "is_fraud",
        "amount",
    )
    assert m.time is not None
    assert m.time.field == "booked_at"
    assert [part for part, _ in proposal.reasons] == [
        "label", "exclude", "key", "time", "entity", "kind", "value", "alerts",
    ]  # fmt: skip
    assert {f.name for f in proposal.schema} == {"amount", "country"}


def test_a_column_that_gives_the_truth_away_is_left_out(tmp_path: Path) -> None:
    assert look(tmp_path, **payments()).monitor.fields.exclude == ["scenario"]


def test_truth_is_never_a_feature_and_a_rare_word_is_no_truth(tmp_path: Path) -> None:
    columns = payments() | {"is_fraud": ["yes", "no"] * 200}
    assert look(tmp_path, **columns).monitor.label is None


@pytest.mark.parametrize("units", [1, 3])
def test_rows_at_a_steady_pace_are_samples_of_a_sensor(tmp_path: Path, units: int) -> None:
    at = [t for t in every(60, 200) for _ in range(units)]
    load = np.random.default_rng(7).normal(50, 1, len(at)).round(3)
    unit = [f"pump {n}" for _ in range(200) for n in range(units)]
    m = look(tmp_path, timestamp=at, unit=unit, load=load, heat=load * 2).monitor
    assert (m.kind, m.entity) == ("sensor", "unit" if units > 1 else None)


def test_without_a_time_a_row_stands_alone(tmp_path: Path) -> None:
    m = look(tmp_path, a=[1.5, 2.5, 9.0] * 30, b=["x", "y", "z"] * 30).monitor
    assert (m.kind, m.time, m.key, m.entity) == ("tabular", None, [], None)


def test_a_proposal_reads_back_with_its_reasons_as_comments(tmp_path: Path) -> None:
    proposal = look(tmp_path, **payments())
    document = Document(monitors=[proposal.monitor])
    text = commented(dump(document), proposal.reasons)
    assert parse(text) == document
    for _, why in proposal.reasons:
        assert f"    # {why}\n" in text


def test_a_name_that_holds_a_line_break_stays_within_its_comment() -> None:
    text = commented(
        dump(parse("monitors: [{name: a, kind: tabular, source: {kind: host}}]")), [("kind", "a\nkind: b")]
    )
    assert parse(text).monitors[0].kind == "tabular"


def test_a_source_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="no rows to look at"):
        look(tmp_path, a=[])


@pytest.fixture
def shop(tmp_path: Path) -> str:
    with sqlite3.connect(tmp_path / "shop.db") as made:
        made.execute(
            "create table orders (id integer primary key, created_at timestamp, updated_at timestamp, total real)"
        )
        made.execute('create table "Odd name" (code text)')
        made.executemany(
            "insert into orders values (?, ?, ?, ?)",
            [(n, *every(60, 50)[n : n + 1] * 2, n * 1.5) for n in range(50)],
        )
    made.close()
    return f"sqlite:///{tmp_path / 'shop.db'}"


def test_a_table_is_read_along_its_change_and_its_key(shop: str) -> None:
    source, ((part, why),) = source_of(shop, table="orders")
    assert source == {
        "kind": "sql", "url": shop, "query": "select * from orders", "cursor": ["updated_at", "id"],
    }  # fmt: skip
    assert part == "source"
    assert "updated_at, and id tells rows of one moment apart" in why
    assert propose(source, name_of(shop, source), NOW).monitor.key == ["id"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "say which table with --table NAME; the database has: Odd name, orders"),
        ({"table": "nope"}, "there is no table 'nope'; the database has: Odd name, orders"),
        ({"table": "Odd name"}, "Odd name has neither a time nor a key of one column; say --cursor: code"),
        ({"query": "select 1"}, "a query needs --cursor"),
    ],
)
def test_what_cannot_be_told_is_asked_for(shop: str, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(Unclear, match=words):
        source_of(shop, **asked)


def test_a_name_that_needs_quotes_gets_them(shop: str) -> None:
    source, _ = source_of(shop, table="Odd name", cursor=["code"])
    assert source["query"] == 'select * from "Odd name"'
    assert name_of(shop, source) == "odd"


def test_a_password_written_out_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(Unclear, match="put it into the environment") as caught:
        source_of("postgresql://ana:hunter2@127.0.0.1:9/db")
    assert "hunter2" not in str(caught.value)


def test_an_address_may_come_from_the_environment(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP", shop)
    assert source_of("${SHOP}", table="orders")[0]["url"] == "${SHOP}"


def test_a_table_makes_no_sense_for_files() -> None:
    with pytest.raises(Unclear, match="is no address of a database"):
        source_of("rows.csv", table="orders")


@pytest.mark.parametrize(
    ("text", "name"),
    [("logs/Boiler 3-*.csv", "boiler-3"), ("s3://bucket/2026/a.parquet?x=1", "a"), ("2026.csv", "m-2026"),
     ("x" * 60 + ".csv", "x" * 40)],
)  # fmt: skip
def test_a_name_is_made_from_the_source(text: str, name: str) -> None:
    assert name_of(text, {"kind": "files"}) == name
