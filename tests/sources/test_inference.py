"""What columns are taken for, and the reason that is shown with it."""

from typing import Any

import pandas as pd
import pytest

from monitor.domain.field import Schema
from monitor.domain.monitor import Monitor
from monitor.sources.quality import infer


def look(columns: dict[str, list[Any]], **changes: Any) -> Schema:
    settings = {"name": "m", "kind": "tabular", "source": {"kind": "files", "path": "x.csv"}}
    return infer(pd.DataFrame(columns), Monitor.model_validate(settings | changes))


def kind(values: list[Any], name: str = "x") -> str:
    schema = look({name: values})
    assert all(f.reason for f in schema) and all(left.reason for left in schema.left_out)
    return schema.fields[0].type if schema.fields else "left out"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1.5", "2", ""] * 30, "number"),
        ([1.5, None], "number"),
        ([20, 21] * 30, "number"),  # a later 20.5 must not be turned away
        (["9007199254740993", "1"] * 30, "integer"),
        (["007", "008"] * 30, "category"),
        ([f"{n:06}" for n in range(5000)], "text"),
        (["shop", "web"] * 30, "category"),
        ([f"customer said {n}" for n in range(5000)], "text"),
        (["a long story " * 20] * 30, "text"),
        ([f"bakery {n * 7919 % 100}" for n in range(500)], "category"),
        ([f"{n * 7919 % 200:05}" for n in range(1_000)], "category"),
        ([f"{n % 700:032x}" for n in range(2_000)], "text"),
        (["true", "False", ""] * 30, "boolean"),
        ([True, False], "boolean"),
        (["2026-01-01", "2026-01-02T10:00:00Z"] * 30, "time"),
        ([pd.Timestamp("2026-01-01", tz="UTC")], "time"),
        (["1"] * 97 + ["oops"] * 3, "number"),
        (["1"] * 50 + ["oops"] * 50, "category"),
        (list(range(1, 200)), "text"),
        ([None, ""], "left out"),
    ],
)
def test_a_column_is_taken_for_what_its_values_say(values: list[Any], expected: str) -> None:
    assert kind(values) == expected


@pytest.mark.parametrize("name", ["id", "customer_id", "terminalId", "order UUID"])
def test_whole_numbers_named_like_identifiers_are_no_quantities(name: str) -> None:
    assert kind([7, 9, 4] * 30, name) == "category"
    assert kind([n * 7919 % 100_003 for n in range(5000)], name) == "text"


def test_columns_with_a_part_of_their_own_are_no_fields() -> None:
    schema = look(
        {"k": ["1"], "t": ["2026-01-01"], "e": ["c"], "l": ["0"], "v": ["5"]},
        key=["k"], time="t", entity="e", label="l", value="v",
    )  # fmt: skip
    assert (schema.names, [left.name for left in schema.left_out]) == (["v"], ["k", "t", "e", "l"])


def test_the_configuration_outweighs_the_values() -> None:
    schema = look(
        {"a": ["1", "2"], "b": ["1", "2"], "c": ["x", "y"], "d": ["1", "2"]},
        value="d", fields={"exclude": ["b"], "categorical": ["a"], "range": {"c": [0, None]}},
    )  # fmt: skip
    assert [(f.name, f.type) for f in schema] == [("a", "category"), ("c", "number"), ("d", "number")]
    assert schema.left_out[0].reason == "excluded by the configuration"


def test_only_included_columns_are_fields_where_some_are_named() -> None:
    assert look({"a": ["1"], "b": ["2"]}, fields={"include": ["b"]}).names == ["b"]


@pytest.mark.parametrize("name", ["entity", "source_key", "x" * 100, "a\nb"])
def test_a_name_that_no_table_can_carry_is_left_out_with_the_reason(name: str) -> None:
    schema = look({name: ["1.5"], "ok": ["1"]})
    assert (schema.names, "name" in schema.left_out[0].reason) == (["ok"], True)


def test_names_that_differ_by_capitals_alone_are_one_column_to_sqlite() -> None:
    assert look({"Amount": ["1"], "amount": ["2"]}).names == ["Amount"]


def test_the_hosts_samples_need_no_configured_parts() -> None:
    frame = pd.DataFrame(
        {"time": [pd.Timestamp("2026-01-01", tz="UTC")], "host": ["a"], "cpu_percent": [1.0]}
    )
    monitor = Monitor.model_validate({"name": "m", "kind": "sensor", "source": {"kind": "host"}})
    assert infer(frame, monitor).names == ["cpu_percent"]


def test_a_schema_survives_json() -> None:
    schema = look({"a": ["1"], "b": ["x"], "c": [""]})
    assert Schema.model_validate_json(schema.model_dump_json()) == schema
