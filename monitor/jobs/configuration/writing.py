"""A document as YAML that reads back as the very same document."""

import io
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from monitor.domain.monitor import Document, Monitor, read_budget

WIDTH = 1 << 20  # characters; lines are not folded, so that a query stays in one piece


def dump(document: Document) -> str:
    """YAML without what is default.

    >>> print(dump(Document()))
    monitors: []
    <BLANKLINE>
    """
    text, yaml = io.StringIO(), YAML()
    yaml.width = WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    parts = {"monitors": [_monitor(m) for m in document.monitors]}
    if document.channels:
        parts["channels"] = [c.model_dump(mode="json", exclude_defaults=True) for c in document.channels]
    yaml.dump(_styled(parts), text)
    return text.getvalue()


def _styled(value: Any) -> Any:
    """Texts of several lines as they are; others that hold what cannot be seen with escapes."""
    if isinstance(value, dict):
        return {_styled(k): _styled(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_styled(v) for v in value]
    if not isinstance(value, str) or value.isprintable():
        return value
    lines = value.removesuffix("\n").split("\n")
    if all(line.isprintable() and line == line.strip() and line for line in lines):
        return LiteralScalarString(value)
    return DoubleQuotedScalarString(value)


def _monitor(monitor: Monitor) -> dict[str, Any]:
    kept = monitor.model_dump(mode="json", exclude_defaults=True)
    if monitor.alerts.budget is not None:
        kept["alerts"] = {"budget": budget(monitor.alerts.budget)} | {
            k: v for k, v in kept.get("alerts", {}).items() if k != "budget"
        }
    return kept


def budget(alerts: float) -> str | float:
    """Alerts a day as people write them.

    >>> budget(20.0), budget(0.5), budget(1e-9)
    ('20/day', '0.5/day', 1e-09)
    """
    text = f"{alerts:g}/day"
    try:
        return text if read_budget(text) == alerts else alerts
    except ValueError:
        return alerts
