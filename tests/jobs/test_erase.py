"""An erased entity is in no table, no text, no model and no file, and it does not come back."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import seed
import sqlalchemy as sa

from monitor.detection.bundle import Bundle
from monitor.detection.detector import Detector
from monitor.domain.errors import ModelDropped, Superseded
from monitor.domain.monitor import Document
from monitor.domain.run import Request
from monitor.domain.version import GATE, Step
from monitor.jobs import erase, hold, review, score
from monitor.jobs.apply import apply
from monitor.jobs.context import Context
from monitor.scheduling import run_now
from monitor.storage import audit, erasing, keys, leases, monitors, outbox, runs, tables, versions

NAME, OTHER = "Zoë-4711", "c7"
FIELDS = ["load", "heat"]


def csv(folder: Path) -> Path:
    """300 rows of ten machines, of which Zoë's stand apart, and two bad ones of hers."""
    rng = np.random.default_rng(0)
    who = [NAME if n % 10 == 0 else f"c{n % 10}" for n in range(300)]
    load = np.where(np.array(who) == NAME, rng.normal(90, 1, 300), rng.normal(50, 5, 300)).round(6)
    heat = (load * 0.8 + rng.normal(0, 1, 300)).round(6)
    frame = pd.DataFrame({"id": range(300), "who": who, "load": load, "heat": heat,
                          "odd": [n % 10 == 0 for n in range(300)],
                          "at": pd.date_range("2026-03-01", periods=300, freq="min", tz="UTC")})  # fmt: skip
    path = folder / "rows.csv"
    path.write_text(frame.to_csv(index=False) + f"900,{NAME},much,1,False,2026-03-02T00:00:00Z\n"
                    f"901,{NAME},1,2,3\n902,c1,much,1,False,2026-03-02T00:00:00Z\n")  # fmt: skip
    return path


@pytest.fixture
def pulled(context: Context, tmp_path: Path) -> Context:
    part = {
        "name": "machines",
        "kind": "tabular",
        "entity": "who",
        "key": ["id"],
        "time": "at",
        "label": "odd",
    }
    source = {"source": {"kind": "files", "path": str(csv(tmp_path))}}
    apply(context, Document.model_validate({"monitors": [part | source]}), "ana")
    run_now(context, "pull", "machines", "ana")
    return context


def learn(context: Context, *, contaminated: bool = True, state: str = "champion") -> int:
    with context.database.write() as session:
        place = erasing.places(session, None)[0]
        frame = pd.concat(
            [erasing.rows(session, place, who) for who in (NAME, *(f"c{n}" for n in range(1, 10)))]
        )
        detector = Detector(objective="vanilla", contaminated=contaminated).fit(frame[FIELDS])
        manifest = {"from": frame["event_at"].min().isoformat(), "left_out_rows": []}
        version_id = versions.add(session, 1, detector.to_bytes(), context.now(), objective="vanilla",
                                  manifest=manifest, facts={}, trained_through=1)  # fmt: skip
        if state == "champion":
            versions.promote(
                session, versions.get(session, version_id), Step("promoted", GATE, context.now(), "first")
            )
    return version_id


