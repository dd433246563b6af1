"""The gate: what is pulled is admitted or quarantined, and every quarantined row says why."""

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.errors import SourceRefused
from monitor.domain.field import Field, FieldType, Schema
from monitor.domain.monitor import Monitor
from monitor.sources.base import Batch
from monitor.sources.quality import Admitted, admit

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TYPES: dict[str, FieldType] = {"amount": "number", "count": "integer", "kind": "category", "flag": "boolean",
                               "booked": "time", "note": "text"}  # fmt: skip
GOOD: dict[str, Any] = {
    "id": "k1", "at": "2026-11-23T10:00:00", "card": "c1", "fraud": "0", "amount": "1.5", "count": "3",
    "kind": "shop", "flag": "true", "booked": "2026-11-23", "note": "words",
}  # fmt: skip


def watched(**changes: Any) -> Monitor:
    settings = {"name": "cards", "kind": "tabular", "source": {"kind": "files", "path": "x.csv"}, "key": ["id"],
                "time": {"field": "at", "zone": "Europe/Berlin"}, "entity": "card", "label": "fraud"}  # fmt: skip
    return Monitor.model_validate(settings | changes)


def pinned(**types: FieldType) -> Schema:
    return Schema(fields=tuple(Field(name=n, type=t) for n, t in (types or TYPES).items()))


def gate(rows: list[dict[str, Any]] | pd.DataFrame, monitor: Monitor | None = None, **batch: Any) -> Admitted:
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows, dtype=object)
    return admit(Batch(frame, {}, **batch), pinned(), monitor or watched(), NOW)


def test_a_good_row_is_typed_as_pinned() -> None:
    row = gate([GOOD]).rows
    assert list(row.columns) == ["source_key", "content_hash", "event_at", "entity", *TYPES]
    kinds = [
        "str",
        "str",
        "datetime64[us, UTC]",
        "str",
        "float64",
        "Int64",
        "str",
        "boolean",
        "datetime64[us, UTC]",
        "str",
    ]
    assert [str(t) for t in row.dtypes] == kinds
    assert (row["source_key"][0], row["event_at"][0]) == ("k1", pd.Timestamp("2026-11-23 09:00", tz="UTC"))
    assert (len(row["content_hash"][0]), row["entity"][0]) == (32, "c1")


def test_an_empty_batch_has_the_same_columns_and_types() -> None:
    full, empty = gate([GOOD]).rows, gate(pd.DataFrame()).rows
    assert list(full.dtypes.items()) == list(empty.dtypes.items())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": "1,5"}, "amount: got '1,5', expected a number"),
        ({"amount": "inf"}, "amount: got 'inf', expected a number"),
        ({"amount": "1e308"}, "amount: got '1e308', expected a number"),
        ({"count": "2.5"}, "count: got '2.5', expected a whole number"),
        ({"flag": "perhaps"}, "flag: got 'perhaps', expected true or false"),
        ({"booked": "0001-01-01"}, "booked: got '0001-01-01', expected a time"),
        ({"note": "a\0b"}, "note: got 'a\u2400b', expected text"),
        ({"note": "x" * 10_000_000}, "(10000000 characters)"),
        ({"kind": "x" * 5000}, "expected a short text"),
        ({"at": "9999-12-31"}, "at: got '9999-12-31', expected a time"),
        ({"at": None}, "at: got nothing, expected a time"),
        ({"id": None}, "id: got nothing, expected a key"),
        ({"id": ""}, "id: got '', expected a key"),
        ({"id": "k" * 600}, "expected a key of 1 to 512 bytes without NUL"),
        ({"card": "c\0"}, "card: got"),
    ],
)
def test_a_bad_cell_quarantines_its_row_alone(change: dict[str, Any], reason: str) -> None:
    admitted = gate([GOOD, GOOD | {"id": "k2"} | change, GOOD | {"id": "k3"}])
    assert list(admitted.rows["source_key"]) == ["k1", "k3"]
    assert reason in admitted.quarantined["reason"][0]


def test_a_row_with_several_faults_names_them_all() -> None:
    reason = gate([GOOD | {"amount": "x", "count": "y", "at": "z"}]).quarantined["reason"][0]
    assert [part.split(":")[0] for part in reason.split("; ")] == ["amount", "count", "at"]


def test_missing_values_are_allowed_in_fields() -> None:
    blank = dict.fromkeys(TYPES, "")
    admitted = gate([GOOD | blank])
    assert (len(admitted.quarantined), admitted.rows[list(TYPES)].isna().to_numpy().all()) == (0, True)


def test_a_quarantined_row_is_kept_as_valid_short_json() -> None:
    admitted = gate([GOOD | {"amount": "x", "note": "n" * 10_000_000, "kind": "a\0"}])
    raw = admitted.quarantined["raw"][0]
    assert (json.loads(raw)["amount"], len(raw) < 20_000, "\0" in raw) == ("x", True, False)


def test_rows_the_source_rejected_are_quarantined_too() -> None:
    rejected = pd.DataFrame({"origin": ["a.csv:9"], "raw": ["1,2,3"], "reason": ["3 fields"]})
    admitted = gate(
        [GOOD, GOOD | {"amount": "x"}], rejected=rejected, origin=pd.Series(["a.csv:1", "a.csv:2"])
    )
    assert list(admitted.quarantined["origin"]) == ["a.csv:9", "a.csv:2"]


