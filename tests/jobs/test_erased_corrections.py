"""A row that was corrected to or from an erased entity goes in every revision: its key begins anew."""

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
import seed
import sqlalchemy as sa

from monitor.domain.monitor import Document
from monitor.jobs import erase, hold
from monitor.jobs.apply import apply
from monitor.jobs.context import Context
from monitor.scheduling import run_now
from monitor.storage import erasing, tables

START = pd.Timestamp("2026-03-01", tz="UTC")
SHARED = 8  # the reading that is the first revision of key 7, of card3


def pull(context: Context, path: Path, *lines: str) -> int:
    """Rows stored of what was added to the source."""
    with path.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)
    return int(run_now(context, "pull", "m", "ana")["counts"]["stored"])


@pytest.fixture
def source(context: Context, tmp_path: Path) -> Path:
    """Forty rows of four cards, of which row 7 of card3 was corrected to be of ``typo``."""
    path = tmp_path / "x.csv"
    at = pd.date_range(START, periods=40, freq="min").astype(str)
    who = [f"card{n % 4}" for n in range(40)]
    pd.DataFrame({"id": range(40), "at": at, "who": who, "load": [n % 7 + 0.5 for n in range(40)]}).to_csv(
        path, index=False
    )
    part = {"name": "m", "kind": "tabular", "entity": "who", "key": ["id"], "time": "at"}
    part |= {"source": {"kind": "files", "path": str(path)}}
    apply(context, Document.model_validate({"monitors": [part]}), "ana")
    pull(context, path)
    assert pull(context, path, f"7,{START},typo,1.5") == 1
    return path


def readings(context: Context) -> pd.DataFrame:
    with context.database.read() as session:
        return pd.read_sql(
            sa.text("select reading_id, source_key, revision, entity, superseded_at from readings_m"),
            session.connection(),
        )


@pytest.mark.parametrize("erased", ["typo", "card3"])
def test_a_key_begins_anew_and_no_row_is_left_without_what_replaced_it(
    context: Context, source: Path, erased: str
) -> None:
    shared = seed.reading_id(1, SHARED)
    with context.database.write() as session:
        session.execute(
            sa.insert(tables.scores).values(
                reading_id=shared, version_id=1, score=1.0, p_value=0.5, scored_at=context.now()
            )
        )
    planned = erase.erase(context, erased, "ana").counts
    done = erase.erase(context, erased, "ana", yes=True).counts
    assert planned == done == {"readings_m": 2 if erased == "typo" else 11, "scores": 1}
    left = readings(context)
    assert left["superseded_at"].isna().all() and not (left["entity"] == erased).any()
    other = "card3" if erased == "typo" else "typo"
    assert pull(context, source, f"7,{START},{other},2.5", f"99,{START},card1,2.0") == 2
    found = readings(context)
    assert found.loc[~found["reading_id"].isin(left["reading_id"]), "revision"].tolist() == [1, 1]


def test_what_was_told_of_another_revision_goes_and_other_alerts_stay(context: Context, source: Path) -> None:
    assert pull(context, source, f"11,{START},typo,1.5") == 1
    now = context.now()
    with context.database.write() as session:
        s = seed.Seed(session, now)
        s.versions[1] = 1
        part = [seed.part("load", 1.0, 90.25, 50.0)]
        first, second, own = (
            seed.Flag(seed.reading_id(1, n), now, 1e-5, part, 77.5) for n in (SHARED, SHARED + 4, SHARED + 8)
        )
        told = ("load is 90.25", "load")
        alone, both = (s.alert(1, "default", "card3", flags, 2, *told) for flags in ([first], [second, own]))
        s.flush()
    erase.erase(context, "typo", "ana", yes=True)
    o = tables.outliers.c
    with context.database.read() as session:
        alerts = {r.alert_id: (r.state, r.entity, r.why) for r in session.execute(sa.select(tables.alerts))}
        values = session.execute(sa.select(o.entity, o.value, o.explanation).order_by(o.reading_id)).all()
    assert alerts[alone] == ("closed", "erased-1", "erased")
    assert alerts[both] == ("open", "card3", "load is 90.25")
    assert values == [("erased-1", None, [])] * 2 + [("card3", 77.5, part)]


def test_a_hold_on_who_had_the_row_too_refuses_the_erasure(context: Context, source: Path) -> None:
    until = context.now() + timedelta(days=1)
    hold.add(context, "ana", entity="card3", reason="court", until=until)
    with pytest.raises(erase.Held, match="court"):
        erase.erase(context, "typo", "ana", yes=True)
    assert len(readings(context)) == 41
    assert erase.erase(context, "card1", "ana", yes=True).counts == {"readings_m": 10}


def test_models_are_asked_for_every_revision(context: Context, source: Path) -> None:
    """What goes from the tables has to go from the models now: nobody could find it there later."""
    with context.database.read() as session:
        place = erasing.places(session, None)[0]
        found = erasing.rows(session, place, "typo")
        others = erasing.beside(session, place, "typo")
    assert sorted(found["entity"]) == ["card3", "typo"]
    assert others["entity"].tolist() == ["card3"] * 9
