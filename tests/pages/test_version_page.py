"""The page of one version: how it was trained, what the gate measured, and whether its p-values hold."""

from datetime import UTC, datetime

import numpy as np
import pytest
import seed
import sqlalchemy as sa

from dashboards import learning
from dashboards.views import monitors, versions
from monitor.domain.errors import UnknownError
from monitor.domain.version import NOMINAL, Trial, better
from monitor.storage import pages, tables, trained
from monitor.storage.database import Database

M = tables.monitors.c
NOW = datetime(2026, 3, 29, 14, 30, tzinfo=UTC)


@pytest.fixture
def database(database: Database) -> Database:
    seed.fill(database, NOW, days=2)
    return database


def page(database: Database, number: int, name: str = "card-payments") -> str:
    with database.read() as session:
        return versions.compose(session, name, number, NOW)


def test_a_version_tells_how_it_was_trained_and_how_it_came_to_be(database: Database) -> None:
    html = page(database, 41)
    for part in ("v41, champion", "1,204,118 rows", "2 Jan 2026, 01:00 to 29 Mar 2026, 00:00", "61 rows",
                 "denoising", "41 s", "a wide denoising network fits best", "promoted over v39 by the gate",
                 "at least 0.942",
                 "at most 40.0", "unseen rows", "the p-values mean what they say", "Pin v41",
                 'data-go="version:39"', 'data-go="left:41:1"'):  # fmt: skip
        assert part in html, part


@pytest.mark.parametrize(
    ("name", "number"), [("card-payments", 39), ("card-payments", 40), ("cold-storage", 1)]
)
def test_a_version_of_an_earlier_release_says_what_is_not_stored(
    database: Database, name: str, number: int
) -> None:
    html = page(database, number, name)
    assert "No curve is stored" in html and "Not measured" in html


def test_each_column_that_no_version_learns_from_is_named_with_its_reason(database: Database) -> None:
    with database.write() as session:
        stored = session.scalar(sa.select(M.fields).where(M.name == "card-payments"))
        uuid = {"name": "payment_uuid", "type": "text", "reason": "each value is another"}
        away = {"name": "card_no", "reason": "excluded by the configuration"}
        fields = {"fields": [*stored["fields"], uuid], "left_out": [away]}
        session.execute(sa.update(tables.monitors).where(M.name == "card-payments").values(fields=fields))
        watched = pages.fleet(session, "card-payments")[0]
        whole = "".join(monitors.compose(session, watched, 1, "", NOW, None))
    html = page(database, 41)
    for words in ("payment_uuid was not used: text, not learnt from: each value is another",
                  "card_no was not used: excluded by the configuration",
                  "note was not used: its values are all different"):  # fmt: skip
        assert html.count(words) == 1, words
    assert '<td class="dim">payment_uuid<td class="dim">left out, text' in whole


def test_a_version_that_is_not_there_names_those_that_are(database: Database) -> None:
    with pytest.raises(UnknownError, match="known: v41, v40, v39"):
        page(database, 7)


def test_live_calibration_counts_the_versions_own_scores_of_rows_it_did_not_learn_from(
    database: Database,
) -> None:
    with database.write() as session:
        version = trained.version(session, 1, 41)
        other = {"version_id": version.version_id + 99}
        rows = [
            {"reading_id": seed.reading_id(1, n), "version_id": version.version_id, "score": 1.0,
             "p_value": (n + 0.5) / 1000, "scored_at": NOW} | (other if n < 10 else {})
            for n in range(1000)
        ]  # fmt: skip
        session.execute(sa.insert(tables.scores), rows)
        session.execute(
            sa.update(tables.versions)
            .where(tables.versions.c.number == 41)
            .values(trained_through=seed.reading_id(1, 499))
        )
    with database.read() as session:
        count, below = trained.live(session, trained.version(session, 1, 41))
    assert (count, dict(below)[0.5], dict(below)[0.2]) == (500, 0, 0)
    assert "newest 500 scores" in page(database, 41)


@pytest.mark.parametrize(("rows", "p"), [(50, 0.02), (400, 0.01), (4000, 0.001), (1194, 0.5), (4000, 0.2)])
def test_the_band_holds_a_true_p_about_95_times_of_100(rows: int, p: float) -> None:
    low, high = learning.band(rows, p)
    drawn = np.random.default_rng(0).binomial(rows, p, 20_000)
    assert 0.94 < ((drawn >= low) & (drawn <= high)).mean() < 0.99


def test_p_values_that_are_too_small_are_told_at_the_first_level_that_shows_it() -> None:
    below = [(p, round(2000 * p)) for p in NOMINAL[:-1]] + [(0.5, 1200)]
    found = learning.calibration(2000, below, 0, [])
    assert found is not None
    assert found.words.startswith(
        "More odd rows than said: 1,200 of 2,000 rows had p at most 0.5, expected were 1,000"
    )


def test_the_gates_limits_are_stored_beside_its_figures() -> None:
    figures = better(Trial(0.95, 30, 500, 480, tuple(range(9))), Trial(0.96, 15, 500), 20).figures
    assert (figures["auroc_least"], figures["flagged_most"]) == (0.94, 40)
    assert figures["calibration"]["rows"] == 480 and figures["calibration"]["below"][1] == [0.002, 1]
    (auroc, flagged) = versions.gate(figures)
    assert (auroc["limit"], auroc["holds"], flagged["limit"]) == ("at least 0.940", True, "at most 40.0")
    assert not versions.gate(figures | {"auroc": 0.93})[0]["holds"]