@pytest.mark.parametrize("gone", ["amount", "at", "id", "card"])
def test_a_column_that_is_gone_is_refused_never_filled(gone: str) -> None:
    with pytest.raises(SourceRefused, match=f"no longer has {gone}"):
        gate(pd.DataFrame([GOOD]).drop(columns=gone))


def test_a_new_column_is_ignored_with_a_notice() -> None:
    admitted = gate([GOOD | {"new": 1}])
    assert ("new" not in admitted.rows, "new" in admitted.notices[0]) == (True, True)


def test_labels_stand_apart_and_are_no_content() -> None:
    unknown, known = gate([GOOD | {"fraud": ""}]), gate([GOOD | {"fraud": "1"}])
    assert (len(unknown.labels), known.labels.to_dict("list")) == (0, {"source_key": ["k1"], "value": [True]})
    assert unknown.rows["content_hash"][0] == known.rows["content_hash"][0]


def test_a_label_that_says_nothing_does_not_cost_the_row() -> None:
    admitted = gate([GOOD | {"fraud": "perhaps"}])
    assert (len(admitted.rows), len(admitted.labels), "'perhaps'" in admitted.notices[0]) == (1, 0, True)


@pytest.mark.parametrize("label", [1, 1.0, True, "1", "True", " yes "])
def test_truth_comes_in_any_type(label: Any) -> None:
    assert gate([GOOD | {"fraud": label}]).labels["value"].tolist() == [True]


def test_without_a_key_a_row_is_its_place() -> None:
    admitted = gate([GOOD, GOOD], watched(key=[]), origin=pd.Series(["a.csv:2", "a.csv:3"]))
    assert list(admitted.rows["source_key"]) == ["a.csv:2", "a.csv:3"]


def test_without_key_and_place_equal_rows_are_counted() -> None:
    keys = gate([GOOD, GOOD | {"amount": "2"}, GOOD], watched(key=[])).rows["source_key"]
    assert (keys[0].endswith("#0"), keys[2].endswith("#1"), keys[0][:32] == keys[2][:32]) == (
        True,
        True,
        True,
    )


def test_several_key_values_cannot_be_confused() -> None:
    rows = [GOOD | {"id": a, "kind": b} for a, b in [("a|b", "c"), ("a", "b|c"), ("a\\", "|b|c")]]
    assert gate(rows, watched(key=["id", "kind"])).rows["source_key"].nunique() == 3


def test_a_key_is_the_same_from_number_and_text() -> None:
    for value in (7, 7.0, "7"):
        assert gate([GOOD | {"id": value}]).rows["source_key"][0] == "7"


def test_without_a_time_a_row_happened_when_it_arrived() -> None:
    row = gate([GOOD], watched(time=None)).rows
    later = admit(Batch(pd.DataFrame([GOOD]), {}), pinned(), watched(time=None), NOW.replace(hour=13)).rows
    assert row["event_at"][0] == pd.Timestamp(NOW)
    assert row["content_hash"][0] == later["content_hash"][0]


@pytest.mark.parametrize(
    "change", [{"amount": "1.6"}, {"kind": ""}, {"at": "2026-11-23T10:00:01"}, {"card": "c2"}, {"note": "w"}]
)
def test_any_change_but_of_the_label_is_other_content(change: dict[str, Any]) -> None:
    hashes = gate([GOOD, GOOD | {"id": "k2"} | change, GOOD | {"id": "k3"}]).rows["content_hash"]
    assert (hashes[0] != hashes[1], hashes[0] == hashes[2]) == (True, True)


def test_content_is_the_same_whatever_the_source_types_it() -> None:
    typed = GOOD | {"amount": 1.5, "count": 3, "flag": True, "at": datetime(2026, 11, 23, 9, tzinfo=UTC),
                    "booked": pd.Timestamp("2026-11-23")}  # fmt: skip
    assert gate([GOOD]).rows["content_hash"][0] == gate([typed]).rows["content_hash"][0]


def test_the_hash_is_the_one_that_was_stored_before() -> None:
    """Pinned: a new way of hashing would turn every known row into a correction."""
    assert gate([GOOD]).rows["content_hash"][0] == "878190f5276575f04c4b2e544a9e5964"


cell = st.one_of(
    st.none(), st.text(max_size=8), st.floats(), st.integers(), st.booleans(), st.binary(max_size=4), st.dates(),
    st.datetimes(), st.decimals(), st.sampled_from(["", "1", "2026-01-01", "true", "1,5", "\0", "\udcff"]),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(GOOD, cell)), min_size=1, max_size=6))
def test_nothing_pulled_is_lost_whatever_the_cells_hold(rows: list[dict[str, Any]]) -> None:
    frame = pd.DataFrame({name: pd.Series([r[name] for r in rows], dtype=object) for name in GOOD})
    batch = Batch(frame, {})
    admitted = admit(batch, pinned(), watched(), NOW)
    assert len(admitted.rows) + len(admitted.quarantined) == batch.pulled
    assert not np.isinf(admitted.rows["amount"]).any()
    assert (admitted.quarantined["reason"].str.len() > 0).all()
    for text in admitted.quarantined.to_numpy().ravel():
        assert "\0" not in text
        text.encode()
