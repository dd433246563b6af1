"""What deploy/ promises of the product is so."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.scheduling import supervisor

ROOT = Path(__file__).parents[1]
UNIT = (ROOT / "deploy" / "monitor.service").read_text()
CONTAINER = (ROOT / "deploy" / "Containerfile").read_text()


def test_the_unit_waits_longer_than_the_children_are_given() -> None:
    assert int(re.findall(r"^TimeoutStopSec=(\d+)", UNIT, re.MULTILINE)[0]) > supervisor.GRACE


@pytest.mark.parametrize(
    "line",
    re.findall(r"bin/monitor (.+)", UNIT)
    + re.findall(r"monitor ([a-z]+[^&\"]*)", CONTAINER.split('CMD ["/bin/sh"')[1]),
)
def test_the_commands_that_start_it_are_there(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    command, *options = shlex.split(line)
    assert main([command, "--help"]) == 0
    helped = capsys.readouterr().out
    assert all(option in helped for option in options if option.startswith("--"))


def test_the_container_takes_what_the_package_is_made_of_and_no_more() -> None:
    copied = {
        name for line in re.findall(r"^COPY (.+)$", CONTAINER, re.MULTILINE) for name in line.split()[:-1]
    }
    assert copied == {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "constraints.txt",
        "monitor",
        "dashboards",
        "migrations",
    }
    assert all((ROOT / name).exists() for name in copied)
    assert re.findall(r"^USER (\S+)", CONTAINER, re.MULTILINE) == ["10001"]


def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze on this machine")
    program = tmp_path / "monitor"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "monitor.service"
    unit.write_text(UNIT.replace("/opt/monitor/.venv/bin/monitor", str(program)))
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    said = [line for line in checked.stderr.splitlines() if "monitor.service" in line]
    assert (checked.returncode, said) == (0, []), checked.stderr