def talk(context: Context) -> str:
    """Alerts of Zoë and of another with notes, a mute, messages, a hold that is over, texts that name her."""
    now = context.now()
    with context.database.write() as session:
        s = seed.Seed(session, now)
        s.versions[1] = 1
        ids = {}
        for n, who in enumerate((NAME, OTHER)):
            seen = seed.part("load", 1.0, 90.25 - n, 50.0)
            flag = seed.Flag(seed.reading_id(1, 1 + 7 * n), now, 1e-5, [seen], 77.5 - n)
            ids[who] = s.alert(
                1, "default", who, [flag], 2, f"load of {who} is {90.25 - n}", f"load of {who}"
            )
        s.flush()
        public = {who: session.scalar(sa.select(tables.alerts.c.public_id).where(tables.alerts.c.alert_id == i))
                  for who, i in ids.items()}  # fmt: skip
        review.note(session, ids[NAME], "ana", now, "n1", "lives in Baker Street")
        review.note(session, ids[OTHER], "ana", now, "n2", f"same card as {NAME}, it seems")
        review.review(session, ids[OTHER], "true", "ana", now, "r2", note=f"told by {NAME}")
        mute = {
            "monitor_id": 1,
            "entity": NAME,
            "reason": f"{NAME} asked",
            "actor": "ana",
            "starts_at": now,
            "ends_at": now,
        }
        session.execute(sa.insert(tables.suppressions).values(**mute))
        outbox.enqueue(session, 1, ["desk", "mail"], now)
        session.execute(sa.update(tables.notifications).where(tables.notifications.c.channel == "mail")
                        .values(state="dead", error=f"desk: no such mailbox {NAME}"))  # fmt: skip
        session.execute(sa.update(tables.runs).values(message=f"1 new rows; labels such as '{NAME}'"))
        session.execute(sa.update(tables.monitors).values(notices=[f"1 labels such as '{NAME}'"]))
    number = hold.add(context, "ana", entity=NAME, reason=f"{NAME} sues", until=now + timedelta(days=1))
    hold.release(context, "ana", number)
    return str(public[NAME])


def everything(context: Context) -> str:
    """All that the database holds, as text; models opened."""
    parts = []
    with context.database.engine.connect() as connection:
        for name in sa.inspect(connection).get_table_names():
            table = tables.metadata.tables.get(name)
            query = sa.select(table) if table is not None else sa.text(f'select * from "{name}"')
            parts += [f"{name}: {tuple(r)}" for r in connection.execute(query)]
    return "\n".join(parts)


def test_nothing_of_an_erased_entity_is_left_and_the_trail_is_whole(pulled: Context) -> None:
    learn(pulled)
    public_id = talk(pulled)
    before = everything(pulled)
    assert before.count(NAME) > 40
    planned = erase.erase(pulled, NAME, "ana")
    assert everything(pulled) == before, "without yes nothing changes"
    done = erase.erase(pulled, NAME, "ana", yes=True)
    assert (planned.counts, planned.models) == (done.counts, done.models)
    after = everything(pulled)
    for word in (NAME, "Zo\\u00eb", "Baker Street", "90.25", "77.5"):
        assert word not in after, [line for line in after.splitlines() if word in line][:3]
    assert done.counts["readings_machines"] == 30
    assert done.counts["quarantine"] == 2
    assert done.counts["labels"] == 30
    with pulled.database.read() as session:
        chain = audit.verify(session)
        assert chain.broken is None
        closed = session.execute(sa.select(tables.alerts).where(tables.alerts.c.public_id == public_id)).one()
        assert (closed.state, closed.entity, closed.why) == ("closed", f"erased-{done.erasure_id}", "erased")
        assert session.scalar(sa.text("select count(*) from readings_machines")) == 270
        counters = session.execute(
            sa.select(*[tables.monitors.c[n] for n in ("pulled", "stored", "quarantined", "known")])
        )
        total, *parts = counters.one()
        assert total == sum(parts) == 303
        last = audit.about(session, [f"erasure:{done.erasure_id}"])[0]
        assert (last.action, last.actor) == ("entity.erased", "ana")
    if pulled.database.dialect == "sqlite":
        pulled.database.close()
        file = Path(str(pulled.database.url.database))
        for part in (file, file.with_name(f"{file.name}-wal")):
            assert not part.exists() or NAME.encode() not in part.read_bytes(), "freed pages are written over"


