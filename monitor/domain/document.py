"""What differs between two configurations: pure, so that a plan says what an apply will do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from monitor.domain.field import Schema
from monitor.domain.monitor import Channel, Document, Monitor

IDENTITY = ("kind", "source.kind", "source.cursor", "key", "time", "entity", "label")  # what a stored row is
SETTLED = ("fields.include", "fields.categorical")  # became columns and their types at the first pull
READ = (*IDENTITY, "source", "fields", "value")  # how rows are read; begun anew while none is stored
RULE = ("alerts.budget", "alerts.fdr", "alerts.p_value")  # what turns p-values into outliers
RETRAIN = ("fields.exclude", "model")  # shows after the next training
Change = tuple[str, Any, Any]  # path, before, after


@dataclass(frozen=True)
class Difference:
    """One monitor or channel that is added, changed or removed."""

    kind: Literal["add", "change", "remove"]
    what: Literal["monitor", "channel"]
    name: str
    fields: tuple[Change, ...] = ()

    def lines(self) -> list[str]:
        """The difference as people read it."""
        sign = {"add": "+", "change": "~", "remove": "-"}[self.kind]
        note = " (takes effect at the next training)" if self.retrain else ""
        return [f"{sign} {self.what} {self.name}{note}"] + [
            f"    {p}: {a!r} -> {b!r}" for p, a, b in self.fields
        ]

    def within(self, parts: Sequence[str]) -> list[str]:
        """Those of ``parts`` that changed, in whole or in a part."""
        return [part for part in parts if any(_overlap(path, part) for path, _, _ in self.fields)]

    @property
    def retrain(self) -> bool:
        return bool(self.within(RETRAIN))


def differences(before: Document, after: Document) -> list[Difference]:
    """What turns ``before`` into ``after``; empty when they mean the same."""
    return [
        *_each("monitor", before.monitors, after.monitors),
        *_each("channel", before.channels, after.channels),
    ]


def conflicts(base: Document, present: Document, wanted: Document) -> list[Difference]:
    """What was changed since ``base`` and would be undone by ``wanted``; what it takes over is no conflict."""
    undoing = {(d.what, d.name): d for d in differences(present, wanted) if d.kind != "remove"}
    found = []
    for drift in differences(base, present):
        undone = undoing.get((drift.what, drift.name))
        if undone is None or drift.kind == "add":
            continue
        paths = [path for path, _, _ in undone.fields]
        kept = tuple(f for f in drift.fields if any(_overlap(f[0], path) for path in paths))
        if kept or drift.kind == "remove":
            found.append(replace(drift, fields=kept))
    return found


def objections(change: Difference, after: Monitor, schema: Schema) -> list[str]:
    """Why the stored rows of a monitor stand against a change; empty where they do not.

    schema: the fields as they were pinned at the first pull.
    """
    found = []
    if identity := change.within(IDENTITY):
        found.append(f"{', '.join(identity)} {'say' if len(identity) > 1 else 'says'} what a stored row is")
    found += [f"{part} was settled at the first pull" for part in change.within(SETTLED)]
    types = {f.name: f.type for f in schema}
    if change.within(("value",)) and after.value is not None:
        found += _numeric("value", after.value, types)
    if change.within(("fields.range",)):
        found += [words for name in after.fields.range for words in _numeric("fields.range", name, types)]
    for path, before, now in change.fields:
        if path == "fields.exclude":
            gone = [name for name in before if name not in now and name not in types]
            found += [
                f"fields.exclude: {name!r} was left out at the first pull and is not stored" for name in gone
            ]
    return [f"{words}; give the monitor a new name to begin anew" for words in found]


def _numeric(part: str, name: str, types: dict[str, Any]) -> list[str]:
    if name not in types:
        return [f"{part}: there is no stored field {name!r}"]
    return (
        []
        if types[name] in ("number", "integer")
        else [f"{part}: {name!r} is stored as {types[name]}, expected a number"]
    )


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


def _each(
    what: Literal["monitor", "channel"],
    before: Sequence[Monitor] | Sequence[Channel],
    after: Sequence[Monitor] | Sequence[Channel],
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


def _fields(path: str, before: Any, after: Any) -> Iterable[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _fields(f"{path}.{key}" if path else key, before.get(key), after.get(key))
    elif before != after:
        yield path, before, after
