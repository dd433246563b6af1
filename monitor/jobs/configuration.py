"""``monitors.yaml`` in and out: every fault with file and line, all at once."""

import difflib
import io
import re
from pathlib import Path
from typing import Any

from apscheduler.triggers.cron import CronTrigger
from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError

from monitor.domain import monitor as model
from monitor.domain.errors import ConfigurationError
from monitor.domain.monitor import Document

PARTS: dict[str, type[BaseModel]] = {
    "monitors": model.Monitor,
    "channels": model.Webhook,
    "files": model.FilesSource,
    "sql": model.SqlSource,
    "host": model.HostSource,
    "time": model.EventTime,
    "fields": model.Fields,
    "model": model.Model,
    "schedule": model.Schedule,
    "alerts": model.Alerts,
}
PASSWORD = re.compile(r"://[^/@:\s]*:(?!\$\{)[^/@\s]+@")  # a URL with a password written out


def load(path: Path) -> Document:
    """Read and check a configuration.

    Raises:
        ConfigurationError: all faults, each as ``file:line: where: what is wrong and what is legal``.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        raise ConfigurationError([f"{path}: cannot be read: {fault}"]) from fault
    return parse(text, str(path))


def parse(text: str, name: str = "monitors.yaml") -> Document:
    """The document of a YAML text; ``name`` stands in the messages."""
    try:
        node = YAML(typ="rt").load(text)
    except MarkedYAMLError as fault:
        line = fault.problem_mark.line + 1 if fault.problem_mark else 1
        raise ConfigurationError([f"{name}:{line}: not YAML: {fault.problem}"]) from fault
    if not isinstance(node, CommentedMap):
        raise ConfigurationError(
            [f"{name}:1: got {type(node).__name__}; expected the keys monitors and channels"]
        )
    faults = [f"{name}:{line}: {what}" for line, what in _faults(node)]
    if faults:
        raise ConfigurationError(faults)
    return Document.model_validate(plain(node))


def dump(document: Document) -> str:
    """YAML that reads back as the same document; what is default is left out."""
    text = io.StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.dump(_without_defaults(document), text)
    return text.getvalue()


def plain(node: Any) -> Any:
    """The node without its line numbers."""
    if isinstance(node, dict):
        return {str(k): plain(v) for k, v in node.items()}
    return [plain(v) for v in node] if isinstance(node, list) else node


def _without_defaults(document: Document) -> dict[str, Any]:
    kept = document.model_dump(mode="json", exclude_defaults=True)
    for written, monitor in zip(kept.get("monitors", []), document.monitors, strict=True):
        written["source"] = {"kind": monitor.source.kind, **written["source"]}
        if monitor.alerts.budget is not None:
            written.setdefault("alerts", {})["budget"] = f"{monitor.alerts.budget:g}/day"
    return kept


def _faults(node: CommentedMap) -> list[tuple[int, str]]:
    found = [*_crons(node), *_passwords(node, ())]
    try:
        Document.model_validate(plain(node))
    except ValidationError as fault:
        found += [_located(node, dict(e)) for e in fault.errors(include_url=False)]
    return sorted(set(found))


def _located(node: Any, error: dict[str, Any]) -> tuple[int, str]:
    line = 1
    words: list[str] = []
    part: Any = None
    for step in error["loc"]:
        if isinstance(node, CommentedMap) and step in node:
            line, node = node.lc.key(step)[0] + 1, node[step]
            words.append(f".{step}" if words else str(step))
        elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
            line, node = node.lc.item(step)[0] + 1, node[step]
            words.append(f"[{step}]")
        elif step != error["loc"][-1] or error["type"] != "missing":
            continue  # the tag of a choice, which is no key of the file
        else:
            words.append(f".{step}")
        part = PARTS.get(str(step), part)
    return line, f"{''.join(words) or 'the document'}: {_explained(error)}"


def _explained(error: dict[str, Any]) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "missing":
        return "is required"
    if error["type"] == "extra_forbidden":
        return _unknown(error["loc"])
    got = error["input"]
    shown = "" if isinstance(got, dict | list | BaseModel) or repr(got) in message else f"got {got!r}; "
    return shown + message[0].lower() + message[1:]


def _unknown(loc: tuple[Any, ...]) -> str:
    key = str(loc[-1])
    part = next((PARTS[str(s)] for s in reversed(loc[:-1]) if str(s) in PARTS), Document)
    legal = list(part.model_fields)
    near = difflib.get_close_matches(key, legal, 1)
    return f"unknown key {key!r}" + (
        f"; did you mean {near[0]!r}?" if near else f"; legal: {', '.join(legal)}"
    )


def _crons(node: CommentedMap) -> list[tuple[int, str]]:
    found = []
    listed = node.get("monitors")
    for n, monitor in enumerate(listed if isinstance(listed, list) else []):
        schedule = monitor.get("schedule") if isinstance(monitor, dict) else None
        text = schedule.get("train") if isinstance(schedule, dict) else None
        if not isinstance(schedule, CommentedMap) or not isinstance(text, str) or len(text.split()) != 5:
            continue
        try:
            CronTrigger.from_crontab(text)
        except ValueError as fault:
            line = schedule.lc.key("train")[0] + 1
            found.append((line, f"monitors[{n}].schedule.train: got {text!r}; {fault}"))
    return found


def _passwords(node: Any, path: tuple[str, ...]) -> list[tuple[int, str]]:
    """Addresses with a password written out: it belongs into the environment, and is not repeated here."""
    found = []
    for key in node if isinstance(node, CommentedMap) else []:
        value, where = node[key], (*path, str(key))
        if isinstance(value, str) and PASSWORD.search(value):
            words = f"{'.'.join(where)}: holds a password; put the address into the environment and write ${{NAME}}"
            found.append((node.lc.key(key)[0] + 1, words))
        found += _passwords(value, where)
    for n, value in enumerate(node if isinstance(node, CommentedSeq) else []):
        found += _passwords(value, (*path, str(n)))
    return found
