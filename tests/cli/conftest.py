from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.jobs.context import Context

Shell = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shell(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """Runs a command on the test's database, in its folder; returns (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_DATABASE_URL", context.settings.url)
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path))

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(list(words))
        out, err = capsys.readouterr()
        return code, out, err

    return run
