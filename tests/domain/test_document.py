"""What differs between two configurations, what stored rows stand against, and what a file would undo."""

from typing import Any

import pytest

from monitor.domain.document import conflicts, differences, objections
from monitor.domain.field import Field, LeftOut, Schema
from monitor.domain.monitor import Document

SCHEMA = Schema(
    fields=(Field(name="amount", type="number"), Field(name="note", type="text")),
    left_out=(LeftOut(name="raw", reason="excluded by the configuration"),),
)


def document(name: str = "a", **changes: Any) -> Document:
    part = {"kind": "tabular", "source": {"kind": "files", "path": "x.csv"}} | changes
    return Document.model_validate({"monitors": [{"name": name, **part}]})


def test_the_order_of_monitors_is_no_difference() -> None:
    a, b = document("a").monitors[0], document("b").monitors[0]
    assert differences(Document(monitors=[a, b]), Document(monitors=[b, a])) == []


def test_a_difference_names_each_field_before_and_after() -> None:
    after = document(alerts={"fdr": 0.1}, entity="card")
    (change,) = differences(document(), after)
    assert change.fields == (
        ("alerts.budget", 20.0, None),
        ("alerts.fdr", None, 0.1),
        ("entity", None, "card"),
    )
    assert change.lines()[0] == "~ monitor a"


@pytest.mark.parametrize(
    ("changes", "retrain"),
    [
        ({"model": {"objective": "sparse"}}, True),
        ({"fields": {"exclude": ["note"]}}, True),
        ({"fields": {"range": {"amount": [0, 1]}}}, False),
        ({"fields": {"unit": {"amount": "kg"}}}, False),
        ({"schedule": {"pull": "7s"}}, False),
        ({"alerts": {"budget": 3}}, False),
    ],
)
def test_what_shows_only_after_the_next_training_says_so(changes: dict[str, Any], retrain: bool) -> None:
    (change,) = differences(document(), document(**changes))
    assert change.retrain is retrain
    assert ("next training" in change.lines()[0]) is retrain


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"key": ["id"]}, "key says what a stored row is"),
        ({"kind": "sensor", "time": "at"}, "kind, time say what a stored row is"),
        ({"source": {"kind": "host"}}, "source.kind says what a stored row is"),
        ({"entity": "card"}, "entity says what a stored row is"),
        ({"fields": {"categorical": ["amount"]}}, "fields.categorical was settled at the first pull"),
        ({"fields": {"include": ["amount"]}}, "fields.include was settled at the first pull"),
        ({"value": "note"}, "value: 'note' is stored as text, expected a number"),
        ({"value": "absent"}, "value: there is no stored field 'absent'"),
        (
            {"fields": {"range": {"note": [0, 1]}}},
            "fields.range: 'note' is stored as text, expected a number",
        ),
    ],
)
def test_stored_rows_stand_against_a_change_of_what_they_are(changes: dict[str, Any], words: str) -> None:
    after = document(**changes)
    (change,) = differences(document(), after)
    (objection,) = objections(change, after.monitors[0], SCHEMA)
    assert objection.startswith(words)


def test_a_field_left_out_at_the_first_pull_does_not_come_back() -> None:
    before, after = document(fields={"exclude": ["raw", "note"]}), document(fields={"exclude": []})
    (change,) = differences(before, after)
    (objection,) = objections(change, after.monitors[0], SCHEMA)
    assert "'raw' was left out at the first pull" in objection
    assert "note" not in objection


@pytest.mark.parametrize(
    "changes",
    [
        {"value": "amount"},
        {"fields": {"range": {"amount": [0, 5]}, "exclude": ["note"]}},
        {"source": {"kind": "files", "path": "*.csv"}},
        {"queue": "fraud", "notify": [], "model": {"seed": 3}, "alerts": {"fdr": 0.2}},
    ],
)
def test_what_does_not_change_what_rows_are_may_change(changes: dict[str, Any]) -> None:
    after = document(**changes)
    (change,) = differences(document(), after)
    assert objections(change, after.monitors[0], SCHEMA) == []


BASE, TUNED = document(), document(alerts={"budget": 3})


@pytest.mark.parametrize(
    ("wanted", "undone"),
    [
        (BASE, ["alerts.budget"]),
        (document(alerts={"budget": 9}), ["alerts.budget"]),
        (document(schedule={"pull": "7s"}), ["alerts.budget"]),
        (TUNED, []),
        (document(alerts={"budget": 3}, schedule={"pull": "7s"}), []),
        (Document(), []),
    ],
    ids=["the old file", "a third value", "an unaware file", "taken over", "taken over and more", "removed"],
)
def test_a_file_conflicts_only_where_it_would_undo_a_later_change(
    wanted: Document, undone: list[str]
) -> None:
    found = conflicts(BASE, TUNED, wanted)
    assert [path for change in found for path, _, _ in change.fields] == undone


def test_a_change_of_a_whole_part_conflicts_with_one_inside_it() -> None:
    tuned = document(time={"field": "at", "zone": "UTC"})
    wanted = document(time={"field": "at", "zone": "Europe/Berlin"})
    assert [c.fields[0][0] for c in conflicts(document(), tuned, wanted)] == ["time"]
    assert conflicts(document(), tuned, tuned) == []