UNREACHED = {  # as README says: configuration, names of people, places in the source
    "monitors": {"name", "document", "fields", "cursor"},
    "config_revisions": {"actor", "origin", "document"},
    "channels": {"name", "document"},
    "queues": {"name", "title"},
}
OURS = {  # words of the product's own: keys, states, hashes, figures; or, as entity, filled in by ``talk``
    "actor", "owner", "undone_by", "released_by", "entity", "state", "kind", "scope", "job", "slot", "worker", "holder",
    "fingerprint", "objective", "sha256", "manifest", "facts", "public_id", "queue", "verdict",
    "fields", "action_key", "source_key", "channel", "idempotency_key", "alert", "digest", "pending",
}  # fmt: skip
APART = {
    "audit",
    "erasures",
    "keys",
    "labels",
    "leases",
}  # a line of the trail is added below; the others hold no text
TEXTS = [
    column
    for table in tables.metadata.sorted_tables
    if table.name not in APART
    for column in table.columns
    if isinstance(column.type, sa.Text | sa.JSON)
    and column.name not in OURS | UNREACHED.get(table.name, set())
]


def test_no_text_of_any_table_names_an_erased_entity(pulled: Context) -> None:
    learn(pulled)
    talk(pulled)
    said = {"reason": f"{NAME} asked", "at": None}
    json = {"runs": {"why": f"{NAME} asked", "by_hand": True}, "versions": {**said, "earlier": [said]}}
    with pulled.database.write() as session:
        for column in TEXTS:
            texts = (
                json.get(column.table.name, [said])
                if isinstance(column.type, sa.JSON)
                else f"of {NAME}, he says"
            )
            value = {"note": NAME} if column.name == "detail" else texts
            filled = session.execute(sa.update(column.table).values({column: value}))
            assert filled.rowcount, f"{column} has no row to be filled"
        audit.append(session, pulled.now(), "ana", "version.promoted", "monitor:machines", said)
    assert {str(c) for c in TEXTS} > {
        "versions.decision",
        "runs.counts",
        "outliers.explanation",
        "alerts.why",
    }
    done = erase.erase(pulled, NAME, "ana", yes=True)
    after = everything(pulled).splitlines()
    assert [line for line in after if NAME in line or "Zo\\u00eb" in line] == []
    with pulled.database.read() as session:
        steps = session.scalars(sa.select(tables.versions.c.decision)).one()
        assert [steps["reason"], steps["earlier"][0]["reason"]] == [f"erased-{done.erasure_id} asked"] * 2
        assert audit.verify(session).broken is None


def test_a_removed_monitors_lines_of_the_trail_lose_the_name_too(pulled: Context) -> None:
    with pulled.database.write() as session:
        said = {"reason": f"{NAME} asked"}
        audit.append(session, pulled.now(), "ana", "version.pinned", "monitor:machines", said)
    apply(pulled, Document(), "ana", yes=True)
    done = erase.erase(pulled, NAME, "ana", yes=True)
    assert done.counts["audit"] == 1
    assert NAME not in everything(pulled)
    with pulled.database.read() as session:
        assert audit.verify(session).broken is None


