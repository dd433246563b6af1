"""What a person typed as a source: files, or a database and where its rows grow."""

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from monitor.domain.errors import MonitorError
from monitor.sources.sql.tables import Table, tables

DATABASE = re.compile(r"^(sqlite|postgres(ql)?|mysql|mariadb|mssql|oracle|duckdb)(\+\w+)?://")
CHANGED = re.compile(r"updat|modif|chang|insert|creat|book|_at$|^at$|^ts$|time", re.IGNORECASE)
Reasons = list[tuple[str, str]]


class Unclear(MonitorError):
    """The request leaves open what to watch."""

    wrong_request = True


def source_of(
    text: str, *, table: str | None = None, query: str | None = None, cursor: list[str] | None = None
) -> tuple[dict[str, Any], Reasons]:
    """The source as the configuration writes it, and why.

    Raises:
        Unclear: which table, or along which columns its rows grow, cannot be told.
    """
    if not DATABASE.match(os.path.expandvars(text)):
        if table or query or cursor:
            raise Unclear(
                f"{text} is no address of a database; expected one such as sqlite:///file or '${{URL}}'"
            )
        return {"kind": "files", "path": text if "://" in text else str(Path(text).absolute())}, []
    password = urlsplit(text).password
    if password and "${" not in password:
        raise Unclear(
            "the address holds a password; put it into the environment and write '${NAME}' in its place"
        )
    if query is not None:
        if not cursor:
            raise Unclear(
                "a query needs --cursor: the columns its rows grow along, as in --cursor at --cursor id"
            )
        return {"kind": "sql", "url": text, "query": query, "cursor": cursor}, []
    chosen = _table(text, table)
    select = f"select * from {_quoted(chosen.name)}"  # noqa: S608  a table's name, quoted
    source = {"kind": "sql", "url": text, "query": select}
    if cursor:
        return source | {"cursor": cursor}, []
    grown, why = _cursor(chosen)
    return source | {"cursor": grown}, [("source", why)]


def name_of(text: str, source: dict[str, Any]) -> str:
    """A monitor's name, from the file or the table.

    >>> name_of("logs/Boiler 3-*.csv", {"kind": "files"})
    'boiler-3'
    """
    table = re.search(r'\bfrom\s+"?([^\s"]+)', str(source.get("query", "")), re.IGNORECASE)
    words = table[1] if table else Path(text.split("?")[0]).name.split(".")[0]
    stem = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    return (stem if stem[:1].isalpha() else f"m-{stem}")[:40].strip("-")


def _table(url: str, wanted: str | None) -> Table:
    found = tables(url)
    listed = ", ".join(t.name for t in found) or "none"
    chosen = [t for t in found if t.name == wanted] if wanted else found
    if len(chosen) == 1:
        return chosen[0]
    if wanted:
        raise Unclear(f"there is no table {wanted!r}; the database has: {listed}")
    raise Unclear(f"say which table with --table NAME; the database has: {listed}")


def _cursor(table: Table) -> tuple[list[str], str]:
    """Where its rows grow: a time of change, and the key to tell rows of one moment apart; else the key alone."""
    times = sorted(table.times, key=lambda t: (not CHANGED.search(t), "updat" not in t.lower()))
    others = [k for k in table.key if k not in times[:1]]
    if times:
        beside = f", and {', '.join(others)} tells rows of one moment apart" if others else ""
        return [times[0], *others], f"rows grow along {times[0]}{beside}; say --cursor if they do not"
    if len(table.key) == 1:
        return [table.key[0]], f"{table.key[0]} is the key and taken to rise; changed rows are not seen again"
    raise Unclear(
        f"{table.name} has neither a time nor a key of one column; say --cursor: {', '.join(table.columns)}"
    )


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'
