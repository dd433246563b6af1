"""What scripts hold on to: exit codes, one JSON document on stdout, messages on stderr."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import seed

from monitor.jobs.context import Context

CONFIG = """
monitors:
  - name: boiler
    kind: tabular
    source: {kind: files, path: boiler.csv}
    time: at
"""


def test_a_monitor_goes_from_a_file_to_its_rows(shell: Any, tmp_path: Path) -> None:
    lines = ["at,load", *(f"2026-03-01T00:{n:02d}:00Z,{n}" for n in range(30)), "never,1"]
    (tmp_path / "boiler.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "m.yaml").write_text(CONFIG)
    assert shell("check", "m.yaml")[0] == 0
    assert shell("apply", "m.yaml")[:2] == (0, "+ monitor boiler\n")
    code, out, _ = shell("pull", "boiler", "--json")
    assert (code, json.loads(out)["counts"]) == (
        0,
        {"pulled": 31, "stored": 30, "quarantined": 1, "known": 0},
    )
    quarantined = json.loads(shell("quarantine", "list", "boiler", "--json")[1])
    assert quarantined[0]["origin"].endswith("boiler.csv:32")
    number = str(quarantined[0]["quarantine_id"])
    assert shell("quarantine", "readmit", "boiler", number)[:2] == (
        0,
        "0 rows came in, 1 stays in quarantine\n",
    )
    code, _, err = shell("quarantine", "readmit", "boiler", "999")
    assert (code, f"there is no row in the quarantine of boiler '999'; known: {number}" in err) == (2, True)
    assert shell("status")[0] == 0
    code, _, err = shell("train", "boiler")
    assert code == 1
    assert "27 usable rows, a training needs 200" in err


def test_a_path_that_matches_nothing_is_said_and_needs_a_person_when_it_is_overdue(
    shell: Any, tmp_path: Path, context: Context
) -> None:
    (tmp_path / "m.yaml").write_text(CONFIG.replace("boiler.csv", "logs/*.csv"))
    shell("apply", "m.yaml")
    words = f"no file matches '{tmp_path}/logs/*.csv'; put one there, or correct the path"
    assert shell("pull", "boiler")[:2] == (0, f"0 new rows; {words}\n")
    code, out, _ = shell("status", "--json")
    (found,) = json.loads(out)["monitors"]
    assert (code, found["state"]) == (0, "waiting") and words in found["message"]
    with context.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE monitors SET created_at = '2026-01-01 00:00:00+00:00'")
    code, out, _ = shell("status")
    assert code == 1 and "late" in out and words in out
    code, _, err = shell("add", "nothing/*.csv")
    assert code == 1 and "no file matches" in err and "put one there, or correct the path" in err


def test_what_a_pull_said_of_missing_files_goes_with_the_next_that_finds_them(
    shell: Any, tmp_path: Path, context: Context
) -> None:
    rows = tmp_path / "boiler.csv"
    rows.write_text("at,load\n2026-03-01T00:00:00Z,7\n")
    (tmp_path / "m.yaml").write_text(CONFIG.replace("boiler.csv", "boil*.csv"))
    shell("apply", "m.yaml")
    shell("pull", "boiler")
    rows.rename(tmp_path / "away")
    shell("pull", "boiler")
    (tmp_path / "away").rename(rows)
    noticed = "SELECT notices FROM monitors"
    with context.database.engine.connect() as connection:
        assert "no file matches" in str(connection.exec_driver_sql(noticed).scalar())
    shell("pull", "boiler")
    with context.database.engine.connect() as connection:
        assert "no file matches" not in str(connection.exec_driver_sql(noticed).scalar())


def test_one_is_one(shell: Any, tmp_path: Path) -> None:
    (tmp_path / "boiler.csv").write_text("at,load\n2026-03-01T00:00:00Z,7\n")
    (tmp_path / "m.yaml").write_text(CONFIG)
    assert shell("check", "m.yaml")[1] == "m.yaml: no fault; 1 monitor, 0 channels\n"
    shell("apply", "m.yaml")
    assert shell("pull", "boiler")[1] == "1 new row\n"
    assert shell("audit", "verify")[1].startswith("1 line, whole;")


def test_a_failure_is_told_once(shell: Any, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(CONFIG.replace("boiler.csv", "."))
    shell("apply", "m.yaml")
    code, out, err = shell("pull", "boiler")
    assert (code, out) == (1, "") and err.count("is a folder") == 1 and err.startswith("monitor: pull:")
    code, out, err = shell("train", "boiler")
    assert (code, out) == (1, "") and err.count("no rows yet") == 1


def test_a_configuration_with_faults_is_refused_with_all_of_them(shell: Any, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(CONFIG + "    wrong: 1\n    kid: 2\n")
    code, out, err = shell("apply", "m.yaml")
    assert (code, out) == (2, "")
    assert err.count("unknown key") == 2


@pytest.mark.parametrize(
    "words",
    [
        ("pull", "nobody"),
        ("alerts", "show", "nothing"),
        ("versions", "list", "nobody"),
        ("nonsense",),
        ("pull",),
    ],
)
def test_a_wrong_request_is_exit_code_2_without_a_traceback(shell: Any, words: tuple[str, ...]) -> None:
    code, _, err = shell(*words)
    assert code == 2
    assert err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "words, expected",
    [
        (("alerts", "list"), []),
        (("status",), {"monitors": [], "channels": []}),
        (("config", "export"), {"monitors": [], "channels": []}),
    ],
)
def test_json_is_one_document_on_stdout(shell: Any, words: tuple[str, ...], expected: Any) -> None:
    code, out, _ = shell(*words, "--json")
    assert (code, json.loads(out)) == (0, expected)


def test_a_failure_is_json_too_when_json_was_asked_for(shell: Any) -> None:
    code, out, _ = shell("pull", "nobody", "--json")
    assert code == 2
    assert "no monitor 'nobody'" in json.loads(out)["error"]


def test_empty_lists_say_what_to_do_next(shell: Any) -> None:
    assert "monitor apply" in shell("status")[1]
    assert "nothing needs you now" in shell("alerts", "list")[1]


def test_the_trail_is_verified_and_a_changed_line_is_named(
    shell: Any, tmp_path: Path, context: Context
) -> None:
    (tmp_path / "m.yaml").write_text(CONFIG)
    shell("apply", "m.yaml")
    assert shell("audit", "verify")[0] == 0
    with context.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audit SET actor = 'somebody else'")
    code, _, err = shell("audit", "verify")
    assert code == 1
    assert "line 1 of the audit trail was changed" in err


def test_help_waits_for_nothing_heavy() -> None:
    code = (
        "import sys; from monitor.cli import main; main(['--help']); "
        "print([m for m in ('pandas', 'torch', 'streamlit', 'sqlalchemy') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip().endswith("[]")


def test_versions_are_listed_with_every_decision_on_them(shell: Any, context: Context) -> None:
    seed.fill(context.database, days=1)
    assert shell("versions", "promote", "card-payments", "40", "--why", "not our faults")[0] == 0
    assert shell("versions", "rollback", "card-payments")[1].startswith("rolled back to v41 by ")
    lines = shell("versions", "list", "card-payments")[1]
    order = (
        "\nv41",
        "rolled back from v40 by",
        "\nv40",
        "rejected by the gate",
        "promoted over v41 by",
        "\nv39",
    )
    places = [lines.index(words) for words in order]
    assert places == sorted(places) and lines.count("not our faults") == 2
    found = json.loads(shell("versions", "list", "card-payments", "--json")[1])
    decided = {v["number"]: [d["kind"] for d in v["decisions"]] for v in found}
    assert decided[40] == ["rejected", "promoted", "replaced"]
    assert decided[41] == ["promoted", "replaced", "rolled back"]
