"""Whatever goes wrong is a sentence and an exit code, never a traceback."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.cli import main


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MONITOR_DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)


def failed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err


def test_a_database_without_tables_says_what_to_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, err = failed(capsys, "status", "--json")
    assert code == 1
    assert list((tmp_path / "home").iterdir()) == [], "a look makes no database"
    assert "run `monitor init`" in err
    assert "run `monitor init`" in json.loads(out)["error"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://ana:hunter2@127.0.0.1:9/none", "the database does not answer"),
        ("mysql://ana:hunter2@host/db", "MONITOR_DATABASE_URL: got mysql://...; expected sqlite:///file or "
                                        "postgresql://user@host/name"),
        ("hunter2", "MONITOR_DATABASE_URL: got no address; expected sqlite:///file or postgresql://user@host/name"),
    ],
)  # fmt: skip
def test_a_database_that_cannot_be_used_is_a_sentence_without_its_password(
    url: str, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONITOR_DATABASE_URL", url)
    code, _, err = failed(capsys, "status")
    assert code == 1
    assert err.startswith(f"monitor: {words}")
    assert "hunter2" not in err


def test_a_file_that_is_no_database_is_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "junk.db").write_text("this is a shopping list and no database at all")
    monkeypatch.setenv("MONITOR_DATABASE_URL", f"sqlite:///{tmp_path / 'junk.db'}")
    code, _, err = failed(capsys, "status")
    assert (code, err) == (1, "monitor: the database does not answer: file is not a database\n")


def test_a_setting_that_is_wrong_names_its_variable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONITOR_WORKERS", "0")
    monkeypatch.setenv("MONITOR_LOG", "loud")
    code, _, err = failed(capsys, "status")
    assert code == 2
    assert "MONITOR_WORKERS: got '0'; input should be greater than or equal to 1" in err
    assert "MONITOR_LOG: got 'loud'; input should be 'debug', 'info', 'warning' or 'error'" in err


def test_a_home_that_cannot_be_made_is_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "file" / "home"))
    code, _, err = failed(capsys, "init")
    assert code == 1
    assert "Not a directory" in err


@pytest.mark.parametrize(
    "words",
    [
        ("alerts", "list", "--state", "blue"),
        ("evaluate", "--train", "a", "--test", "b", "--label", "c", "--kind", "cubic"),
        ("evaluate", "--train", "a", "--test", "b", "--label", "c", "--objective", "dense"),
        ("alerts", "list", "--limit", "0"),
        ("status", "--nonsense"),
        ("check", "absent.yaml"),
        ("add", "absent.csv", "--name", "Not A Name"),
    ],
)
def test_a_request_that_is_wrong_is_exit_code_2_and_json_where_asked(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert failed(capsys, *words)[0] == 2
    code, out, _ = failed(capsys, *words, "--json")
    assert code == 2
    assert json.loads(out)["error"]


@pytest.mark.parametrize(
    "words", [("evaluate", "--train", "a", "--test", "b", "--label", "c"), ("add", "absent.csv")]
)
def test_a_file_that_is_not_there_failed(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = failed(capsys, *words)
    assert code in (1, 2)
    assert words[-1] in err or "a cannot be read" in err


def test_a_reader_who_has_seen_enough_is_no_fault() -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "monitor", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert run.stdout is not None
    run.stdout.close()
    _, err = run.communicate(timeout=60)
    assert err == b""


def test_a_command_without_its_argument_says_which(capsys: pytest.CaptureFixture[str]) -> None:
    assert failed(capsys, "pull") == (2, "", "monitor: Missing argument 'name'.\n")


def test_a_group_without_a_command_shows_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = failed(capsys, "alerts")
    assert code == 2
    assert err.startswith("Usage:")
    assert "review" in err
