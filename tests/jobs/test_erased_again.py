"""A backup that is older than an erasure does not bring the entity back."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import test_erase
from test_erase import NAME, everything, learn, talk

from monitor.domain.errors import ModelDropped
from monitor.domain.monitor import Document
from monitor.jobs import backup, erase, hold
from monitor.jobs.apply import apply
from monitor.jobs.context import Context
from monitor.scheduling import run_now
from monitor.storage import audit, erasures, keys, monitors, tables, versions

pulled = test_erase.pulled


@pytest.fixture
def saved(pulled: Context, tmp_path: Path) -> Path:
    """A backup with Zoë in every table and in a model."""
    learn(pulled)
    talk(pulled)
    backup.make(pulled, tmp_path / "a.backup", "ana")
    return tmp_path / "a.backup"


def read_anew(context: Context) -> dict[str, int]:
    """Pull as if nothing of the source had been read."""
    with context.database.write() as session:
        session.execute(sa.update(tables.monitors).values(cursor={}))
    counts: dict[str, int] = run_now(context, "pull", "machines", "ana")["counts"]
    return counts


def test_who_was_erased_since_the_backup_is_erased_again_with_the_restore(
    pulled: Context, saved: Path
) -> None:
    erase.erase(pulled, NAME, "ana", yes=True)
    done = backup.restore(pulled, saved, "ben", yes=True)
    assert (done.erased, done.unknown) == (1, 0)
    text = everything(pulled)
    for word in (NAME, "Zo\\u00eb", "Baker Street", "90.25"):
        assert word not in text, [line for line in text.splitlines() if word in line][:3]
    with pulled.database.read() as session:
        assert audit.verify(session).broken is None
        lines = [(e.action, e.actor) for e in audit.about(session, ["database", "erasure:1"])]
        assert session.scalar(sa.text("select count(*) from readings_machines")) == 270
        done_to_it = {e.action for e in audit.about(session, ["monitor:machines"])}
    assert sorted(lines) == [("database.restored", "ben"), ("entity.erased", "ben")]
    assert "version.rewritten" in done_to_it
    assert read_anew(pulled)["stored"] == 0
    assert NAME not in everything(pulled)


def test_a_hold_that_was_released_before_the_erasure_does_not_stand_against_it(
    pulled: Context, tmp_path: Path
) -> None:
    number = hold.add(pulled, "ana", entity=NAME, reason="court", until=pulled.now() + timedelta(days=1))
    backup.make(pulled, tmp_path / "a.backup", "ana")
    hold.release(pulled, "ana", number)
    erase.erase(pulled, NAME, "ana", yes=True)
    assert backup.restore(pulled, tmp_path / "a.backup", "ana", yes=True).erased == 1
    assert NAME not in everything(pulled)


def test_an_erasure_of_one_monitor_is_done_again_in_that_one_alone(pulled: Context, tmp_path: Path) -> None:
    with pulled.database.read() as session:
        config = monitors.listed(session)[0].config
    both = [config, config.model_copy(update={"name": "others"})]
    apply(pulled, Document(monitors=both), "ana")
    run_now(pulled, "pull", "others", "ana")
    backup.make(pulled, tmp_path / "a.backup", "ana")
    late = config.model_copy(update={"name": "late"})
    apply(pulled, Document(monitors=[*both, late]), "ana")
    run_now(pulled, "pull", "late", "ana")
    for name in ("others", "late"):
        erase.erase(pulled, NAME, "ana", monitor=name, yes=True)
    done = backup.restore(pulled, tmp_path / "a.backup", "ana", yes=True)
    assert (done.erased, done.unknown) == (1, 1)
    count = "select count(*) from readings_{} where entity = :name"
    with pulled.database.read() as session:
        left = [session.scalar(sa.text(count.format(n)), {"name": NAME}) for n in ("machines", "others")]
        assert left == [30, 0]
        assert session.scalar(sa.select(sa.func.count()).select_from(tables.erasures)) == 1


def test_keys_of_two_installations_both_know_their_entities(pulled: Context, saved: Path) -> None:
    erase.erase(pulled, "not here", "ana", yes=True)
    erase.erase(pulled, NAME, "ana", yes=True)
    with pulled.database.write() as session:
        mine = keys.found(session, erasures.KEY)
        session.execute(sa.delete(tables.keys))
        session.execute(sa.delete(tables.erasures))
        keys.drawn(session, erasures.KEY, pulled.now())
        erasures.record(session, "all", "c3", "eve", pulled.now(), [])
    backup.make(pulled, saved.with_name("b.backup"), "ana")  # of an installation with a key of its own
    with pulled.database.write() as session:
        session.execute(sa.delete(tables.keys))
        session.execute(sa.delete(tables.erasures))
        assert mine is not None
        keys.keep(session, erasures.KEY, mine.hex(), pulled.now())
        for name in (NAME, "not here"):
            erasures.record(session, "all", name, "ana", pulled.now(), [])
    backup.restore(pulled, saved.with_name("b.backup"), "ana", yes=True)
    with pulled.database.read() as session:
        erased = erasures.of(session, 1)
    assert erased is not None
    assert erased.among({NAME, "not here", "c3", "c4"}) == {NAME, "not here", "c3"}


def test_a_model_whose_rows_cannot_be_told_is_emptied_again(pulled: Context, tmp_path: Path) -> None:
    learn(pulled)
    learn(pulled)
    with pulled.database.write() as session:
        session.execute(sa.update(tables.monitors).values(pruned_through=pulled.now()))
    backup.make(pulled, tmp_path / "a.backup", "ana")
    erase.erase(pulled, NAME, "ana", yes=True)
    backup.restore(pulled, tmp_path / "a.backup", "ana", yes=True)
    with pulled.database.read() as session:
        with pytest.raises(ModelDropped):
            versions.bundle(session, 1)
        assert list(erasures.pending(session).values()) == [[2]]


def test_a_restore_that_cannot_erase_again_changes_nothing(
    pulled: Context, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase.erase(pulled, NAME, "ana", yes=True)
    before = everything(pulled)

    def fail(*_: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(erase.erasing, "erase", fail)
    with pytest.raises(RuntimeError):
        backup.restore(pulled, saved, "ana", yes=True)
    assert everything(pulled) == before