def test_a_model_that_became_champion_meanwhile_is_not_emptied(
    pulled: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(pulled)
    late = learn(pulled, state="candidate")
    with pulled.database.write() as session:
        session.execute(
            sa.update(tables.monitors).values(pruned_through=pulled.now())
        )  # its rows were dropped
    look = erase._unsure

    def promoted(place: erasing.Place, version: versions.Version) -> bool:
        if version.version_id == late:
            with pulled.database.write() as session:
                versions.promote(session, version, Step("promoted", GATE, pulled.now(), "better"))
        return look(place, version)

    monkeypatch.setattr(erase, "_unsure", promoted)
    done = erase.erase(pulled, NAME, "ana", yes=True)
    assert done.models["machines v2"] == erase.WAITS
    with pulled.database.read() as session:
        champion = versions.champion(session, 1)
        assert champion is not None and champion.version_id == late
        assert versions.bundle(session, late)
        assert session.scalar(sa.select(tables.erasures.c.pending)) == [1, late]


def test_a_model_that_changed_meanwhile_is_gone_through_again(
    pulled: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    version_id = learn(pulled, contaminated=False)  # a contaminated one keeps no row as odd as Zoë's
    look, others = erase._unsure, iter([OTHER])

    def erased_too(place: erasing.Place, version: versions.Version) -> bool:
        for other in others:
            erase.erase(pulled, other, "ben", yes=True)
        return look(place, version)

    monkeypatch.setattr(erase, "_unsure", erased_too)
    with pulled.database.read() as session:
        frame = erasing.rows(session, erasing.places(session, None)[0], OTHER)
    assert erase.erase(pulled, NAME, "ana", yes=True).models["machines v1"].endswith("rows taken out")
    with pulled.database.read() as session:
        left = versions.bundle(session, version_id)
    assert erase.forgotten(left, frame)[1] == 0, "what the other erasure took out did not come back"


def test_newest_rows_that_are_erased_leave_nothing_to_score(pulled: Context, tmp_path: Path) -> None:
    learn(pulled)
    run_now(pulled, "score", "machines", "ana")
    with (tmp_path / "rows.csv").open("a") as file:
        file.write(f"1000,{NAME},1,1,False,2026-03-02T00:00:00Z\n")
    run_now(pulled, "pull", "machines", "ana")
    erase.erase(pulled, NAME, "ana", yes=True)
    with pulled.database.read() as session:
        assert versions.behind(session, 1)
    counts = run_now(pulled, "score", "machines", "ana")["counts"]
    with pulled.database.read() as session:
        assert not versions.behind(session, 1)
    with (tmp_path / "rows.csv").open("a") as file:
        file.write("1001,c1,50,40,False,2026-03-02T00:01:00Z\n")
    run_now(pulled, "pull", "machines", "ana")
    assert (counts["scored"], run_now(pulled, "score", "machines", "ana")["counts"]["scored"]) == (0, 1)


def test_rows_that_came_since_the_look_ahead_are_not_passed(
    pulled: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(pulled)
    look = score._waiting
    monkeypatch.setattr(score, "_waiting", lambda context, stretch: look(context, stretch).iloc[:0])
    run_now(pulled, "score", "machines", "ana")
    with pulled.database.read() as session:
        assert versions.behind(session, 1)


def test_rows_that_wait_for_late_ones_are_not_passed(pulled: Context, tmp_path: Path) -> None:
    learn(pulled)
    with pulled.database.read() as session:
        config = monitors.listed(session)[0].config
    schedule = config.schedule.model_copy(update={"delay": timedelta(days=1)})
    apply(pulled, Document(monitors=[config.model_copy(update={"schedule": schedule})]), "ana")
    run_now(pulled, "score", "machines", "ana")
    with (tmp_path / "rows.csv").open("a") as file:
        file.write(f"1000,c1,50,40,False,{pulled.now() - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}\n")
    run_now(pulled, "pull", "machines", "ana")
    run_now(pulled, "score", "machines", "ana")
    with pulled.database.read() as session:
        assert versions.behind(session, 1)


def test_a_name_that_is_a_number_leaves_the_moments_of_decisions(pulled: Context) -> None:
    learn(pulled)
    with pulled.database.write() as session:
        decided = versions.listed(session, 1)[0]["decisions"]
        versions.set_pinned(
            session, versions.get(session, 1), Step("pinned", "ana", pulled.now(), f"{pulled.now():%m} asked")
        )
    erase.erase(pulled, f"{pulled.now():%m}", "ana", yes=True)
    with pulled.database.read() as session:
        kept = versions.listed(session, 1)[0]["decisions"]
    assert [(s.at, s.figures) for s in kept[:1]] == [(s.at, s.figures) for s in decided]
    assert kept[1].reason == "erased-1 asked"


def test_the_other_entitys_words_stay_but_for_the_name(pulled: Context) -> None:
    talk(pulled)
    done = erase.erase(pulled, NAME, "ana", yes=True)
    with pulled.database.read() as session:
        c = tables.alert_changes.c
        notes = [detail["note"] for detail in session.scalars(sa.select(c.detail).where(c.kind == "noted"))]
        assert sorted(notes) == ["erased", f"same card as erased-{done.erasure_id}, it seems"]
        kept = session.execute(sa.select(tables.reviews.c.note)).scalar_one()
        assert kept == f"told by erased-{done.erasure_id}"
        assert (
            session.scalar(sa.select(tables.outliers.c.value).where(tables.outliers.c.entity == OTHER))
            == 76.5
        )
        states = dict(
            session.execute(sa.select(tables.notifications.c.channel, tables.notifications.c.state)).all()
        )  # type: ignore[arg-type]
        assert states == {"desk": "dead", "mail": "dead"}


def test_a_line_that_lost_a_name_cannot_be_changed_any_further(pulled: Context) -> None:
    talk(pulled)
    erase.erase(pulled, NAME, "ana", yes=True)
    with pulled.database.write() as session:
        line = audit.about(
            session, [session.scalar(sa.text("select subject from audit where action='alert.noted'"))]
        )[-1]
        session.execute(sa.update(tables.audit).where(tables.audit.c.audit_id == line.audit_id)
                        .values(detail={"note": "something else"}))  # fmt: skip
    with pulled.database.read() as session:
        assert audit.verify(session).broken == line.audit_id


@pytest.mark.parametrize(("contaminated", "name"), [(True, "c1"), (False, NAME)])
def test_models_lose_the_entitys_rows_and_score_others_as_before(
    pulled: Context, contaminated: bool, name: str
) -> None:
    version_id = learn(pulled, contaminated=contaminated)
    with pulled.database.read() as session:
        place = erasing.places(session, None)[0]
        theirs, others = (erasing.rows(session, place, who)[FIELDS] for who in (name, OTHER))
        before = versions.bundle(session, version_id)
    done = erase.erase(pulled, name, "ana", yes=True)
    with pulled.database.read() as session:
        after = versions.bundle(session, version_id)
        sealed = audit.about(session, ["monitor:machines"])[0]
    assert (sealed.action, sealed.detail["version"]) == ("version.rewritten", 1)
    gone = {part: Bundle.from_bytes(before).arrays[part].shape[1] - array.shape[1]
            for part, array in Bundle.from_bytes(after).arrays.items() if part.endswith(".stored")}  # fmt: skip
    assert sum(gone.values()) == sealed.detail["rows"] > 10
    assert min(gone.values()) > 0
    assert list(done.models) == ["machines v1"]
    was, now = Detector.from_bytes(before), Detector.from_bytes(after)
    z = now._scorer.features.transform(theirs)  # type: ignore[union-attr]
    memory = next(a for n, a in Bundle.from_bytes(after).arrays.items() if n.endswith("memory.stored"))[0]
    assert np.abs(memory[:, None] - z[None]).max(2).min() > 0.001
    moved = (was.score(others)["p_value"] - now.score(others)["p_value"]).abs()
    assert moved.mean() < 0.05, moved
    again = erase.erase(pulled, name, "ana", yes=True)
    assert (again.models, again.counts) == ({}, {}), "nothing is left to do"


def test_rows_of_an_erased_entity_do_not_come_back(pulled: Context, tmp_path: Path) -> None:
    erase.erase(pulled, NAME, "ana", yes=True)
    with pulled.database.write() as session:
        session.execute(sa.update(tables.monitors).values(cursor={}))  # as if the whole source were read anew
    counts = run_now(pulled, "pull", "machines", "ana")["counts"]
    assert counts["pulled"] == counts["known"] + counts["quarantined"] + counts["stored"] == 303
    assert counts["stored"] == 0
    with (tmp_path / "rows.csv").open("a") as file:
        file.write(f"1000,{NAME},1,1,False,2026-03-02T00:00:00Z\n1001,c1,1,1,False,2026-03-02T00:00:00Z\n")
        file.write(f"1002,{NAME},much,1,False,2026-03-02T00:00:00Z\n")
    counts = run_now(pulled, "pull", "machines", "ana")["counts"]
    assert (counts["pulled"], counts["stored"], counts["known"] + counts["quarantined"]) == (3, 1, 2)
    assert NAME not in everything(pulled)


def test_an_entity_of_one_monitor_stays_in_another(pulled: Context, tmp_path: Path) -> None:
    with pulled.database.read() as session:
        config = monitors.listed(session)[0].config
    both = Document(monitors=[config, config.model_copy(update={"name": "others"})])
    apply(pulled, both, "ana")
    run_now(pulled, "pull", "others", "ana")
    erase.erase(pulled, NAME, "ana", monitor="machines", yes=True)
    with pulled.database.read() as session:
        kept = session.scalar(
            sa.text("select count(*) from readings_others where entity = :name"), {"name": NAME}
        )
    assert kept == 30


def test_held_rows_are_not_erased(pulled: Context) -> None:
    number = hold.add(pulled, "ana", entity=NAME, reason="court", until=pulled.now() + timedelta(days=1))
    with pytest.raises(erase.Held, match=f"hold {number} of ana stands on this entity until .*: court"):
        erase.erase(pulled, NAME, "ben", yes=True)
    assert everything(pulled).count(NAME) > 30


def test_a_model_that_cannot_be_compared_any_more_goes_with_its_successor(pulled: Context) -> None:
    old, champion = learn(pulled), learn(pulled)
    with pulled.database.write() as session:
        session.execute(
            sa.update(tables.monitors).values(pruned_through=pulled.now())
        )  # its rows were dropped
    done = erase.erase(pulled, NAME, "ana", yes=True)
    assert done.models == {"machines v1": "model taken out", "machines v2": erase.WAITS}
    with pulled.database.read() as session:
        with pytest.raises(ModelDropped, match="v1 was dropped"):
            versions.bundle(session, old)
        versions.bundle(session, champion)
        asked = (
            session.execute(sa.select(tables.runs.c.state).where(tables.runs.c.job == "train"))
            .scalars()
            .all()
        )
        assert "queued" in asked
    run_now(pulled, "prune", None, "ana")
    with pulled.database.write() as session:
        versions.bundle(session, champion)
        fresh = versions.add(session, 1, b"new", pulled.now(), objective="vanilla", manifest={}, facts={},
                             trained_through=1)  # fmt: skip
        versions.promote(
            session, versions.get(session, fresh), Step("promoted", GATE, pulled.now(), "better")
        )
    assert run_now(pulled, "prune", None, "ana")["counts"]["models"] == 1
    with pulled.database.read() as session, pytest.raises(ModelDropped, match="v2 was dropped"):
        versions.bundle(session, champion)


def test_an_erasure_that_is_cut_off_goes_on(pulled: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    learn(pulled)

    def cut(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(erasing, "erase", cut)
        with pytest.raises(KeyboardInterrupt):
            erase.erase(pulled, NAME, "ana", yes=True)
    assert everything(pulled).count(NAME) > 30, "the rows are one transaction"
    done = erase.erase(pulled, NAME, "ana", yes=True)
    assert done.counts["readings_machines"] == 30
    assert NAME not in everything(pulled)


def test_a_pull_at_work_cannot_write_rows_back(pulled: Context) -> None:
    now = pulled.now()
    with pulled.database.write() as session:
        run_id = runs.offer(session, Request("pull", 1, "s"), "schedule", now)
        run = runs.claim(session, ["pull"], "host:1:1", now, 60, run_id=run_id)
    assert run is not None
    erase.erase(pulled, NAME, "ana", yes=True)
    with pytest.raises(Superseded), pulled.write(run):
        pass
    with pulled.database.read() as session:
        assert leases.held(session) == []
        assert keys.found(session, "erasure") is not None


def test_other_words_that_hold_the_name_stay(pulled: Context) -> None:
    with pulled.database.write() as session:
        session.execute(sa.update(tables.monitors).values(notices=["c71 and xc7 and c7"]))
    erase.erase(pulled, OTHER, "ana", yes=True)
    with pulled.database.read() as session:
        notices = session.scalar(sa.select(tables.monitors.c.notices))
    assert notices == ["c71 and xc7 and erased-1"]
