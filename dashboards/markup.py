"""HTML from templates: every value is escaped unless a template or a chart made it."""

from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, select_autoescape

from monitor.domain import writing
from monitor.domain.alert import SEVERITIES

FILES = resources.files("dashboards")


def read(name: str) -> str:
    """A file of this package: ``assets/inbox.js``, ``templates/row.html``."""
    return FILES.joinpath(name).read_text(encoding="utf-8")


TEMPLATES = Environment(
    loader=FunctionLoader(lambda name: read(f"templates/{name}")),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.globals.update(
    {name: getattr(writing, name) for name in ("clock", "count", "counted", "day", "duration", "full", "moment",
                                               "money", "odds", "percent")}
    | {"severities": SEVERITIES}
)  # fmt: skip


def render(template: str, **values: Any) -> str:
    """Fill ``templates/<template>.html``."""
    return TEMPLATES.get_template(f"{template}.html").render(**values)
