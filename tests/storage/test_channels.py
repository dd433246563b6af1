"""Which channels want to hear of an alert."""

import pytest
import sqlalchemy as sa

from monitor.jobs.context import Context
from monitor.storage import channels, tables


@pytest.mark.parametrize(
    ("severity", "wanting"),
    [
        (1, ["all"]),
        (2, ["all", "medium"]),
        (3, ["all", "high", "medium"]),
        (4, ["all", "critical", "high", "medium"]),
    ],
)
def test_a_channel_is_told_of_what_is_as_severe_as_it_asks_for(
    context: Context, severity: int, wanting: list[str]
) -> None:
    least = {
        "all": "low",
        "medium": "medium",
        "high": "high",
        "critical": "critical",
        "gone": "low",
        "unnamed": "low",
    }
    with context.database.write() as session:
        for name, word in least.items():
            document = {"name": name, "kind": "webhook", "url": "https://example.org", "severity": word}
            gone = context.now() if name == "gone" else None
            session.execute(sa.insert(tables.channels).values(name=name, document=document, deleted_at=gone))
    with context.database.read() as session:
        named = [name for name in least if name != "unnamed"]
        assert sorted(channels.wanting(session, named, severity)) == wanting
        assert channels.wanting(session, [], severity) == []
