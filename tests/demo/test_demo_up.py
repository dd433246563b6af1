"""The demo's configuration is one that anybody could have written, and preparing twice changes nothing."""

from pathlib import Path

import pytest

from monitor.app import open_context
from monitor.demo.document import demo_document
from monitor.demo.feeder import open_feeds
from monitor.demo.up import prepare
from monitor.jobs.configuration import parse
from monitor.jobs.context import utc_now
from monitor.settings import Settings
from monitor.sources import open_source
from monitor.storage import configuration


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "a home", database_url="")


def test_the_configuration_has_no_fault_and_says_what_is_made_up(tmp_path: Path) -> None:
    said = {m.name: m.description for m in parse(demo_document(tmp_path / "it's a home")).monitors}
    assert list(said) == ["shuttle", "payments", "host"]
    assert "times are made up" in said["shuttle"]
    assert "Simulated" in said["payments"]


def test_each_feed_can_be_read_as_it_is_configured(tmp_path: Path) -> None:
    open_feeds(tmp_path, utc_now())
    document = parse(demo_document(tmp_path / "feeds"))
    rows = {m.name: open_source(m.source).read({}).pulled for m in document.monitors}
    assert rows["shuttle"] > 6_000
    assert rows["payments"] > 10_000


def test_preparing_again_keeps_feeds_and_configuration(settings: Settings) -> None:
    assert prepare(settings) is True
    (settings.home / "monitors.yaml").write_text("monitors: []")  # whatever a person made of it
    assert prepare(settings) is False
    context = open_context(settings)
    with context.database.read() as session:
        assert {m.name for m in configuration.current(session).monitors} == {"shuttle", "payments", "host"}
    context.close()
    assert (settings.home / "monitors.yaml").read_text() == "monitors: []"
