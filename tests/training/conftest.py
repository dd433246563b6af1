"""Small frames whose oddness is known."""

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def table() -> pd.DataFrame:
    """600 rows: two fields that go together, one alone, one of categories."""
    rng = np.random.default_rng(0)
    size = rng.normal(0, 1, 600)
    return pd.DataFrame(
        {
            "amount": 100 + 20 * size + rng.normal(0, 1, 600),
            "weight": 10 + 2 * size + rng.normal(0, 0.1, 600),
            "noise": rng.normal(0, 1, 600),
            "country": rng.choice(["DE", "FR"], 600, p=[0.8, 0.2]),
        }
    )


@pytest.fixture(scope="session")
def broken(table: pd.DataFrame) -> pd.DataFrame:
    """Four rows: as usual, a pair that does not go together, a value far off, a country never seen."""
    usual = pd.DataFrame({"amount": 100.0, "weight": 10.0, "noise": 0.0, "country": "DE"}, index=range(4))
    usual.loc[1, "weight"] = 14.0
    usual.loc[2, "noise"] = 30.0
    usual.loc[3, "country"] = "XX"
    return usual.set_index(pd.Index(["a", "b", "c", "d"]))


def machine(rows: int, name: str, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    turn = np.arange(rows) / 6 + seed
    return pd.DataFrame(
        {
            "time": pd.date_range("2026-01-01", periods=rows, freq="1min", tz="UTC"),
            "machine": name,
            "heat": 50 + 5 * np.sin(turn) + rng.normal(0, 0.3, rows),
            "load": 10 + np.cos(turn) + rng.normal(0, 0.1, rows),
        }
    )


@pytest.fixture(scope="session")
def series() -> pd.DataFrame:
    """Two machines of 700 samples each, the second with a gap."""
    second = machine(760, "b", 2).drop(index=range(400, 460))
    return pd.concat([machine(700, "a", 1), second], ignore_index=True)
