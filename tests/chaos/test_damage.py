"""Bytes that changed on their own: seen, refused with what to do, and the others go on."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor.domain.errors import MonitorError
from monitor.jobs.context import Context
from monitor.scheduling.manual import run_now
from monitor.settings import Settings
from monitor.storage import tables, versions
from monitor.storage.database import Database
from tests.chaos.ground import NAME, ground

V = tables.versions.c


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """A folder with an installation that has a champion and rows that wait for their scores."""
    folder = tmp_path_factory.mktemp("learnt")
    shutil.copy(sqlite_template, folder / "monitor.db")
    context = _opened(folder)
    with ground(context, folder, seed=1) as made:
        made.learn()
        made.feed(30)
        run_now(context, "pull", NAME, "tester")
        made.candidate()
    context.close()
    return folder


def _opened(folder: Path) -> Context:
    url = f"sqlite:///{folder / 'monitor.db'}"
    return Context(Settings(home=folder, database_url=url), Database(url))


@pytest.fixture
def context(learnt: Path, tmp_path: Path) -> Iterator[Context]:
    """A copy of it."""
    shutil.copy(learnt / "monitor.db", tmp_path / "monitor.db")
    made = _opened(tmp_path)
    yield made
    made.close()


def version_in(context: Context, state: str) -> versions.Version:
    with context.database.read() as session:
        number = session.scalar(sa.select(V.version_id).where(V.state == state))
        assert number is not None
        return versions.get(session, number)


def flip(context: Context, version: versions.Version) -> None:
    """Change one byte in the middle of a version's bundle."""
    with context.database.write() as session:
        blob = bytearray(session.scalar(sa.select(V.bundle).where(V.version_id == version.version_id)) or b"")
        blob[len(blob) // 2] ^= 0xFF
        session.execute(
            sa.update(tables.versions).where(V.version_id == version.version_id).values(bundle=bytes(blob))
        )


def scored(context: Context) -> int:
    with context.database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(tables.scores)) or 0


def test_a_damaged_champion_scores_nothing_and_says_what_to_do(context: Context) -> None:
    before = scored(context)
    flip(context, version_in(context, "champion"))
    with pytest.raises(
        MonitorError, match=r"the model of v1 is damaged.*promote another version or train again"
    ):
        run_now(context, "score", NAME, "tester")
    assert scored(context) == before


def test_a_damaged_champion_does_not_keep_its_successor_out(context: Context) -> None:
    candidate = version_in(context, "candidate")
    flip(context, version_in(context, "champion"))
    said = run_now(context, "promote", NAME, "tester", counts={"version_id": candidate.version_id})["message"]
    assert "v2 promoted by the gate: the model of v1 is damaged" in said
    assert version_in(context, "champion").number == 2
    assert run_now(context, "score", NAME, "tester")["counts"]["scored"] == 30


@pytest.mark.parametrize("by_hand", [False, True], ids=["by the gate", "by hand"])
def test_a_damaged_candidate_never_takes_over(context: Context, by_hand: bool) -> None:
    candidate = version_in(context, "candidate")
    flip(context, candidate)
    with pytest.raises(MonitorError, match="the model of v2 is damaged"):
        run_now(
            context,
            "promote",
            NAME,
            "tester",
            counts={"version_id": candidate.version_id, "by_hand": by_hand},
        )
    assert version_in(context, "champion").number == 1
    assert run_now(context, "score", NAME, "tester")["counts"]["scored"] == 30


def test_a_damaged_database_is_refused_with_what_to_do(context: Context, tmp_path: Path) -> None:
    context.close()
    _overwrite(tmp_path / "monitor.db", "readings_boiler")
    with pytest.raises(MonitorError, match=r"the database file is damaged.*go on with the last backup"):
        run_now(context, "score", NAME, "tester")
    done = subprocess.run(
        [sys.executable, "-m", "monitor", "score", NAME],
        env=os.environ | {"MONITOR_HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "the database file is damaged" in done.stderr
    assert "Traceback" not in done.stderr


def _overwrite(path: Path, table: str) -> None:
    """Change the first bytes of the page that a table begins with."""
    connection = sqlite3.connect(path)
    [root] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    [size] = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * 64)
