"""Channels, and what a message about a change says."""

from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from monitor.domain.alert import SEVERITIES
from monitor.domain.errors import UnknownError
from monitor.domain.monitor import Channel
from monitor.storage import tables
from monitor.storage.monitors import CALLED

C = tables.channels.c
CHANNEL: TypeAdapter[Channel] = TypeAdapter(Channel)


def get(session: Session, name: str) -> Channel:
    document = session.scalar(sa.select(C.document).where(C.name == name, C.deleted_at.is_(None)))
    if document is None:
        raise UnknownError(
            "channel", name, list(session.scalars(sa.select(C.name).where(C.deleted_at.is_(None))))
        )
    return CHANNEL.validate_python(document)


def wanting(session: Session, names: list[str], severity: int) -> list[str]:
    """Those of the named channels that are sent changes of alerts this severe (1 low .. 4 critical)."""
    least = {word: number for number, word in SEVERITIES.items()}
    rows = session.execute(sa.select(C.name, C.document).where(C.name.in_(names), C.deleted_at.is_(None)))
    return [name for name, document in rows if severity >= least[document["severity"]]]


def change(session: Session, change_id: int) -> dict[str, Any]:
    """What happened to which alert, ready for JSON."""
    a, c = tables.alerts.c, tables.alert_changes.c
    row = session.execute(
        sa.select(c.kind, c.at, a.public_id, a.entity, a.severity, a.why, a.p_value, a.value, a.members,
                  a.first_event_at, a.last_event_at, a.queue, CALLED.label("monitor"))
        .join_from(tables.alert_changes, tables.alerts, a.alert_id == c.alert_id)
        .join(tables.monitors, tables.monitors.c.monitor_id == a.monitor_id)
        .where(c.change_id == change_id)
    ).one()  # fmt: skip
    facts = {k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in row._mapping.items()}
    return facts | {"severity": SEVERITIES[row.severity], "alert": row.public_id}
