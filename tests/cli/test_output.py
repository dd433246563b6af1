"""Tables that read well at 80 columns, and text that cannot drive the terminal it is shown in."""

import json

import pytest

from monitor.cli.output import safe, show, table

ROWS = [("k3m9x2a", "high", "card-payments", "Amount is 4,812, usually 12 to 340; the merchant is new to this card."),
        ("b7", "low", "host", "Short.")]  # fmt: skip
COLUMNS = ("alert", "severity", "monitor", "why")


def test_the_last_column_is_folded_to_the_width_and_keeps_its_indent() -> None:
    lines = table(COLUMNS, ROWS, "", width=60).splitlines()
    assert max(len(line) for line in lines) <= 60
    assert [line[:9].strip() for line in lines] == ["alert", "k3m9x2a", "", "", "b7"]
    assert "".join(line[34:].strip() + " " for line in lines[1:4]).strip() == ROWS[0][3]


def test_what_is_piped_stays_one_line_a_row() -> None:
    assert len(table(COLUMNS, ROWS, "", width=None).splitlines()) == 3


def test_what_has_no_room_beside_the_others_goes_below_them() -> None:
    lines = table(
        ("a", "b", "c"), [("x" * 30, "y" * 20, "some words that go on and on and on")], "", width=60
    )
    assert lines.splitlines()[2:] == [f"{'x' * 30}  {'y' * 20}", "    some words that go on and on and on"]


def test_an_empty_table_says_what_to_do() -> None:
    assert table(COLUMNS, [], "nothing needs you now") == "nothing needs you now"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\rb", "a\\rb"),
        ("two\nlines", "two\nlines"),
        ("Zähler 5 µm", "Zähler 5 µm"),
        ("\u202edrow", "\\u202edrow"),
    ],
)
def test_what_a_source_says_cannot_drive_the_terminal(
    text: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert safe(text) == shown
    show(None, False, text)
    assert capsys.readouterr().out == shown + "\n"


def test_a_line_break_in_a_cell_stays_within_its_row() -> None:
    assert table(("a", "b"), [("x\ny", "z\nw")], "", width=None).splitlines()[1] == "x\\ny  z\\nw"


def test_json_holds_no_number_that_json_has_not(capsys: pytest.CaptureFixture[str]) -> None:
    show({"p": float("nan"), "deep": [float("inf"), 1.5]}, True, "")
    assert json.loads(capsys.readouterr().out) == {"p": None, "deep": [None, 1.5]}
