"""``monitors.yaml`` in and out: every fault with file and line, all at once."""

from pathlib import Path

from monitor.domain.errors import ConfigurationError
from monitor.domain.monitor import Document
from monitor.jobs.configuration.anchoring import anchored
from monitor.jobs.configuration.faults import of_model
from monitor.jobs.configuration.rules import of_rules
from monitor.jobs.configuration.tree import NotYaml, plant
from monitor.jobs.configuration.writing import dump

LARGEST = 8 << 20  # bytes; far above any configuration, and a device or a dump is none
SHOWN = 100  # faults of a file; who has more has another file in hand
__all__ = ["dump", "load", "parse"]


def load(path: Path) -> Document:
    """Read and check a configuration; a relative path in it counts from the folder the file is in.

    Raises:
        ConfigurationError: all faults, each as ``file:line: place: the value got; what is legal``.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        text = content.decode("utf-8-sig")
    except OSError as fault:
        raise ConfigurationError([f"{path}: cannot be read: {fault.strerror}"]) from None
    except UnicodeDecodeError as fault:
        raise ConfigurationError([f"{path}: is not UTF-8, at byte {fault.start}"]) from None
    if len(content) > LARGEST:
        raise ConfigurationError([f"{path}: has more than {LARGEST >> 20} MiB; expected a configuration"])
    return anchored(parse(text, str(path)), path.absolute().parent)


def parse(text: str, name: str = "monitors.yaml") -> Document:
    """The document of a YAML text; ``name`` stands in the messages.

    >>> parse("monitors: [{name: here, kind: sensor, source: {kind: host}}]").monitors[0].schedule.train
    '0 2 * * *'
    """
    try:
        tree = plant(text)
    except NotYaml as fault:
        raise ConfigurationError([f"{name}:{fault.line}: not YAML: {fault}"]) from None
    if tree.value is None or not isinstance(tree.value, dict):
        got = "got a list; expected the keys monitors and channels"
        words = "is empty; write monitors: and a list below it" if tree.value is None else got
        raise ConfigurationError([f"{name}:1: {words}"])
    unread = {f.place for f in tree.faults}  # what could not be read is no value that the model can judge
    judged = [f for f in of_model(tree) if f.place not in unread]
    found = sorted(
        {*tree.faults, *of_rules(tree), *judged}, key=lambda f: (f.line, f.column, f.place, f.words)
    )
    if found:
        more = [f"{name}: and {len(found) - SHOWN:,} more faults"] if len(found) > SHOWN else []
        raise ConfigurationError([*(f"{name}:{f.line}: {f.place}: {f.words}" for f in found[:SHOWN]), *more])
    return Document.model_validate(tree.value)
