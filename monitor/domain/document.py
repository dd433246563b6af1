"""What differs between two configurations: pure, so that a plan says what an apply will do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from monitor.domain.monitor import Document, Monitor, Webhook

# once rows are stored, what they are identified by cannot change under them
IDENTITY = ("kind", "source.kind", "source.cursor", "key", "time", "entity", "label")
RETRAIN = ("fields.", "model.")  # a change below these shows after the next training


@dataclass(frozen=True)
class Difference:
    """One monitor or channel that is added, changed or removed; ``fields`` has (path, before, after)."""

    kind: Literal["add", "change", "remove"]
    what: Literal["monitor", "channel"]
    name: str
    fields: tuple[tuple[str, Any, Any], ...] = ()

    def lines(self) -> list[str]:
        """The difference as people read it."""
        sign = {"add": "+", "change": "~", "remove": "-"}[self.kind]
        note = (
            " (takes effect at the next training)"
            if any(p.startswith(RETRAIN) for p, _, _ in self.fields)
            else ""
        )
        return [f"{sign} {self.what} {self.name}{note}"] + [
            f"    {p}: {a!r} -> {b!r}" for p, a, b in self.fields
        ]

    @property
    def identity(self) -> list[str]:
        """Changed fields that rows are identified by."""
        return [p for p, _, _ in self.fields if any(p == i or p.startswith(f"{i}.") for i in IDENTITY)]


def differences(before: Document, after: Document) -> list[Difference]:
    """What turns ``before`` into ``after``; empty when they mean the same."""
    return [
        *_each("monitor", before.monitors, after.monitors),
        *_each("channel", before.channels, after.channels),
    ]


def _each(
    what: Literal["monitor", "channel"],
    before: Sequence[Monitor] | Sequence[Webhook],
    after: Sequence[Monitor] | Sequence[Webhook],
) -> Iterable[Difference]:
    old = {part.name: part.model_dump(mode="json") for part in before}
    new = {part.name: part.model_dump(mode="json") for part in after}
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            yield Difference("add", what, name)
        elif name not in new:
            yield Difference("remove", what, name)
        elif changed := tuple(_fields("", old[name], new[name])):
            yield Difference("change", what, name, changed)


def _fields(path: str, before: Any, after: Any) -> Iterable[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _fields(f"{path}.{key}" if path else key, before.get(key), after.get(key))
    elif before != after:
        yield path, before, after
