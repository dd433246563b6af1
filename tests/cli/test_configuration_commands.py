"""check, plan, apply and export as scripts use them."""

import json
from pathlib import Path
from typing import Any

from monitor.domain.document import differences
from monitor.jobs.configuration import parse
from monitor.jobs.context import Context
from monitor.storage import configuration

FILE = """\
monitors:
  - {{name: a, kind: tabular, source: {{kind: files, path: x.csv}}, alerts: {{budget: {budget}/day}}}}
"""


def write(tmp_path: Path, budget: int) -> str:
    (tmp_path / "m.yaml").write_text(FILE.format(budget=budget))
    return "m.yaml"


def test_a_plan_writes_nothing_and_an_apply_does_what_it_said(shell: Any, tmp_path: Path) -> None:
    file = write(tmp_path, 20)
    planned = shell("plan", file)
    assert planned == (0, "+ monitor a\n", "")
    assert json.loads(shell("config", "export", "--json")[1])["monitors"] == []
    assert shell("apply", file)[:2] == (0, planned[1])
    assert shell("plan", file)[1] == "nothing to change\n"


def test_an_export_is_applied_without_a_change(shell: Any, tmp_path: Path) -> None:
    shell("apply", write(tmp_path, 7))
    (tmp_path / "out.yaml").write_text(shell("config", "export")[1])
    assert shell("plan", "out.yaml")[1] == "nothing to change\n"


def test_a_removal_without_yes_is_a_wrong_request(shell: Any, tmp_path: Path) -> None:
    shell("apply", write(tmp_path, 20))
    (tmp_path / "none.yaml").write_text("monitors: []\n")
    code, _, err = shell("apply", "none.yaml")
    assert code == 2
    assert "removes monitor a; say --yes" in err
    assert shell("apply", "none.yaml", "--yes")[:2] == (0, "- monitor a\n")


def test_drift_is_shown_and_wins_until_told_otherwise(shell: Any, tmp_path: Path, context: Context) -> None:
    file = write(tmp_path, 20)
    shell("apply", file)
    tuned = parse(FILE.format(budget=3).replace("x.csv", str(tmp_path / "x.csv")))
    with context.database.write() as session:
        (change,) = differences(configuration.current(session), tuned)
        configuration.carry_out(session, change, tuned, context.now())
        configuration.revise(session, tuned, "ben", "dashboard", context.now())
    planned = json.loads(shell("plan", file, "--json")[1])
    assert planned["drift"][0]["fields"] == [["alerts.budget", 20.0, 3.0]]
    assert planned["conflicts"] == planned["drift"]
    assert "the file would undo (needs --overwrite)" in shell("plan", file)[1]
    code, _, err = shell("apply", file)
    assert code == 1
    assert "last by ben" in err
    assert shell("apply", file, "--overwrite")[0] == 0
    assert json.loads(shell("plan", file, "--json")[1])["drift"] == []
