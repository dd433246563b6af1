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
