"""Batches that hold next to nothing: no row, one row, no value, nothing that changes, bad rows alone."""

import io
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from .case import EVERY, Case
from .rows import csv_bytes, good, into_postgres, into_sqlite, parquet_bytes
from .steps import LATER, adding, anew, rows, scored, stored
from .world import World, same


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


def _backwards(world: World) -> None:
    before = len(world.rows())
    world.put([good(n, at=good(1)["at"] - timedelta(days=n)) for n in LATER])
    world.pull()
    stored(world, before + 12)
    world.must(len(scored(world)) == 12, "late rows are not scored")


def _since_1970(world: World) -> None:
    """Times as exports of machines have them: seconds in one batch, milliseconds in the next."""
    anew(world, ", key: [id]")
    world.put([good(n, at=int(good(n)["at"].timestamp())) for n in range(1, 13)], sql={"at": "bigint"})
    world.pull()
    world.put([good(n, at=int(good(n)["at"].timestamp() * 1000)) for n in LATER], sql={"at": "bigint"})
    world.pull()
    stored(world, 24)
    for n in (1, 12, *LATER):
        at = world.rows()[str(n)]["event_at"]
        world.must(same(at, good(n)["at"]), f"row {n} happened at {at}")


ORDER = [
    Case("degenerate batches", "rows older than all others", EVERY, _backwards),
    Case(
        "degenerate batches",
        "times since 1970 in seconds, then in milliseconds",
        EVERY,
        _since_1970,
        start="empty",
    ),
]

CASES = [*DEGENERATE, *ORDER]
