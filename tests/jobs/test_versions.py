"""Versions in the jobs: one that gives no numbers, one of another monitor."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from monitor.cli import main
from monitor.detection.bundle import Bundle
from monitor.detection.detector import Detector
from monitor.domain.errors import MonitorError
from monitor.domain.monitor import Document
from monitor.jobs.apply import apply
from monitor.jobs.context import Context
from monitor.jobs.pin import pin
from monitor.scheduling import run_now
from monitor.storage import monitors, tables, versions

V = tables.versions.c


@pytest.fixture(scope="session")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    load = rng.normal(50, 5, 400)
    at = pd.date_range("2026-03-01", periods=400, freq="min", tz="UTC")
    return pd.DataFrame({"id": range(400), "at": at.astype(str), "load": load, "heat": load * 0.8})


@pytest.fixture(scope="session")
def good(rows: pd.DataFrame) -> bytes:
    """A trained detector of these rows."""
    detector = Detector(kind="tabular", objective="vanilla", contaminated=False, seed=0)
    return detector.fit(rows[["load", "heat"]]).to_bytes()


@pytest.fixture(scope="session")
def broken(good: bytes) -> bytes:
    """The same with its arrays gone bad: whole bytes, scores that are not numbers."""
    bundle = Bundle.from_bytes(good)
    spoilt = {
        name: np.full_like(array, np.nan) if array.dtype.kind == "f" else array
        for name, array in bundle.arrays.items()
    }
    return Bundle(bundle.model, spoilt, bundle.manifest).to_bytes()


@pytest.fixture
def installed(context: Context, tmp_path: Path, rows: pd.DataFrame) -> Context:
    """Monitors a and b, whose rows are in."""
    rows.to_csv(tmp_path / "x.csv", index=False)
    part = {
        "kind": "tabular",
        "source": {"kind": "files", "path": str(tmp_path / "x.csv")},
        "key": ["id"],
        "time": "at",
    }
    apply(context, Document.model_validate({"monitors": [{"name": n, **part} for n in "ab"]}), "me")
    for name in "ab":
        run_now(context, "pull", name, "me")
    return context


def add(context: Context, monitor: str, bundle: bytes, state: str = "champion") -> int:
    with context.database.write() as session:
        monitor_id = monitors.named(session, monitor).monitor_id
        manifest: dict[str, Any] = {
            "held_back": {"rows": 100, "from": "2026-03-01T05:00:00+00:00"},
            "left_out_rows": [],
        }
        version_id = versions.add(
            session, monitor_id, bundle, context.now(), objective="vanilla", manifest=manifest, facts={},
            trained_through=0,
        )  # fmt: skip
        session.execute(sa.update(tables.versions).where(V.version_id == version_id).values(state=state))
    return version_id


def states(context: Context) -> dict[int, str]:
    with context.database.read() as session:
        return dict(session.execute(sa.select(V.version_id, V.state)).all())


def test_scores_that_are_not_numbers_are_never_stored_and_the_run_says_what_to_do(
    installed: Context, broken: bytes
) -> None:
    add(installed, "a", broken)
    with pytest.raises(MonitorError, match="scores that are not numbers; roll back to an earlier version"):
        run_now(installed, "score", "a", "me")
    with installed.database.read() as session:
        for table in (tables.scores, tables.score_bins, tables.outliers):
            assert session.scalar(sa.select(sa.func.count()).select_from(table)) == 0
        run = session.execute(sa.select(tables.runs).where(tables.runs.c.job == "score")).one()
        assert (run.state, run.attempt) == ("failed", 1), "trying again would change nothing"
        assert session.scalar(sa.select(V.scored_through)) == 0


def test_the_gate_refuses_a_candidate_whose_scores_are_not_numbers(
    installed: Context, good: bytes, broken: bytes
) -> None:
    first = add(installed, "a", broken, "candidate")
    assert "not numbers" in run_now(installed, "promote", "a", "me")["message"]
    champion = add(installed, "a", good)
    second = add(installed, "a", broken, "candidate")
    assert "not numbers" in run_now(installed, "promote", "a", "me")["message"]
    assert states(installed) == {first: "rejected", champion: "champion", second: "rejected"}


def test_the_gate_replaces_a_champion_whose_scores_are_not_numbers(
    installed: Context, good: bytes, broken: bytes
) -> None:
    bad, sound = add(installed, "a", broken), add(installed, "a", good, "candidate")
    assert "the champion's scores are not numbers" in run_now(installed, "promote", "a", "me")["message"]
    assert states(installed) == {bad: "retired", sound: "champion"}


def test_a_sound_champion_scores_what_a_broken_one_left(
    installed: Context, good: bytes, broken: bytes
) -> None:
    sound, bad = add(installed, "a", good, "retired"), add(installed, "a", broken)
    with pytest.raises(MonitorError):
        run_now(installed, "score", "a", "me")
    run_now(installed, "promote", "a", "me", counts={"version_id": sound, "by_hand": True})
    assert states(installed) == {sound: "champion", bad: "retired"}
    assert run_now(installed, "score", "a", "me")["counts"]["scored"] == 400


@pytest.mark.parametrize("sound", [True, False])
def test_a_candidate_is_measured_and_told_while_the_champion_is_pinned(
    installed: Context, good: bytes, broken: bytes, sound: bool
) -> None:
    champion = add(installed, "a", good)
    with installed.database.write() as session:
        pin(session, "a", True, "ana", installed.now(), "holidays")
    candidate = add(installed, "a", good if sound else broken, "candidate")
    said = run_now(installed, "promote", "a", "me")["message"]
    would = "promoted: not worse than the champion" if sound else "rejected: its scores are not numbers"
    assert f"v1 is pinned; unpin it to let the gate decide; it would have been {would}" in said
    assert states(installed) == {champion: "champion", candidate: "rejected"}
    with installed.database.read() as session:
        decided = versions.listed(session, 1)[0]["decisions"][-1]
    assert decided.figures["held_back_rows"] > 0


def roll_back(shell: Callable[..., int]) -> int:
    return shell("versions", "rollback", "a", "--why", "too many alerts")


def test_rolling_back_again_goes_further_back(
    installed: Context, good: bytes, shell: Callable[..., int]
) -> None:
    for _ in range(4):
        candidate = add(installed, "a", good, "candidate")
        asked = {"version_id": candidate, "by_hand": True}
        run_now(installed, "promote", "a", "me", counts=asked)
    seen = []
    for _ in range(3):
        assert roll_back(shell) == 0
        with installed.database.read() as session:
            champion = versions.champion(session, 1)
            assert champion is not None
            seen.append((champion.number, versions.first(session, 1)))
    assert seen == [(3, False), (2, False), (1, False)]
    assert roll_back(shell) == 1, "no earlier champion"
    run_now(installed, "promote", "a", "me", counts={"version_id": 4, "by_hand": True})
    assert roll_back(shell) == 0
    with installed.database.read() as session:
        champion = versions.champion(session, 1)
    assert champion is not None and champion.number == 1, "v4 took over from v1"


def test_the_gate_does_not_bring_back_what_was_rolled_back_from(
    installed: Context, good: bytes, rows: pd.DataFrame, shell: Callable[..., int]
) -> None:
    def better() -> bytes:
        other = Detector(kind="tabular", objective="vanilla", contaminated=False, seed=1)
        return other.fit(rows[["load", "heat"]]).to_bytes()

    for bundle in (good, better()):
        candidate = add(installed, "a", bundle, "candidate")
        run_now(installed, "promote", "a", "me", counts={"version_id": candidate, "by_hand": True})
    assert roll_back(shell) == 0
    said = run_now(installed, "promote", "a", "me", counts={"version_id": 2})["message"]
    assert said == "v2 was decided on before: retired"
    add(installed, "a", better(), "candidate")  # as the next night learns from the same rows
    said = run_now(installed, "promote", "a", "me")["message"]
    assert "v3 rejected by the gate: it is the very model of v2, which was rolled back from; it would" in said
    with installed.database.read() as session:
        champion = versions.champion(session, 1)
    assert champion is not None and champion.number == 1


def test_two_versions_are_set_side_by_side(
    installed: Context, good: bytes, shell: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    add(installed, "a", good, "candidate")
    run_now(installed, "promote", "a", "me")
    second = add(installed, "a", good, "candidate")
    asked = {"version_id": second, "by_hand": True, "why": "quieter"}
    run_now(installed, "promote", "a", "me", counts=asked)
    with installed.database.write() as session:
        left = {"rows": 380, "left_out": {"confirmed in a review": 2}, "held_back": {"rows": 20}}
        facts = {"fields": ["load"], "refused": {"heat": "its values are all different"}}
        session.execute(
            sa.update(tables.versions).where(V.version_id == 2).values(manifest=left, facts=facts)
        )
    capsys.readouterr()
    assert shell("versions", "diff", "a", "1", "2", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["v2"]["left out, confirmed in a review"] == 2
    assert (told["v1"]["rows held back"], told["v2"]["rows held back"]) == (100, 20)
    assert told["v2"]["field heat"] == "its values are all different"
    assert told["v1"]["gate, auroc"] > 0.5
    assert shell("versions", "diff", "a", "1", "2") == 0
    out = capsys.readouterr().out
    assert re.search(r"^left out, confirmed in a review +- +2$", out, re.MULTILINE)
    assert re.search(r"^decided +promoted: first version; .* promoted: .*quieter", out, re.MULTILINE)
    assert re.search(r"^replaced by +v2 +-$", out, re.MULTILINE)
    assert shell("versions", "diff", "a", "1", "9") == 2


def test_fields_that_both_versions_learnt_from_are_counted_and_others_named(
    installed: Context, good: bytes, shell: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    with installed.database.write() as session:
        fields = {
            "fields": [{"name": "uuid", "type": "text", "reason": "each is another"}],
            "left_out": [{"name": "at", "reason": "the event time"}],
        }
        session.execute(sa.update(tables.monitors).values(fields=fields))
    for extra in ([], ["heat"]):
        version_id, facts = add(installed, "a", good, "candidate"), {"fields": ["load", "wear", *extra]}
        with installed.database.write() as session:
            session.execute(sa.update(tables.versions).where(V.version_id == version_id).values(facts=facts))
    capsys.readouterr()
    assert shell("versions", "diff", "a", "1", "2") == 0
    out = capsys.readouterr().out
    assert re.search(r"^2 fields the same +learnt from +learnt from$", out, re.MULTILINE)
    assert re.search(r"^field heat +- +learnt from$", out, re.MULTILINE)
    assert re.search(
        r"^field uuid +text, not learnt from: each is another +text, not learnt", out, re.MULTILINE
    )
    assert re.search(r"^field at +the event time +the event time$", out, re.MULTILINE)
    assert "field load" not in out


def test_a_version_of_another_monitor_is_refused(installed: Context, good: bytes) -> None:
    mine, other = add(installed, "a", good), add(installed, "b", good, "candidate")
    before = states(installed)
    for counts in ({"version_id": other}, {"version_id": other, "by_hand": True}):
        with pytest.raises(MonitorError, match="no version of this monitor"):
            run_now(installed, "promote", "a", "me", counts=counts)
    assert states(installed) == before == {mine: "champion", other: "candidate"}


@pytest.fixture
def shell(installed: Context, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    monkeypatch.setenv("MONITOR_DATABASE_URL", installed.settings.url)
    monkeypatch.setenv("MONITOR_HOME", str(installed.settings.home))
    return lambda *words: main(list(words))


def test_the_shell_knows_only_the_numbers_of_the_monitor_it_was_told(
    installed: Context, good: bytes, shell: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    add(installed, "a", good, "retired"), add(installed, "a", good)
    add(installed, "b", good)
    before = states(installed)
    assert shell("versions", "promote", "b", "2") == 2
    assert "no version 'v2'; known: v1" in capsys.readouterr().err
    assert shell("versions", "rollback", "b") == 1
    assert "b has no earlier champion" in capsys.readouterr().err
    assert states(installed) == before
