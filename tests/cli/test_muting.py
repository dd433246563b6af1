import json
from pathlib import Path
from typing import Any

import pytest

CONFIG = """
monitors:
  - {name: boiler, kind: tabular, source: {kind: files, path: boiler.csv}, entity: unit}
"""


@pytest.fixture(autouse=True)
def _boiler(shell: Any, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(CONFIG)
    shell("apply", "m.yaml")


def test_a_monitor_is_muted_listed_and_shown_again(shell: Any) -> None:
    code, out, _ = shell("suppress", "boiler", "--entity", "unit 3", "--for", "2d", "--reason", "new burner")
    assert code == 0 and out.startswith("mute 1: unit 3 of boiler until ")
    assert shell("suppress", "--reason", "holiday", "--until", "2d", "boiler")[0] == 0
    (second, first) = json.loads(shell("suppress", "list", "--json")[1])
    assert (first["entity"], first["reason"], first["suppressed"]) == ("unit 3", "new burner", 0)
    assert second["entity"] is None
    assert shell("suppress", "end", "1")[:2] == (0, "mute 1 is over\n")
    assert "new burner" not in shell("suppress", "list")[1]
    assert "new burner" in shell("suppress", "list", "--all")[1]
    code, _, err = shell("suppress", "end", "1")
    assert code == 1 and "mute 1 ended already" in err


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["boiler", "--reason", "x"], "every mute ends: give either --until"),
        (["boiler", "--reason", "x", "--for", "2d", "--until", "2027-01-31"], "every mute ends"),
        (["boiler", "--reason", "x", "--for", "soon"], "--for: got 'soon'; expected a date"),
        (["boiler", "--for", "2d"], "Missing option '--reason'"),
        (["nope", "--reason", "x", "--for", "2d"], "there is no monitor 'nope'; known: boiler"),
        (["end", "7"], "there is no mute '7'; known: none yet"),
    ],
)
def test_what_cannot_be_muted_is_a_wrong_request(shell: Any, words: list[str], fault: str) -> None:
    code, _, err = shell("suppress", *words)
    assert code == 2 and fault in err


def test_no_mutes_are_said(shell: Any) -> None:
    assert shell("suppress", "list")[1] == "No mutes: every alert is shown.\n"
