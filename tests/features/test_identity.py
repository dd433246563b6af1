"""Columns that name rows are no fields, and say so; what only looks like a name stays."""

import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from monitor import Detector
from monitor.features import Columns, Tabular

ROWS = 400
Column = Callable[[np.random.Generator], Any]


def refused(column: Any) -> str | None:
    frame = pd.DataFrame({"x": column, "amount": np.random.default_rng(1).normal(size=len(column))})
    return Tabular.fit(frame, Columns()).refused.get("x")


def shuffled_a_little(rng: np.random.Generator, rows: int = ROWS) -> np.ndarray:
    return np.argsort(np.arange(rows) + rng.uniform(0, 5, rows))


NAMES: dict[str, Column] = {
    "counts": lambda rng: np.arange(ROWS),
    "counts, as floats": lambda rng: np.arange(ROWS) + 1e6,
    "counts, not exactly in order": lambda rng: 70_000 + 3 * shuffled_a_little(rng),
    "counts, as text": lambda rng: [f"TX-{n:06d}" for n in 1_000 + shuffled_a_little(rng)],
    "counts of invoices with several lines": lambda rng: [f"INV/2026/{n // 4:05d}" for n in range(ROWS)],
    "uuids": lambda rng: [str(uuid.UUID(bytes=rng.bytes(16))) for _ in range(ROWS)],
    "uuids that come three times": lambda rng: [str(uuid.UUID(int=n % 133)) for n in rng.permutation(ROWS)],
    "hashes": lambda rng: [rng.bytes(20).hex() for _ in range(ROWS)],
    "e-mail addresses": lambda rng: [f"someone{n // 4}@example.org" for n in rng.permutation(ROWS)],
    "drawn text": lambda rng: [f"C{n}" for n in rng.integers(10**6, 10**7, ROWS)],
    "free text": lambda rng: [" ".join(rng.choice(["late", "rain", "order", "again"], 9)) for _ in range(ROWS)],
    "long text that comes back": lambda rng: [f"{'please call back soon ' * 5}{n}" for n in rng.integers(0, 90, ROWS)],
    "drawn numbers": lambda rng: rng.integers(10**6, 10**7, ROWS),
    "customer numbers out of order": lambda rng: rng.permutation(10_000_000 + np.arange(ROWS)),
    "telephone numbers": lambda rng: 491_700_000_000 + rng.integers(0, 10**9, ROWS) ** 2 // 10**9,
    "seconds since 1970": lambda rng: 1_700_000_000 + rng.permutation(ROWS) * 61,
    "a few rows, each named": lambda rng: [f"name {n}" for n in range(30)],
}  # fmt: skip

QUANTITIES: dict[str, Column] = {
    "cents": lambda rng: rng.gamma(2, 30_000, ROWS).astype(int),
    "a pressure in pascals": lambda rng: rng.normal(101_325, 500, ROWS).round(),
    "a pressure in hectopascals": lambda rng: rng.normal(101_325_000, 500_000, ROWS).round() / 100_000,
    "seconds of the day": lambda rng: rng.integers(0, 86_400, ROWS),
    "bytes": lambda rng: np.exp(rng.normal(15, 3, ROWS)).astype(int),
    "a level that rises": lambda rng: np.arange(ROWS) * 0.5 + rng.normal(0, 0.01, ROWS),
    "few whole numbers in order": lambda rng: np.arange(ROWS) // 40,
    "postcodes": lambda rng: rng.choice([f"{n:05d}" for n in range(1_000, 1_150)], ROWS),
    "merchants": lambda rng: rng.choice([f"Bäckerei {n} am Markt" for n in range(150)], ROWS),
    "devices by uuid": lambda rng: rng.choice([str(uuid.UUID(int=n)) for n in range(30)], ROWS),
    "mostly empty notes": lambda rng: [f"note {n}" if n % 3 == 0 else "" for n in range(ROWS)],
    "few rows, few words": lambda rng: rng.choice(["red", "green"], 30),
    "one word": lambda rng: ["same"] * ROWS,
}


@pytest.mark.parametrize("name", NAMES)
def test_a_column_that_names_rows_is_refused_with_its_reason(name: str) -> None:
    reason = refused(NAMES[name](np.random.default_rng(0)))
    assert reason is not None
    assert "distinct values in" in reason
    assert "categorical" in reason


@pytest.mark.parametrize("name", QUANTITIES)
def test_a_column_that_says_how_a_row_is_stays(name: str) -> None:
    assert refused(QUANTITIES[name](np.random.default_rng(0))) is None


def test_the_reason_says_what_was_seen() -> None:
    words = {"uuids": "holds UUIDs", "hashes": "hashes", "counts": "counts the rows up", "drawn numbers": "7 digits",
             "long text that comes back": "free text", "telephone numbers": "12 digits"}  # fmt: skip
    for name, expected in words.items():
        assert expected in str(refused(NAMES[name](np.random.default_rng(0)))), name


def test_an_identifier_that_was_named_as_categorical_is_used() -> None:
    frame = pd.DataFrame({"id": [f"tx-{n}" for n in range(ROWS)]})
    assert Tabular.fit(frame, Columns(categorical=("id",))).fields == ["id"]


def test_codes_with_leading_zeros_are_categories_and_not_numbers() -> None:
    frame = pd.DataFrame({"postcode": ["01067", "10115", "80331"] * 40})
    assert Tabular.fit(frame, Columns()).encoders[0].kind == "category"


def test_a_detector_that_draws_its_rows_still_sees_that_a_column_counts_them() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"row": np.arange(300), "heat": rng.normal(size=300)})
    detector = Detector(objective="vanilla", seed=0).fit(frame)
    assert detector.fields == ["heat"]
    assert "counts the rows up" in detector.version_facts["refused"]["row"]
