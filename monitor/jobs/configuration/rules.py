"""Rules that the model alone does not know: names across the file, cron lines, variables and secrets."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from apscheduler.triggers.cron import CronTrigger

from monitor.jobs.configuration.tree import Fault, Path, Tree

VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
BEGUN = re.compile(r"\$\{[^}]*\}?")
EXPANDED = {"path", "url", "secret"}  # keys in which variables are put in
WORDS = ("pass", "pwd", "secret", "token", "key", "sig", "credential", "auth")  # in names of what is secret
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WRITTEN_OUT = "is written out; put it into the environment and write ${NAME}"


def of_rules(tree: Tree) -> Iterator[Fault]:
    for path, text in tree.texts():
        yield from (tree.fault(path, words) for words in _of_text(str(path[-1]), text, path))
    monitors, channels = _named(tree, "monitors"), _named(tree, "channels")
    yield from (*_twice(tree, monitors), *_twice(tree, channels))
    for path, monitor in monitors:
        yield from _crons(tree, path, monitor)
        yield from _told(
            tree, path, monitor, [c["name"] for _, c in channels if isinstance(c.get("name"), str)]
        )


def _named(tree: Tree, part: str) -> list[tuple[Path, dict[str, Any]]]:
    listed = tree.value.get(part)
    whole = listed if isinstance(listed, list) else []
    return [((part, n), each) for n, each in enumerate(whole) if isinstance(each, dict)]


def _of_text(key: str, text: str, path: Path) -> Iterator[str]:
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        yield "holds a character that no database stores"
    begun = BEGUN.findall(text)
    if any(not VARIABLE.fullmatch(variable) for variable in begun):
        yield "holds what is no variable; write ${NAME}, of letters, digits and underscores"
    elif begun and key not in EXPANDED:
        yield f"{begun[0]} is put in for path, url and secret only"
    if key == "secret" and not VARIABLE.fullmatch(text):
        yield WRITTEN_OUT
    if key in ("url", "path") and path[0] in ("monitors", "channels"):
        yield from (f"holds a {what} that {WRITTEN_OUT}" for what in _secrets(text))


def _secrets(address: str) -> Iterator[str]:
    """What of an address looks like a secret that is no variable."""
    scheme, found, rest = address.partition("://")
    if not found:
        return
    before, query = VARIABLE.sub("\0", rest).partition("?")[::2]
    login, at, _ = before.rpartition("@")
    if at and _literal(login.partition(":")[2] if ":" in login or scheme not in ("http", "https") else login):
        yield "password"
    for name, value in parse_qsl(query):
        if _literal(value) and any(word in name.lower() for word in WORDS):
            yield f"value of {name!r}"


def _literal(text: str) -> bool:
    return text.strip("\0") != ""


def _crons(tree: Tree, path: Path, monitor: dict[str, Any]) -> Iterator[Fault]:
    schedule = monitor.get("schedule")
    text = schedule.get("train") if isinstance(schedule, dict) else None
    if isinstance(text, str) and len(text.split()) == 5:
        words = _no_cron(text)
        if words:
            yield tree.fault((*path, "schedule", "train"), words)


@cache  # a day that never comes is looked for through all years
def _no_cron(text: str) -> str | None:
    try:
        trigger = CronTrigger.from_crontab(text, timezone="UTC")
    except ValueError as fault:
        return f"{text!r} is not a cron line: {fault}"
    if trigger.get_next_fire_time(None, EPOCH) is None:
        return f"{text!r} never comes; write a day that is in the calendar"
    return None


def _twice(tree: Tree, named: list[tuple[Path, dict[str, Any]]]) -> Iterator[Fault]:
    first: dict[str, Path] = {}
    for path, each in named:
        name, place = each.get("name"), (*path, "name")
        if not isinstance(name, str):
            continue
        if name in first:
            yield tree.fault(place, f"{name!r} is there twice, first in line {tree.line(first[name])}")
        first.setdefault(name, place)


def _told(tree: Tree, path: Path, monitor: dict[str, Any], channels: list[str]) -> Iterator[Fault]:
    notify = monitor.get("notify")
    for n, name in enumerate(notify if isinstance(notify, list) else []):
        if isinstance(name, str) and name not in channels:
            listed = ", ".join(channels) or "none"
            yield tree.fault((*path, "notify", n), f"{name!r} is no channel; channels: {listed}")
