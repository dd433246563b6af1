"""What a person writes in ``monitors.yaml``: one model, stored as that very document."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

from monitor.domain.schedule import Cron, Duration, Zone, parse_duration, write_duration


class Part(BaseModel):
    """Unknown keys are faults, and a part does not change after it was read."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False
    )  # no database stores those as JSON


class FilesSource(Part):
    """CSV and Parquet by path, glob or any fsspec URL."""

    kind: Literal["files"]
    path: str
    format: Literal["auto", "csv", "parquet"] = "auto"


class SqlSource(Part):
    """Any SQLAlchemy URL; the product wraps the query with the keyset predicate, the order and the limit."""

    kind: Literal["sql"]
    url: str
    query: str
    cursor: Annotated[list[str], Field(min_length=1)]


class HostSource(Part):
    """This machine's CPU, memory, disk and network."""

    kind: Literal["host"]
    interval: Duration = timedelta(seconds=10)


Source = Annotated[FilesSource | SqlSource | HostSource, Field(discriminator="kind")]


class EventTime(Part):
    """When a row happened, and the zone of times that carry none."""

    field: str
    zone: Zone = "UTC"


def read_time(value: object) -> object:
    return {"field": value} if isinstance(value, str) else value


def read_range(bounds: tuple[float | None, float | None]) -> tuple[float | None, float | None]:
    low, high = bounds
    if low is not None and high is not None and low > high:
        raise ValueError(f"[{low:g}, {high:g}] is empty; write [low, high], null for no limit")
    return bounds


Range = Annotated[tuple[float | None, float | None], AfterValidator(read_range)]


class Fields(Part):
    """What the model may see; omitted, it is inferred at the first pull and then pinned."""

    include: list[str] | None = None
    exclude: list[str] = []
    categorical: list[str] = []
    range: dict[str, Range] = {}
    unit: dict[str, str] = {}


class Model(Part):
    """Which autoencoder, whether its training rows may hold unlabelled anomalies, and whether a table's rows are set
    against earlier rows of their entity."""

    objective: Literal["auto", "vanilla", "sparse", "denoising", "variational"] = "auto"
    contaminated: bool = True
    history: bool = True
    seed: int = 0


class Schedule(Part):
    """How often rows are pulled, how late they may be, and when the nightly training starts."""

    pull: Duration = timedelta(minutes=5)
    delay: Duration = timedelta(0)
    train: Cron = "0 2 * * *"
    timezone: Zone = "UTC"

    @model_validator(mode="after")
    def _pull_is_positive(self) -> Self:
        if self.pull < timedelta(seconds=1):
            raise ValueError("pull must be at least 1s")
        return self


def read_budget(value: object) -> object:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*/\s*day\s*", str(value))
    if isinstance(value, str) and not match:
        raise ValueError(f"{value!r} is not a budget; write alerts a day, such as 20/day")
    return float(match[1]) if match else value


class Alerts(Part):
    """What turns p-values into outliers, and outliers into alerts: exactly one of budget, fdr, p_value."""

    budget: Annotated[float, BeforeValidator(read_budget), Field(gt=0)] | None = None
    fdr: Annotated[float, Field(gt=0, lt=1)] | None = None
    p_value: Annotated[float, Field(gt=0, lt=1)] | None = None
    min_duration: Duration = timedelta(0)
    of: Annotated[str, Field(pattern=r"^[1-9]\d*/[1-9]\d*$")] = "1/1"
    direction: Literal["both", "up", "down"] = "both"
    floor: dict[str, float] = {}
    gap: Duration = timedelta(minutes=30)

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        given = [n for n in ("budget", "fdr", "p_value") if getattr(self, n) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other; give one of budget, fdr, p_value")
        if not given:
            object.__setattr__(self, "budget", 20.0)
        k, n = map(int, self.of.split("/"))
        if k > n:
            raise ValueError(f"of: {self.of!r} asks for more rows than it looks at; write 2/3, not 3/2")
        return self


def read_kept(value: object) -> object:
    if value is None:
        return None
    kept = parse_duration(value)
    if kept < timedelta(days=1):
        raise ValueError(
            f"{value!r} is less than a day; write days, such as 400d, or null to keep it for ever"
        )
    return kept


Kept = Annotated[
    timedelta | None,
    BeforeValidator(read_kept),
    PlainSerializer(lambda kept: None if kept is None else write_duration(kept), return_type=str | None),
]


class Retention(Part):
    """How long rows stay; null is for ever. What people were shown goes only where somebody wrote so."""

    readings: Kept = None
    scores: Kept = None
    alerts: Kept = None
    quarantine: Kept = None
    runs: Kept = timedelta(days=30)
    notifications: Kept = timedelta(days=90)


def check_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,39}", name):
        raise ValueError(
            f"{name!r} is not a name; a small letter, then up to 39 small letters, digits and hyphens"
        )
    return name


Name = Annotated[str, AfterValidator(check_name)]


class Monitor(Part):
    """One watched source: where its rows come from, what they mean, and who is told."""

    name: Name
    description: str = ""  # shown on the monitor's page
    kind: Literal["tabular", "sensor"]
    source: Source
    key: list[str] = []
    time: Annotated[EventTime, BeforeValidator(read_time)] | None = None
    entity: str | None = None
    fields: Fields = Fields()
    label: str | None = None
    value: str | None = None
    currency: str | None = None
    model: Model = Model()
    schedule: Schedule = Schedule()
    alerts: Alerts = Alerts()
    retention: Retention = Retention()
    queue: Name = "default"
    notify: list[Name] = []

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if self.kind == "sensor" and self.time is None and self.source.kind != "host":
            raise ValueError("kind sensor needs time: the field that says when each sample was taken")
        return self

    @property
    def table(self) -> str:
        return f"readings_{self.name.replace('-', '_')}"


class Webhook(Part):
    """Where changes of alerts are posted; the secret that signs them comes from the environment."""

    name: Name
    kind: Literal["webhook"]
    url: str
    secret: str | None = None
    severity: Literal["low", "medium", "high", "critical"] = "low"


def read_mailbox(address: str) -> str:
    if not re.fullmatch(r"[^\s@<>,;:\"\\]+@[^\s@<>,;:\"\\]+", address) or not address.isprintable():
        raise ValueError(f"{address!r} is not a mail address; write name@example.org")
    return address


Mailbox = Annotated[str, AfterValidator(read_mailbox)]


class Email(Part):
    """Who is written to when alerts change; server, login and password are one address from the environment."""

    name: Name
    kind: Literal["email"]
    url: str  # smtps://login:password@host, smtp+starttls://... or smtp://host
    to: Annotated[list[Mailbox], Field(min_length=1)]
    sender: Mailbox | None = None
    severity: Literal["low", "medium", "high", "critical"] = "low"


Channel = Annotated[Webhook | Email, Field(discriminator="kind")]


class Document(Part):
    """The whole of ``monitors.yaml``."""

    monitors: list[Monitor] = []
    channels: list[Channel] = []

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        faults = [f"monitor {n!r} is there twice" for n in _twice(m.name for m in self.monitors)]
        faults += [f"channel {n!r} is there twice" for n in _twice(c.name for c in self.channels)]
        known = {c.name for c in self.channels}
        for m in self.monitors:
            faults += [
                f"monitor {m.name!r} notifies {n!r}, which is no channel; channels: {sorted(known) or 'none'}"
                for n in m.notify
                if n not in known
            ]
        if faults:
            raise ValueError("; ".join(faults))
        return self


def _twice(names: Iterable[str]) -> list[str]:
    return sorted(name for name, times in Counter(names).items() if times > 1)
