"""The files in examples/ run as their first lines say."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor.jobs.apply import apply
from monitor.jobs.configuration import load
from monitor.jobs.context import Context
from monitor.scheduling import run_now

EXAMPLES = Path(__file__).parents[2] / "examples"


def pulled(context: Context, file: Path) -> dict[str, int]:
    document = load(file)
    apply(context, document, "ana")
    return run_now(context, "pull", document.monitors[0].name, "ana")["counts"]


def test_every_example_is_without_fault() -> None:
    files = sorted(EXAMPLES.glob("*.yaml"))
    assert files
    for file in files:
        load(file)


def test_the_csv_example_reads_its_samples_each_once(context: Context, tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, EXAMPLES / "boiler.py", "2026-03-04"], capture_output=True, check=True
    )
    (tmp_path / "boiler.csv").write_bytes(made.stdout)
    (tmp_path / "csv.yaml").write_text((EXAMPLES / "csv.yaml").read_text())
    counts = pulled(context, tmp_path / "csv.yaml")
    assert counts == {"pulled": 5760, "stored": 5760, "quarantined": 0, "known": 0}
    assert run_now(context, "pull", "boiler", "ana")["counts"]["pulled"] == 0


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_postgres_example_reads_its_table(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    with context.database.engine.begin() as connection:
        for statement in (EXAMPLES / "postgres.sql").read_text().split(";"):
            if statement.strip():
                connection.execute(sa.text(statement))
    monkeypatch.setenv("PAYMENTS_URL", context.settings.url)
    counts = pulled(context, EXAMPLES / "postgres.yaml")
    assert counts == {"pulled": 3006, "stored": 3006, "quarantined": 0, "known": 0}
