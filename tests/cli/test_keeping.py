import json
from collections.abc import Callable
from pathlib import Path

Shell = Callable[..., tuple[int, str, str]]


def test_a_backup_is_made_and_brought_back_from_the_shell(shell: Shell, tmp_path: Path) -> None:
    code, out, _ = shell("backup", "a.backup", "--json")
    made = json.loads(out)
    assert (code, made["bytes"]) == (0, (tmp_path / "a.backup").stat().st_size)
    assert shell("backup", "a.backup")[0] == 2, "the file is there"
    code, out, _ = shell("restore", "a.backup", "--json")
    assert (code, "say --yes" in json.loads(out)["error"]) == (2, True), "the trail has a line"
    code, out, _ = shell("restore", "a.backup", "--yes", "--json")
    assert (code, json.loads(out)["sha256"]) == (0, made["sha256"])
    assert shell("audit", "verify")[0] == 0


def test_what_is_no_backup_fails_and_names_it(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database")
    code, _, err = shell("restore", "notes.txt", "--yes")
    assert (code, "notes.txt is no backup" in err) == (1, True)


def test_a_hold_is_set_listed_and_ended_from_the_shell(shell: Shell) -> None:
    code, out, _ = shell("hold", "add", "--entity", "c7", "--reason", "court", "--until", "180d", "--json")
    number = json.loads(out)["hold_id"]
    assert code == 0
    assert [h["entity"] for h in json.loads(shell("hold", "list", "--json")[1])] == ["c7"]
    assert shell("hold", "release", str(number))[0] == 0
    assert "No holds" in shell("hold", "list")[1]
    assert len(json.loads(shell("hold", "list", "--all", "--json")[1])) == 1
    code, _, err = shell("hold", "release", str(number))
    assert (code, "ended already" in err) == (1, True)
    assert shell("hold", "release", "99")[0] == 2
    assert shell("hold", "add", "--reason", "x", "--until", "180d")[0] == 2


def test_a_retention_that_is_too_short_is_a_fault_with_its_line(shell: Shell, tmp_path: Path) -> None:
    text = "monitors: [{name: a, kind: tabular, source: {kind: files, path: x.csv}, retention: {runs: %s}}]"
    (tmp_path / "m.yaml").write_text(text % "2d")
    assert shell("apply", "m.yaml")[0] == 0
    (tmp_path / "m.yaml").write_text(text % "1d")
    code, out, _ = shell("plan", "m.yaml", "--json")
    assert (code, json.loads(out)["deletes"]) == (0, {})
    (tmp_path / "m.yaml").write_text(text % "30m")
    code, _, err = shell("check", "m.yaml")
    assert (code, "m.yaml:1: monitors[0].retention.runs: '30m' is less than a day" in err) == (2, True), err


def test_an_erasure_counts_first_and_needs_yes(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(
        "monitors: [{name: a, kind: tabular, entity: who, source: {kind: files, path: x.csv}}]"
    )
    (tmp_path / "x.csv").write_text("who,load\nc7,1\nc8,2\nc7,3\n")
    shell("apply", "m.yaml")
    shell("pull", "a")
    code, out, _ = shell("erase", "c7", "--json")
    assert (code, json.loads(out)["erased"], json.loads(out)["counts"]) == (0, False, {"readings_a": 2})
    code, out, err = shell("erase", "c7", "--yes")
    assert (code, "readings_a" in out, "Backups made before still hold it" in err) == (0, True, True)
    assert json.loads(shell("erase", "c7", "--json")[1])["counts"] == {}
    assert shell("audit", "verify")[0] == 0
    shell("hold", "add", "--entity", "c8", "--reason", "court", "--until", "180d")
    code, _, err = shell("erase", "c8", "--yes")
    assert (code, "court" in err) == (1, True)
    assert shell("erase", "c8", "--monitor", "nosuch")[0] == 2
