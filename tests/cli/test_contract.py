"""What every command keeps to, and what the README says of them."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from monitor.cli import app, main

README = (Path(__file__).parents[2] / "README.md").read_text()


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_takes_json_and_says_what_it_does(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert "--json" in {option for parameter in command.params for option in parameter.opts}
    assert command.help
    assert all(p.help for p in command.params if p.name != "help" and hasattr(p, "help")), (
        "each option says what for"
    )


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_reads_well_at_80_columns(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*path, "--help"]) == 0
    assert max(len(line) for line in capsys.readouterr().out.splitlines()) <= 80


SHOWN = sorted(
    set(re.findall(r"^(?:MONITOR_HOME=\S+ )?(?:\.venv/bin/)?monitor ([a-z][^#\n]*)", README, re.MULTILINE))
)


@pytest.mark.parametrize("line", SHOWN)
def test_what_the_readme_shows_can_be_typed(line: str) -> None:
    words = shlex.split(line.split("&&")[0])
    ways = (
        tuple(words[:2]),
        tuple(words[:1]),
        (words[0], "add"),
    )  # suppress NAME is short for suppress add NAME
    path = next((way for way in ways if way in COMMANDS), ())
    assert path, f"there is no command monitor {line}"
    options = {option for parameter in COMMANDS[path].params for option in parameter.opts}
    assert {w for w in words if w.startswith("--")} <= options


def test_the_readme_shows_commands() -> None:
    assert len(SHOWN) > 10
