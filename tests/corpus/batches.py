"""Batches whose rows are each fine, but not together: nothing in them, a column that left, keys that repeat."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .case import EVERY, FILES, Case
from .rows import Row, csv_bytes, good, into_postgres, into_sqlite, parquet_bytes
from .typed import FILES as FILE
from .typed import TABLE
from .world import World

Play = Callable[[World], None]
LATER = range(1001, 1013)


def rows(numbers: range = LATER, **changes: Any) -> list[Row]:
    return [good(n, **changes) for n in numbers]


def without(name: str, numbers: range = LATER) -> list[Row]:
    return [{k: v for k, v in good(n).items() if k != name} for n in numbers]


def nothing(world: World) -> None:
    """The source with its columns and no row."""
    one = [good(1)]
    if world.source == "csv":
        world.write("empty.csv", csv_bytes(one).splitlines(keepends=True)[0])
    elif world.source == "parquet":
        stream = io.BytesIO()
        pq.write_table(pq.read_table(pa.BufferReader(parquet_bytes(one, {}))).slice(0, 0), stream)
        world.write("empty.parquet", stream.getvalue())
    else:
        if world.source == "sqlite":
            into_sqlite(world.folder / "feed.sqlite", one, 1)
        else:
            into_postgres(world.engine, "feed", one, 1, {})
        world.sql("DELETE FROM feed")


def anew(world: World, extra: str = "", kind: str = "tabular") -> None:
    """A monitor that has seen nothing yet."""
    source = FILE if world.monitor == "files" else TABLE
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


def adding(batch: list[Row], number: int | None = None) -> Play:
    """All rows of a batch are stored and scored."""

    def play(world: World) -> None:
        before = len(world.rows())
        world.put(batch)
        world.pull()
        stored(world, before + (len(batch) if number is None else number))
        count = len(scored(world))
        world.must(count == (len(batch) if number is None else number), f"{count} rows scored")

    return play


# degenerate batches


def _empty(world: World) -> None:
    before = len(world.rows())
    nothing(world)
    world.pull(0, ("0 new rows",))
    stored(world, before)
    world.run("status", says=("on time",))


def _empty_first(world: World) -> None:
    nothing(world)
    anew(world)
    world.pull(0, ("0 new rows",))
    world.run("train", world.monitor, code=1, says=("has no rows yet; pull first",))
    world.run("score", world.monitor, says=("learning",))
    world.put(rows())
    world.pull(0, ("12 new rows",))
    stored(world, 12)


def _one_row_first(world: World) -> None:
    anew(world)
    world.put(rows(range(1, 2)))
    world.pull(0, ("1 new row",))
    stored(world, 1)
    world.run("train", world.monitor, code=1, says=("1 usable rows, a training needs 200",))
    world.run("score", world.monitor, says=("no champion yet: the monitor is learning",))


def _first_day(world: World) -> None:
    anew(world, ", label: fraud, entity: card")
    world.put([good(n, amount=1e6 if n > 45 else 40.0) for n in range(1, 51)])
    world.pull()
    world.run("score", world.monitor, says=("learning",))
    world.run("status", says=("learning",))
    world.run("alerts", "list", says=("No open alerts",))
    world.must(not world.ask("SELECT * FROM outliers"), "an alert on the first day")
    follow = world.ask("SELECT job FROM runs WHERE state = 'queued' AND job = 'train'")
    world.must(not follow, "a training was asked for on the first day")


def _no_value_first(world: World) -> None:
    anew(world)
    world.put(rows(range(1, 31), load=None, note=None))
    world.pull()
    stored(world, 30)
    world.must(
        "no value in the first 30 rows" in str(world.state()["fields"]), "no reason for the empty column"
    )


def _only_bad(world: World) -> None:
    before = len(world.rows())
    world.put(rows(range(1001, 1021), at="whenever"))
    world.pull(0, ("0 new rows", "20 quarantined"))
    stored(world, before, 20)


def _only_bad_first(world: World) -> None:
    anew(world)
    world.put(rows(range(1, 21), at="whenever"))
    world.pull(0, ("20 quarantined",))
    stored(world, 0, 20)
    world.run("quarantine", "list", world.monitor, says=("at: got 'whenever'",))


def _monotone(world: World) -> None:
    """Nothing ever changes: a model of that must not cry at more of the same, and must at something else."""
    anew(world, ", model: {objective: vanilla}, alerts: {p_value: 0.001}")
    world.put([good(1) | {"id": n, "at": good(n)["at"]} for n in range(1, 301)])
    world.pull()
    world.run("train", world.monitor)
    quiet = scored(world)
    world.must(min(quiet) > 0.001, f"alerts on what never changes: p {min(quiet)}")


def _sensor(world: World) -> None:
    """Samples with holes, twins, and an order of their own."""
    anew(world, ", model: {objective: vanilla}, alerts: {p_value: 0.001}", kind="sensor")
    world.put([{k: good(n)[k] for k in ("id", "at", "amount", "load")} for n in range(1, 401)])
    world.pull()
    world.run("train", world.monitor)
    scored(world)
    late = [{k: good(n)[k] for k in ("id", "at", "amount", "load")} for n in (905, 903, 903, 904, 2000, 910)]
    late[1]["load"], late[2]["amount"], late[4]["load"] = None, None, 3e38
    world.put(late)
    world.pull()
    p_values = scored(world)
    world.must(len(p_values) == 6, f"{len(p_values)} of 6 late samples scored")


DEGENERATE = [
    Case("degenerate batches", "an empty batch", EVERY, _empty),
    Case("degenerate batches", "an empty source at first", EVERY, _empty_first, start="empty"),
    Case("degenerate batches", "one row at first", EVERY, _one_row_first, start="empty"),
    Case("degenerate batches", "one row", EVERY, adding(rows(range(1001, 1002)))),
    Case("degenerate batches", "the first day", EVERY, _first_day, start="empty"),
    Case("degenerate batches", "a column without a value", EVERY, adding(rows(load=None))),
    Case("degenerate batches", "a column without a value at first", EVERY, _no_value_first, start="empty"),
    Case("degenerate batches", "every field without a value", EVERY,
         adding(rows(load=None, amount=None, flag=None, kind=None, seen=None, note=None, big=None))),
    Case("degenerate batches", "a column that does not change", EVERY, adding(rows(load=50.0, kind="shop"))),
    Case("degenerate batches", "one time for all rows", EVERY, adding(rows(at=good(1001)["at"]))),
    Case("degenerate batches", "bad rows alone", EVERY, _only_bad),
    Case("degenerate batches", "bad rows alone at first", EVERY, _only_bad_first, start="empty"),
    Case("degenerate batches", "rows that never change", ("csv",), _monotone, start="empty", slow=True),
    Case("degenerate batches", "samples with holes and twins", ("csv", "sqlite"), _sensor, start="empty", slow=True),
]  # fmt: skip


# schema drift


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


# keys


def _again(world: World) -> None:
    before = len(world.rows())
    world.put(rows())
    world.pull()
    world.put(rows())
    world.pull(0, ("0 new rows, 12 already known",))
    stored(world, before + 12)


def _corrected(world: World) -> None:
    before = len(world.rows())
    world.put(rows())
    world.pull()
    world.put([good(1003, amount=7.0)])
    world.pull()
    stored(world, before + 12)
    world.must(world.rows()["1003"]["amount"] == 7.0, "the correction is not in force")
    world.must(world.state()["stored"] == before + 13, "the correction is no revision")


def _twice_in_one(world: World) -> None:
    before = len(world.rows())
    world.put([*rows(), good(1003), good(1003, amount=7.0), good(1004)])
    world.pull(0, ("2 already known",))
    stored(world, before + 12)
    world.must(world.rows()["1003"]["amount"] == 7.0, "the last row of a key is not in force")
    p_values = scored(world)
    world.must(len(p_values) == 12, f"{len(p_values)} rows scored, expected one a key")


def _composite(world: World) -> None:
    anew(world, ", key: [id, card], entity: kind")
    keys = [("a|b", "c"), ("a", "b|c"), ("a\\", "|b|c"), (None, "c"), ("", "c"), ("a", None)]
    world.put([good(n, id=a, card=b) for n, (a, b) in enumerate(keys, 1)])
    world.pull()
    stored(world, 3, 3)
    world.must(all("expected a key of 1 to 512" in q["reason"] for q in world.quarantined()), "no reason")


def _no_key(world: World) -> None:
    anew(world)
    world.put([good(1)] * 3)
    world.pull(0, ("3 new rows",))
    world.pull(0, ("0 new rows",))
    stored(world, 3)


def _alike(world: World) -> None:
    before = len(world.rows())
    world.put(
        [
            good(n, id=key)
            for n, key in zip(LATER, ["7a", "07a", "7A", " 7a", "7a.0", "7a'", '7a"', "７a"], strict=False)
        ]
    )
    world.pull()
    stored(world, before + 8)


KEYS = [
    Case("keys", "the same rows again", EVERY, _again),
    Case("keys", "a known key with other content", EVERY, _corrected),
    Case("keys", "a key several times in a batch", EVERY, _twice_in_one),
    Case("keys", "keys of several columns, one missing", EVERY, _composite, start="empty"),
    Case("keys", "equal rows without a key", EVERY, _no_key, start="empty"),
    Case("keys", "keys that look alike", EVERY, _alike),
    Case("keys", "every key is new", EVERY, adding([good(n, id=f"new-{n}") for n in LATER])),
]  # fmt: skip


def _floats(world: World) -> None:
    before = len(world.rows())
    world.put([good(n, id=float(n)) for n in range(310, 321)])
    world.pull(0, ("11 already known",))
    stored(world, before)


def _many_kinds(world: World) -> None:
    """More categories than a model counts: the rest is one, and the bundle stays small."""
    anew(world, ", model: {objective: vanilla}, key: [id]")
    text = (world.folder / "m.yaml").read_text().replace("exclude: [n]", "exclude: [n], categorical: [kind]")
    (world.folder / "m.yaml").write_text(text)
    world.run("apply", "m.yaml")
    world.put([good(n, kind=f"kind {n}") for n in range(1, 12_501)])
    world.pull()
    stored(world, 12_500)
    world.run("train", world.monitor)
    size = world.ask("SELECT length(bundle) AS n FROM versions")[0]["n"]
    world.must(size < 5_000_000, f"a bundle of {size} bytes")
    world.put([good(n, kind=f"never seen {n}") for n in range(20_001, 20_011)])
    world.pull()
    p_values = scored(world)
    world.must(len(p_values) == 12_510, f"{len(p_values)} rows scored")


CATEGORIES = [
    Case("keys", "keys that became numbers with a point", ("parquet", "sqlite"), _floats),
    Case("categories", "unseen ones", EVERY, adding([good(n, kind=f"new {n}") for n in LATER])),
    Case("categories", "an entity that nobody saw", EVERY, adding([good(n, card=f"new {n}") for n in LATER])),
    Case("categories", "numbers for words", EVERY, adding(rows(kind=7))),
    Case("categories", "12,500 distinct ones", ("csv",), _many_kinds, start="empty", slow=True),
]


# order in time


def _backwards(world: World) -> None:
    before = len(world.rows())
    world.put([good(n, at=good(1)["at"] - timedelta(days=n)) for n in LATER])
    world.pull()
    stored(world, before + 12)
    world.must(len(scored(world)) == 12, "late rows are not scored")


ORDER = [Case("degenerate batches", "rows older than all others", EVERY, _backwards)]
CASES = [*DEGENERATE, *DRIFT, *KEYS, *CATEGORIES, *ORDER]
