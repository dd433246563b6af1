"""Sources whose columns are not what they were."""

from .case import EVERY, FILES, Case
from .rows import csv_bytes, good
from .steps import LATER, Play, adding, rows, scored, stored, without
from .world import World


def gone(name: str) -> Play:
    """A pause with a sentence; once the column is back, the very rows come that were refused."""

    def play(world: World) -> None:
        before = len(world.rows())
        world.put(without(name))
        world.pull(1, (f"the source no longer has {name}", "never filled in"))
        stored(world, before)
        world.run("status", code=1, says=("failing", f"no longer has {name}"))
        mend(world)
        world.pull()
        stored(world, before + len(LATER))
        world.run("status", says=("on time",))

    return play


def mend(world: World) -> None:
    """The source has its rows as they should be."""
    if world.source in FILES:
        for path in world.inbox.iterdir():
            path.unlink()
    else:
        world.sql("DROP TABLE feed")
    world.puts = 0
    world.put(rows())


def _new(world: World) -> None:
    before = len(world.rows())
    world.put(rows(weather="fine", mood=3))
    world.pull(0, ("new columns are ignored until the schema is renewed: weather, mood",))
    stored(world, before + len(LATER))


def _renamed(world: World) -> None:
    before = len(world.rows())
    world.put([{("sum" if k == "amount" else k): v for k, v in row.items()} for row in rows()])
    world.pull(1, ("no longer has amount", "sum"))
    stored(world, before)


def _capitals(world: World) -> None:
    before = len(world.rows())
    world.put([{k.upper(): v for k, v in row.items()} for row in rows()])
    world.pull(1, ("no longer has id", "AMOUNT"))
    stored(world, before)


def _to_text(world: World) -> None:
    before = len(world.rows())
    world.put(rows(load="high"))
    world.pull(0, ("12 quarantined",))
    stored(world, before, 12)
    reason = world.quarantined()[0]["reason"]
    world.must("load: got 'high', expected a number" in reason, reason)


def _scaled(world: World) -> None:
    before = len(world.rows())
    world.put([good(n, load=good(n)["load"] * 1000) for n in LATER])
    world.pull()
    stored(world, before + len(LATER))
    p_values = scored(world)
    world.must(max(p_values) < 0.01, f"a unit a thousand times smaller goes unnoticed: p {max(p_values)}")


def _label_gone(world: World) -> None:
    before = len(world.rows())
    world.put(without("fraud"))
    world.pull(0, ("the label fraud is not among the source's columns",))
    stored(world, before + len(LATER))


def _half(world: World) -> None:
    """One export of two lacks a column: the other's rows come in, whatever their order."""
    before = len(world.rows())
    world.write("a.csv", csv_bytes(rows()))
    world.write("b.csv", csv_bytes(without("load", range(1101, 1105))))
    world.pull(1, ("no longer has load",))
    stored(world, before + len(LATER))


DRIFT = [
    *[Case("schema drift", f"{name} is gone", EVERY, gone(name)) for name in ("load", "card", "at", "id")],
    Case("schema drift", "columns that are new", EVERY, _new),
    Case("schema drift", "a column has another name", EVERY, _renamed),
    Case("schema drift", "names in capitals", EVERY, _capitals),
    Case("schema drift", "numbers become words", EVERY, _to_text),
    Case("schema drift", "numbers become text of numbers", EVERY,
         adding([good(n, load=str(good(n)["load"])) for n in LATER])),
    Case("schema drift", "whole numbers become text", EVERY, adding([good(n, big=str(good(n)["big"])) for n in LATER])),
    Case("schema drift", "times become days and months", EVERY, adding(rows(seen="31.12.2024 10:00"))),
    Case("schema drift", "a unit a thousand times smaller", EVERY, _scaled),
    Case("schema drift", "columns in another order", EVERY, adding([dict(reversed(r.items())) for r in rows()])),
    Case("schema drift", "the truth is gone", EVERY, _label_gone),
    Case("schema drift", "one file of two lacks a column", ("csv",), _half),
]  # fmt: skip

CASES = DRIFT
