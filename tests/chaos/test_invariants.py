"""The invariants see what they are there for: each of these wounds is named."""

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor.jobs.context import Context
from monitor.scheduling.manual import run_now
from monitor.settings import Settings
from monitor.storage.database import Database
from tests.chaos.ground import NAME, ground
from tests.chaos.invariants import World, broken, unfinished

WOUNDS = {
    "pulled": [
        "DELETE FROM readings_boiler WHERE reading_id = (SELECT max(reading_id) FROM readings_boiler)",
        "UPDATE monitors SET pulled = pulled + 1",
        "UPDATE monitors SET stored = stored + 1, pulled = pulled + 1",
        "DELETE FROM quarantine",
    ],
    "keyed": [
        "UPDATE readings_boiler SET revision = 3 WHERE source_key = '7'",
        "UPDATE readings_boiler SET superseded_at = ingested_at WHERE source_key = '5'",
    ],
    "scored": [
        "DELETE FROM scores WHERE reading_id = (SELECT min(reading_id) FROM scores)",
        "INSERT INTO scores SELECT reading_id, version_id + 1, score, p_value, scored_at FROM scores LIMIT 1",
        "UPDATE versions SET scored_through = scored_through - 1",
        "UPDATE score_bins SET flagged = flagged + 1",
        "UPDATE scores SET p_value = 2 WHERE reading_id = (SELECT min(reading_id) FROM scores)",
    ],
    "grouped": [
        "DELETE FROM alert_members WHERE outlier_id = (SELECT max(outlier_id) FROM outliers)",
        "UPDATE alerts SET members = members + 1",
    ],
    "told": [
        "DELETE FROM notifications WHERE notification_id = 1",
        "UPDATE notifications SET idempotency_key = 'x' WHERE notification_id = 1",
        "UPDATE notifications SET state = 'sent', idempotency_key = 'y' WHERE notification_id = 1",
    ],
    "trail": [
        "UPDATE audit SET actor = 'nobody'",
        "DELETE FROM audit",
    ],
    "published": [
        "UPDATE versions SET bundle = substr(bundle, 1, 1000)",
        "UPDATE versions SET state = 'retired'",
    ],
    "leased": [
        "UPDATE runs SET state = 'running' WHERE run_id = 1",
        "UPDATE leases SET run_id = 1",
        "UPDATE runs SET finished_at = '2020-01-01 00:00:00.000000' WHERE state = 'done'",
    ],
}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> tuple[Path, World]:
    """A database after a pull, a training, scores, alerts and a notification."""
    folder = tmp_path_factory.mktemp("healthy")
    shutil.copy(sqlite_template, folder / "monitor.db")
    context = opened(folder / "monitor.db")
    with ground(context, folder, seed=1) as made:
        made.feed(2, bad=2)
        made.learn()
        made.feed(30, odd=3)
        for job in ("pull", "score", "notify"):
            run_now(context, job, None if job == "notify" else NAME, "chaos")
        assert broken(context, made.world) + unfinished(context, made.world) == []
        assert made.world.accepted
    context.close()  # what was written is then in the one file
    return folder / "monitor.db", made.world


def opened(path: Path) -> Context:
    url = f"sqlite:///{path}"
    return Context(Settings(home=path.parent, database_url=url), Database(url))


@pytest.mark.parametrize(("check", "wound"), [(c, w) for c, each in WOUNDS.items() for w in each])
def test_a_wound_is_named_by_the_invariant_it_breaks(
    healthy: tuple[Path, World], tmp_path: Path, check: str, wound: str
) -> None:
    shutil.copy(healthy[0], tmp_path / "monitor.db")
    _hurt(tmp_path / "monitor.db", wound)
    context = opened(tmp_path / "monitor.db")
    found = broken(context, healthy[1])
    context.close()
    assert check in {words.split(":")[0] for words in found}, found


UNDONE = {
    "1 notifications are not sent": "UPDATE notifications SET state = 'pending' WHERE notification_id = 1",
    "rows up to": "UPDATE versions SET scored_through = scored_through - 1",
    "lines are read": "UPDATE monitors SET cursor = '{}'",
    "leases are held": "UPDATE leases SET run_id = 1",
}


@pytest.mark.parametrize("words", UNDONE)
def test_what_is_left_undone_is_named(healthy: tuple[Path, World], tmp_path: Path, words: str) -> None:
    shutil.copy(healthy[0], tmp_path / "monitor.db")
    _hurt(tmp_path / "monitor.db", UNDONE[words])
    context = opened(tmp_path / "monitor.db")
    found = unfinished(context, healthy[1])
    context.close()
    assert words in "\n".join(found)


def _hurt(path: Path, wound: str) -> None:
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)  # foreign keys are not looked at
    with engine.begin() as connection:
        assert connection.exec_driver_sql(wound).rowcount, wound
