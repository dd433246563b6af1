"""Which columns are more than fields: identity, time, entity, truth."""

from dataclasses import dataclass

from monitor.domain.monitor import Monitor


@dataclass(frozen=True)
class Roles:
    """Column names as the source has them; time None means arrival."""

    key: list[str]
    time: str | None
    zone: str
    entity: str | None
    label: str | None

    @property
    def columns(self) -> dict[str, str]:
        """column -> what it is, for everything that is not stored as a field."""
        named = {self.time: "the event time, kept as event_at", self.entity: "the entity, kept as entity"}
        named |= {self.label: "the known truth, never a feature"}
        named |= dict.fromkeys(self.key, "the key, kept as source_key")
        return {name: why for name, why in named.items() if name is not None}

    @property
    def required(self) -> list[str]:
        """Columns without which no row can be used."""
        return [*self.key, *[name for name in (self.time, self.entity) if name is not None]]


def roles(monitor: Monitor) -> Roles:
    """The configuration's roles; the host's own samples carry their time and name."""
    host = monitor.source.kind == "host"
    time = monitor.time.field if monitor.time else "time" if host else None
    zone = monitor.time.zone if monitor.time else "UTC"
    return Roles(monitor.key, time, zone, monitor.entity or ("host" if host else None), monitor.label)
