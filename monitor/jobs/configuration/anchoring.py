"""Relative paths count from the folder of the file, since workers run somewhere else."""

import re
from pathlib import Path
from typing import Any

from monitor.domain.monitor import Document

EMBEDDED = re.compile(r"^(sqlite(?:\+\w+)?:///)(?!/|:memory:|file:|\$\{)(?=.)")


def anchored(document: Document, folder: Path) -> Document:
    """The document with its relative files under ``folder``; variables and other addresses stay as they are."""
    values = document.model_dump()
    for monitor in values["monitors"]:
        monitor["source"] = _source(monitor["source"], folder)
    return Document.model_validate(values)


def _source(source: dict[str, Any], folder: Path) -> dict[str, Any]:
    if source["kind"] == "files":
        path = source["path"]
        apart = "://" in path or path.startswith("${") or Path(path).is_absolute()
        return source if apart else source | {"path": str(folder / path)}
    if source["kind"] == "sql":
        return source | {"url": EMBEDDED.sub(lambda found: f"{found[1]}{folder}/", source["url"])}
    return source
