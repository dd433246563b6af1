"""What a person may choose of a detector; saved in its bundle."""

from dataclasses import asdict, dataclass
from typing import Any

from monitor.domain.errors import MonitorError
from monitor.features import FEATURES, Columns

OBJECTIVES = ("auto", "vanilla", "sparse", "denoising", "variational")


@dataclass(frozen=True)
class Options:
    """``contaminated``: training rows may hold unlabelled anomalies. ``offline``: scores may use later rows.

    ``history``: rows are set against their entity's earlier ones. ``value``: the number that is summed over these.
    """

    kind: str = "tabular"
    objective: str = "auto"
    contaminated: bool = True
    seed: int = 0
    categorical: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    entity: str | None = None
    time: str | None = None
    offline: bool = False
    history: bool = True
    value: str | None = None

    def __post_init__(self) -> None:
        for name, legal in (("kind", tuple(FEATURES)), ("objective", OBJECTIVES)):
            if getattr(self, name) not in legal:
                raise MonitorError(f"{name} is {getattr(self, name)!r}; expected one of {', '.join(legal)}")
        if self.kind == "sensor" and not self.time:
            raise MonitorError("kind sensor needs the name of the time column; got none")

    @property
    def columns(self) -> Columns:
        history = self.history and self.kind == "tabular" and None not in (self.entity, self.time)
        return Columns(self.categorical, self.exclude, self.entity, self.time, history, self.value)

    def document(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def restore(cls, document: dict[str, Any]) -> "Options":
        lists = {name: tuple(document[name]) for name in ("categorical", "exclude")}
        return cls(**{**document, **lists})
