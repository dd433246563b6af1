"""add: from somebody's own file to its first alerts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from monitor.jobs.configuration import parse


@pytest.fixture
def boiler(tmp_path: Path) -> None:
    draw = np.random.default_rng(7)
    load = draw.normal(50, 5, 700)
    at = pd.Timestamp("2026-03-01", tz="UTC") + pd.to_timedelta(draw.exponential(300, 700).cumsum(), "s")
    heat = load * 0.8 + draw.normal(0, 1, 700)
    frame = pd.DataFrame({"id": draw.permutation(700), "at": at, "load": load, "heat": heat})
    frame.loc[695:, "heat"] += 90.0
    frame.to_csv(tmp_path / "boiler.csv", index=False)


@pytest.mark.usefixtures("boiler")
def test_a_proposal_changes_nothing_and_its_yaml_can_be_kept(shell: Any) -> None:
    code, out, err = shell("add", "boiler.csv")
    assert code == 0
    assert parse(out).monitors[0].key == ["id"]
    assert "Nothing was changed" in err
    assert json.loads(shell("status", "--json")[1]) == {"monitors": [], "channels": []}


@pytest.mark.slow
@pytest.mark.usefixtures("boiler")
def test_with_yes_it_pulls_trains_replays_and_counts_the_alerts(shell: Any) -> None:
    code, out, _ = shell("add", "boiler.csv", "--name", "boiler", "--yes", "--json")
    assert code == 0
    done = json.loads(out)
    assert done["result"]["alerts"] >= 1
    assert "different in each of the first 700 rows" in done["reasons"]["key"]
    assert set(done["fields"]) == {"id", "at", "load", "heat"}
    code, out, _ = shell("versions", "list", "boiler", "--json")
    assert [v["state"] for v in json.loads(out)] == ["champion"]
    code, _, err = shell("add", "boiler.csv", "--yes")
    assert code == 1
    assert "there is a monitor 'boiler' already; choose another with --name" in err
