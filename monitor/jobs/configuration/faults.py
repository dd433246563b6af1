"""What the model of the configuration finds wrong, in words: the value got and what is legal."""

import difflib
import re
import reprlib
from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError

from monitor.domain import monitor as model
from monitor.jobs.configuration.tree import Fault, Path, Tree

PARTS: dict[str | int, type[BaseModel]] = {
    "monitors": model.Monitor,
    "channels": model.Webhook,
    "webhook": model.Webhook,
    "email": model.Email,
    "files": model.FilesSource,
    "sql": model.SqlSource,
    "host": model.HostSource,
    "time": model.EventTime,
    "fields": model.Fields,
    "model": model.Model,
    "schedule": model.Schedule,
    "alerts": model.Alerts,
    "retention": model.Retention,
}
CHANNELS = ("webhook", "email")
EXPECTED = {
    "list": "a list, such as [a, b]",
    "string": "text; put it in quotes",
    "float": "a number",
    "finite": "a finite number",
    "int": "a whole number",
    "bool": "true or false",
    "tuple": "a pair, such as [0, null]",
    "model": "keys and values",
    "dict": "keys and values",
}
SILENT = {"url", "secret", "path", "query"}  # keys whose values may hold a secret and are never repeated
SHORT = reprlib.Repr()  # references can make the values of a small file endless
SHORT.maxlevel, SHORT.maxstring, SHORT.maxother = 2, 60, 60
ROUNDS = 5


def of_model(tree: Tree) -> Iterator[Fault]:
    """Every fault the model finds.

    A rule over several keys is only reached once each of them is right, so what is wrong is taken out and the rest
    is looked at again.
    """
    value, gone = tree.value, set[Path]()  # whose absence is then no news
    for _ in range(ROUNDS):
        try:
            model.Document.model_validate(value)
            return
        except ValidationError as found:
            errors = [dict(e) for e in found.errors(include_url=False)]
        yield from (tree.fault(*_explained(e)) for e in errors if e["loc"] and _path(e) not in gone)
        wrong = {_path(e) for e in errors if e["type"] != "missing" and not _of_whole(e)}
        if not wrong:
            return
        value, gone = _without(value, wrong), gone | wrong


def _of_whole(error: dict[str, Any]) -> bool:
    """Whether it is a rule over the keys of a part, which stays as it is."""
    return error["type"] == "value_error" and isinstance(error["input"], dict)


def _path(error: dict[str, Any]) -> Path:
    """The place in the file: the kind that chose the source's or the channel's model is no key there."""
    loc: Path = error["loc"]
    if len(loc) > 3 and loc[0] == "channels" and loc[2] in CHANNELS:
        return loc[:2] + loc[3:]
    return loc[:3] + loc[4:] if len(loc) > 3 and loc[2] == "source" else loc


def _without(value: Any, wrong: Iterable[Path]) -> Any:
    """A copy down those paths in which their ends are left out."""
    below: dict[str | int, list[Path]] = {}
    for path in wrong:
        below.setdefault(path[0], []).append(path[1:])
    if isinstance(value, dict):
        return {
            k: _without(v, below[k]) if k in below else v
            for k, v in value.items()
            if () not in below.get(k, [])
        }
    if isinstance(value, list):
        listed = enumerate(value)
        return [_without(v, below[n]) if n in below else v for n, v in listed if () not in below.get(n, [])]
    return value


def _explained(error: dict[str, Any]) -> tuple[Path, str]:
    path, kind, got = _path(error), error["type"], error["input"]
    if kind == "missing":
        return path, "is missing" + _choices(_annotation(error["loc"]))
    if kind == "extra_forbidden":
        return path, _unknown(str(path[-1]), _part(error["loc"][:-1]))
    if kind == "union_tag_not_found":
        return (*path, "kind"), "is missing" + _choices_of(_kinds(path))
    if kind == "union_tag_invalid":
        return (*path, "kind"), _illegal(error["ctx"]["tag"], _kinds(path))
    if kind == "literal_error":
        return path, _illegal(got, re.findall(r"'([^']*)'", error["ctx"]["expected"]))
    if kind == "value_error":
        return path, str(error["ctx"]["error"])
    silent = bool(SILENT & {str(step) for step in path})
    return (
        path,
        f"got {'a value that is not repeated here' if silent else _shown(got)}; expected {_expected(error)}",
    )


def _expected(error: dict[str, Any]) -> str:
    word = str(error["type"]).split("_")[0]
    return EXPECTED.get(word) or re.sub(r"^Input should (be |have )?", "", str(error["msg"]))


def _shown(value: Any) -> str:
    return SHORT.repr(value)


def _illegal(got: Any, legal: list[str]) -> str:
    near = difflib.get_close_matches(str(got), legal, 1)
    return (
        f"{_shown(got)} is not legal;"
        + (f" did you mean {near[0]}?" if near else "")
        + _choices_of(legal)[1:]
    )


def _unknown(key: str, part: type[BaseModel]) -> str:
    legal = list(part.model_fields)
    near = difflib.get_close_matches(key, legal, 1)
    return f"unknown key;{f' did you mean {near[0]}?' if near else ''} legal: {', '.join(legal)}"


def _part(loc: Path) -> type[BaseModel]:
    return next((PARTS[step] for step in reversed(loc) if step in PARTS), model.Document)


def _annotation(loc: Path) -> Any:
    field = _part(loc[:-1]).model_fields.get(str(loc[-1]))
    return field.annotation if field else None


def _kinds(path: Path) -> list[str]:
    if path[0] == "channels":
        return list(CHANNELS)
    return [k for k in PARTS if k in ("files", "sql", "host")]


def _choices(annotation: Any) -> str:
    return _choices_of(list(get_args(annotation))) if get_origin(annotation) is Literal else ""


def _choices_of(legal: list[str]) -> str:
    words = [f"'{word}'" for word in legal]
    listed = " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
    return f"; write {listed}"
