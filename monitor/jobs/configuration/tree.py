"""A YAML text as plain values that still know their lines.

Written on ruamel.yaml's nodes, since its own loaders stop at the first key that is there twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Path = tuple[str | int, ...]
MERGE = "tag:yaml.org,2002:merge"


@dataclass(frozen=True)
class Fault:
    """What is wrong, and where."""

    line: int
    column: int
    place: str
    words: str


class NotYaml(Exception):
    """The text cannot be read at all; ``line`` says where that showed."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass
class Tree:
    """Plain values beside the nodes they were read from."""

    root: Node | None
    value: Any = None
    faults: list[Fault] = field(default_factory=list)

    def fault(self, path: Path, words: str) -> Fault:
        """A fault at the line of the deepest part of ``path`` that is there."""
        at = self._mark(path)
        return Fault(at.line + 1, at.column, written(path), words)

    def line(self, path: Path) -> int:
        return int(self._mark(path).line) + 1

    def _mark(self, path: Path) -> Any:
        node: Any = self.root
        mark = node.start_mark
        for step in path:
            found = _below(node, step)
            if found is None:
                break
            mark, node = found
        return mark

    def texts(self) -> Iterator[tuple[Path, str]]:
        """Every text with its place; one that is referred to many times comes once."""
        seen: set[int] = set()
        waiting: list[tuple[Path, Any]] = [((), self.value)]
        while waiting:
            path, value = waiting.pop()
            if isinstance(value, str):
                yield path, value
            elif isinstance(value, dict | list) and id(value) not in seen:
                seen.add(id(value))
                parts = value.items() if isinstance(value, dict) else enumerate(value)
                waiting.extend(((*path, key), part) for key, part in parts)


def written(path: Path) -> str:
    """
    >>> written(("monitors", 0, "source", "url"))
    'monitors[0].source.url'
    """
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def plant(text: str) -> Tree:
    """Read a text; keys that are there twice, and values that are none, become faults of the tree.

    Raises:
        NotYaml: the text cannot be read at all.
    """
    yaml = YAML(typ="safe", pure=True)
    try:
        tree = Tree(yaml.compose(text))
        if tree.root is not None:
            tree.value = _Reader(yaml.constructor, tree).read(tree.root, ())
    except MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        words = str(fault.problem)
        if words.startswith("but "):  # only with what was expected does it say what was found
            words = f"{fault.context}, {words}"
        raise NotYaml(_hint(words, text, mark), mark.line + 1 if mark else 1) from None
    except RecursionError:
        raise NotYaml("it is nested too deeply", 1) from None
    except YAMLError as fault:
        place = getattr(fault, "position", 0)
        words = getattr(fault, "reason", "it cannot be read")
        raise NotYaml(str(words), text.count("\n", 0, place) + 1) from None
    return tree


def _hint(problem: str, text: str, mark: Any) -> str:
    line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
    if "{" in line and "${" in line:
        return f'{problem}; within braces write "${{NAME}}" in quotes'
    return f"{problem}; indent with spaces, not tabs" if "'\\t'" in problem else problem


def _below(node: Any, step: str | int) -> tuple[Any, Any] | None:
    """(mark of the key or item, its node)."""
    if isinstance(node, MappingNode):
        pairs = [(k.start_mark, v) for k, v in node.value if k.value == str(step)]
        return pairs[-1] if pairs else None
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark, node.value[step]
    return None


class _Reader:
    """Nodes to values; what is referred to many times is read once, so that references cannot multiply."""

    def __init__(self, constructor: Any, tree: Tree) -> None:
        self.constructor, self.tree = constructor, tree
        self.known: dict[int, Any] = {}
        self.open: set[int] = set()

    def read(self, node: Node, path: Path) -> Any:
        if id(node) in self.open:
            self.tree.faults.append(self.tree.fault(path, "refers to itself"))
            return None
        if id(node) not in self.known:
            self.open.add(id(node))
            self.known[id(node)] = self._value(node, path)
            self.open.discard(id(node))
        return self.known[id(node)]

    def _value(self, node: Node, path: Path) -> Any:
        if isinstance(node, SequenceNode):
            return [self.read(item, (*path, n)) for n, item in enumerate(node.value)]
        if isinstance(node, MappingNode):
            self._twice(node, path)
            self.constructor.flatten_mapping(node)
            named = [(str(k.value), v) for k, v in node.value if isinstance(k, ScalarNode)]
            return {name: self.read(value, (*path, name)) for name, value in named}
        try:
            return self.constructor.construct_object(node, deep=True)
        except ValueError as fault:
            self.tree.faults.append(self.tree.fault(path, f"{fault}; put it in quotes if it is text"))
            return None

    def _twice(self, node: MappingNode, path: Path) -> None:
        first: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, ScalarNode):
                fault = Fault(
                    line, key.start_mark.column, written(path) or "?", "holds a key that is no word"
                )
                self.tree.faults.append(fault)
                continue
            if key.tag == MERGE:
                continue
            if key.value in first:
                words = f"is there twice, first in line {first[key.value]}"
                place = written((*path, key.value))
                self.tree.faults.append(Fault(line, key.start_mark.column, place, words))
            first.setdefault(key.value, line)
