"""What many cases do: rows into the source, a monitor that has seen nothing yet, and how much is there then."""

from collections.abc import Callable
from typing import Any

from .rows import Row, good
from .world import World

FILES = '{kind: files, path: "${CORPUS}/*"}'
TABLE = '{kind: sql, url: "${CORPUS_URL}", query: select * from feed, cursor: [n]}'
Play = Callable[[World], None]
LATER = range(1001, 1013)


def rows(numbers: range = LATER, **changes: Any) -> list[Row]:
    return [good(n, **changes) for n in numbers]


def without(name: str, numbers: range = LATER) -> list[Row]:
    return [{k: v for k, v in good(n).items() if k != name} for n in numbers]


def anew(world: World, extra: str = "", kind: str = "tabular") -> None:
    """A monitor that has seen nothing yet."""
    source = FILES if world.monitor == "files" else TABLE
    rest = f"source: {source}, time: at, fields: {{exclude: [n]}}{extra}"
    (world.folder / "m.yaml").write_text(f"monitors: [{{name: {world.monitor}, kind: {kind}, {rest}}}]")
    world.run("apply", "m.yaml")


def stored(world: World, number: int, aside: int = 0) -> None:
    held, counted = len(world.rows()), world.state()
    world.must(held == number, f"{held} rows are stored, expected {number}")
    world.must(
        counted["quarantined"] == aside,
        f"{counted['quarantined']} quarantined, expected {aside}: {world.quarantined()[:2]}",
    )


def scored(world: World) -> list[float]:
    """Score; the p-values of what was not scored before."""
    before = {r["reading_id"] for r in world.ask("SELECT reading_id FROM scores")}
    world.run("score", world.monitor)
    return [
        r["p_value"]
        for r in world.ask("SELECT reading_id, p_value FROM scores")
        if r["reading_id"] not in before
    ]


def adding(batch: list[Row]) -> Play:
    """All rows of a batch are stored and scored."""

    def play(world: World) -> None:
        before = len(world.rows())
        world.put(batch)
        world.pull()
        stored(world, before + len(batch))
        count = len(scored(world))
        world.must(count == len(batch), f"{count} of {len(batch)} rows scored")

    return play
