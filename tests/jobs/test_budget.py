"""A budget set on the dashboard is a revision: shown as drift, written back by an export, undone by one press."""

import pytest

from monitor.domain.errors import Conflict
from monitor.domain.monitor import Alerts, Document
from monitor.jobs import budget
from monitor.jobs.apply import apply, plan
from monitor.jobs.configuration import dump
from monitor.jobs.context import Context
from monitor.storage import audit, configuration

SEEN = Alerts(budget=20, floor={"amount": 5.0})
DOCUMENT = Document.model_validate(
    {
        "monitors": [
            {"name": name, "kind": "tabular", "source": {"kind": "files", "path": "x.csv"},
             "alerts": {"budget": "20/day", "floor": {"amount": 5}}}
            for name in ("cards", "orders")
        ]
    }
)  # fmt: skip


def put(context: Context, number: float, seen: Alerts = SEEN) -> None:
    with context.database.write() as session:
        budget.set_budget(session, "cards", number, seen, "ana", context.now())


def rule(context: Context, name: str = "cards") -> Alerts:
    with context.database.read() as session:
        return next(m.alerts for m in configuration.current(session).monitors if m.name == name)


def test_a_budget_from_the_dashboard_is_drift_and_an_export_writes_it_back(context: Context) -> None:
    apply(context, DOCUMENT, "ben")
    put(context, 30)
    assert rule(context) == Alerts(budget=30, floor={"amount": 5.0}) and rule(context, "orders") == SEEN
    (drift,) = plan(context, DOCUMENT).drift
    assert (drift.name, drift.fields) == ("cards", (("alerts.budget", 20.0, 30.0),))
    with pytest.raises(Conflict, match="undo what was changed on the dashboard, last by ana"):
        apply(context, DOCUMENT, "ben")
    with context.database.read() as session:
        assert "budget: 30/day" in dump(configuration.current(session))
        (entry,) = [e for e in audit.about(session, ["monitor:cards"]) if e.action == "config.changed"]
    assert (entry.actor, entry.detail["fields"]) == ("ana", [["alerts.budget", 20, 30]])


def test_an_undo_restores_the_whole_rule(context: Context) -> None:
    fdr = Alerts(fdr=0.1, floor={"amount": 5.0})
    cards = DOCUMENT.monitors[0].model_copy(update={"alerts": fdr})
    apply(context, Document(monitors=[cards, DOCUMENT.monitors[1]]), "ben")
    put(context, 30, fdr)
    assert rule(context) == SEEN.model_copy(update={"budget": 30.0})
    with context.database.write() as session:
        change = budget.changed(session, "cards")
        assert change is not None and (change.before, change.actor) == (fdr, "ana")
        assert budget.changed(session, "orders") is None
        budget.undo(session, "cards", "ana", context.now())
    assert rule(context) == fdr


def test_a_rule_that_changed_meanwhile_is_not_overwritten(context: Context) -> None:
    apply(context, DOCUMENT, "ben")
    put(context, 30)
    with pytest.raises(Conflict, match="changed meanwhile"):
        put(context, 40)
    assert rule(context).budget == 30


def test_what_a_file_changed_since_cannot_be_undone(context: Context) -> None:
    apply(context, DOCUMENT, "ben")
    put(context, 30)
    apply(context, DOCUMENT, "ben", overwrite=True)
    with context.database.write() as session, pytest.raises(Conflict, match="was changed since"):
        budget.undo(session, "cards", "ana", context.now())
    assert rule(context) == SEEN
