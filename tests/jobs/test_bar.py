"""Where a sensor's bar begins anew: what another rule or another time left is no beginning."""

from dataclasses import replace

import pytest
import seed

from monitor.domain.monitor import Alerts, Document
from monitor.jobs import budget
from monitor.jobs.apply import apply
from monitor.jobs.context import Context
from monitor.scheduling import run_now
from monitor.storage import configuration, monitors, versions
from monitor.storage.database import Database
from monitor.storage.versions import Version

PUMP = "pump-line-3"


@pytest.fixture
def database(database: Database) -> Database:
    """The champion of pump-line-3 left a level."""
    seed.fill(database, days=1)
    return database


def champion(context: Context, name: str = PUMP) -> Version:
    with context.database.read() as session:
        found = versions.champion(session, monitors.named(session, name).monitor_id)
    assert found is not None
    return found


def change(context: Context, **alerts: object) -> None:
    with context.database.read() as session:
        present = configuration.current(session)
    wanted = [
        m.model_copy(update={"alerts": Alerts.model_validate(m.alerts.model_dump(mode="json") | alerts)})
        if m.name == PUMP else m
        for m in present.monitors
    ]  # fmt: skip
    apply(context, Document(monitors=wanted, channels=present.channels), "ben")


def test_a_rule_changed_in_the_file_lets_the_bar_begin_at_its_cutoff(context: Context) -> None:
    assert champion(context).threshold == 0.0002
    change(context, gap="45m")
    assert champion(context).threshold == 0.0002
    change(context, budget=None, fdr=0.1)
    assert champion(context).threshold is None


def test_a_budget_set_on_the_dashboard_lets_the_bar_begin_at_its_cutoff(context: Context) -> None:
    with context.database.write() as session:
        seen = monitors.named(session, PUMP).config.alerts
        budget.set_budget(session, PUMP, 7, seen, "ana", context.now())
    assert champion(context).threshold is None


def test_a_batch_that_was_begun_under_another_rule_leaves_no_level(context: Context) -> None:
    begun = champion(context)
    change(context, budget=None, fdr=0.1)
    with context.database.write() as session:
        versions.advance(session, begun, begun.scored_through + 1, 0.0)
    went_on = champion(context)
    assert went_on == replace(begun, scored_through=begun.scored_through + 1, threshold=None)
    with context.database.write() as session:
        versions.advance(session, went_on, went_on.scored_through + 1, 0.01)
    assert champion(context).threshold == 0.01


def test_a_version_that_comes_back_begins_at_the_cutoff(context: Context) -> None:
    name = "card-payments"
    with context.database.read() as session:
        back = versions.numbered(session, monitors.named(session, name).monitor_id, 39)
    assert back.threshold is not None
    run_now(context, "promote", name, "ana", counts={"version_id": back.version_id, "by_hand": True})
    assert (champion(context, name).number, champion(context, name).threshold) == (39, None)
