"""Columns of types that a model knows nothing of, in place of the pinned ones and at a first look."""

import uuid
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from .case import Bad, Case, Expected, bad, kept
from .cells import POINT, TIME, judge
from .rows import Row, good
from .steps import FILES, TABLE
from .world import World

CONFIG = """\
monitors:
  - {name: %s, kind: tabular, source: %s, key: [id], time: at}
"""
ID = uuid.UUID(int=7)
NOTHING = object()


def arrow(field: str, value: Any, kind: Any, expected: Expected, what: str, like: Any = None) -> Case:
    """A Parquet column of a type; ``like`` is what the good rows hold there, else what they always do."""

    def play(world: World) -> None:
        rows = [good(1001), good(1002, **{field: value}), good(1003)]
        if like is NOTHING:
            rows[0][field] = rows[2][field] = None
        elif like is not None:
            rows[0][field] = rows[2][field] = like
        world.put(rows, arrow={field: kind})
        _pull(world, field, expected, like is not None)

    return Case("types", f"Parquet: {what} for {field}", ("parquet",), play)


def postgres(
    field: str, value: str, kind: str, expected: Expected, what: str, like: str | None = None
) -> Case:
    """A PostgreSQL column of a type; values are written as SQL."""

    def play(world: World) -> None:
        rows = [good(1001), good(1002, **{field: value}), good(1003)]
        for row in (rows[0], rows[2]):
            row[field] = like if like is not None else f"'{row[field]}'"
        world.put(rows, sql={field: kind})
        _pull(world, field, expected, like is not None)

    return Case("types", f"PostgreSQL: {what} for {field}", ("postgresql",), play)


def _pull(world: World, field: str, expected: Expected, changed: bool) -> None:
    world.pull()
    if not changed:
        judge(world, field, expected)
    else:  # no value of the column is what it was: each row is judged alike
        aside = world.quarantined()
        everywhere = isinstance(expected, Bad)
        world.must(len(aside) == (3 if everywhere else 0), f"{len(aside)} quarantined: {aside[:1]}")
        for word in expected.words if isinstance(expected, Bad) and aside else ():
            world.must(word in aside[0]["reason"], f"the reason does not say {word!r}: {aside[0]['reason']}")
    world.run("score", world.monitor)


def first_look(kind: str, what: str, types: dict[str, Any], values: Callable[[int], Row]) -> Case:
    """The same types in a monitor that has no fields yet: each becomes a field or is left out, and no row is lost."""

    def play(world: World) -> None:
        rows = [{"id": n, "at": good(n)["at"], "amount": float(n) * 1.5} | values(n) for n in range(1, 41)]
        named = {"arrow": types} if kind == "parquet" else {"sql": types}
        world.put(rows, **named)  # type: ignore[arg-type]  # one of two
        source = FILES if kind == "parquet" else TABLE
        (world.folder / "m.yaml").write_text(CONFIG % (world.monitor, source))
        world.run("apply", "m.yaml")
        world.pull()
        held = world.rows()
        world.must(len(held) == 40, f"{len(held)} of 40 rows stored: {world.quarantined()[:1]}")
        fields = str(world.state()["fields"])
        for name in types:
            world.must(name in fields, f"{name} is neither a field nor left out with a reason")

    return Case("types", f"{kind}: a first look at {what}", (kind,), play, start="empty")


PARQUET = [
    arrow("amount", Decimal("12.5"), pa.decimal128(38, 10), kept(), "decimals", Decimal("3.25")),
    arrow("amount", Decimal("1" * 60), pa.decimal256(70, 2), bad("amount", "within ±3e+38"), "decimals of 60 digits",
          Decimal("1" * 60)),
    arrow("amount", [1.0], pa.list_(pa.float64()), bad("amount: got", POINT), "lists", [2.0]),
    arrow("amount", {"a": 1}, pa.struct([("a", pa.int64())]), bad("amount: got", POINT), "structs", {"a": 2}),
    arrow("amount", b"12.5", pa.binary(), kept(), "bytes that spell numbers", b"3.25"),
    arrow("amount", b"\xff\x00", pa.binary(), bad("amount: got", POINT), "bytes", b"\xfe\x01"),
    arrow("amount", timedelta(seconds=5), pa.duration("us"), bad("amount: got", POINT), "durations", timedelta(days=1)),
    arrow("amount", time(10, 30), pa.time64("us"), bad("amount: got", POINT), "times of day", time(1)),
    arrow("amount", True, pa.bool_(), bad("amount: got", POINT), "truths", False),
    arrow("amount", 2**64 - 1, pa.uint64(), kept(), "unsigned numbers", 3),
    arrow("amount", 12.5, pa.float16(), kept(), "half precision", 3.25),
    arrow("big", 2**64 - 1, pa.uint64(), bad("big: got '1844674407370955161", "64 bits"), "unsigned numbers",
          2**64 - 2),
    arrow("big", Decimal(7), pa.decimal128(20, 0), kept(), "decimals", Decimal(8)),
    arrow("at", date(2025, 3, 1), pa.date32(), kept(), "days", date(2025, 3, 2)),
    arrow("at", datetime(2025, 3, 1), pa.timestamp("ns"), kept(), "nanoseconds without a zone",  # noqa: DTZ001  naive
          datetime(2025, 3, 2)),  # noqa: DTZ001  on purpose
    arrow("at", time(10, 30), pa.time64("us"), bad("at: got", TIME), "times of day", time(1)),
    arrow("at", 1.7408232e9, pa.float64(), kept(), "seconds since 1970", 1.7408e9),
    arrow("kind", ["a", None], pa.list_(pa.string()), kept(), "lists", ["b"]),
    arrow("kind", "shop", pa.dictionary(pa.int8(), pa.string()), kept("shop"), "a dictionary"),
    arrow("kind", [("a", 1)], pa.map_(pa.string(), pa.int64()), kept(), "maps", [("b", 2)]),
    arrow("note", None, pa.null(), kept(), "nothing at all", NOTHING),
    arrow("id", ID.bytes, pa.binary(16), kept(), "bytes", uuid.UUID(int=8).bytes),
    first_look("parquet", "nested and odd types", {
        "l": pa.list_(pa.int64()), "s": pa.struct([("a", pa.int64())]), "m": pa.map_(pa.string(), pa.int64()),
        "d": pa.decimal128(30, 4), "b": pa.binary(), "du": pa.duration("ns"), "t": pa.time32("s"), "x": pa.null(),
        "dic": pa.dictionary(pa.int32(), pa.string()), "day": pa.date64(), "ls": pa.large_string(),
        "ll": pa.list_(pa.struct([("z", pa.list_(pa.float32()))])), "u": pa.uint8(), "h": pa.float16(),
    }, lambda n: {
        "l": [n, None], "s": {"a": n}, "m": [("k", n)], "d": Decimal(n) / 8, "b": bytes([n, 255]),
        "du": timedelta(seconds=n), "t": time(n % 24), "x": None, "dic": "ab"[n % 2], "day": date(2025, 3, 1 + n % 28),
        "ls": f"word {n}", "ll": [{"z": [1.5, n]}], "u": n, "h": n / 4,
    }),
]  # fmt: skip

TABLES = [
    postgres("amount", "'NaN'", "numeric", kept(None), "numeric NaN"),
    postgres("amount", "'Infinity'", "double precision", bad("got 'inf'", POINT), "infinity"),
    postgres("amount", "1" + "0" * 60, "numeric", bad("within ±3e+38"), "a numeric of 61 digits"),
    postgres("amount", "12.5", "money", bad("amount: got '$", POINT), "money", "3.25"),
    postgres("amount", "'{1,2}'", "float8[]", bad("amount: got", POINT), "arrays", "'{3}'"),
    postgres("amount", "'5 days'", "interval", bad("amount: got", POINT), "intervals", "'1 day'"),
    postgres("amount", "'[1,5)'", "int4range", bad("amount: got", POINT), "ranges", "'[2,3)'"),
    postgres("at", "'infinity'", "timestamptz", bad("at: got 'infinity'", TIME), "infinity"),
    postgres("at", "'0044-03-15 BC'", "timestamptz", bad("at: got '0044-03-15", TIME), "a year before our era"),
    postgres("at", "'294276-01-01'", "timestamp", bad("at: got '294276-01-01", TIME), "the year 294276"),
    postgres("seen", "'infinity'", "date", bad("seen: got 'infinity'", TIME), "endless days", "'infinity'"),
    postgres("kind", """'{"a": [1, null]}'""", "jsonb", kept(), "documents", "'[]'"),
    postgres("kind", "'10.0.0.1/8'", "inet", kept(), "addresses", "'::1'"),
    postgres("kind", "'\\xff00'", "bytea", kept(), "bytes", "'\\x01'"),
    postgres("id", f"'{ID}'", "uuid", kept(), "UUIDs", "gen_random_uuid()"),
    postgres("big", "9223372036854775808", "numeric", bad("9223372036854775808", "64 bits"), "numeric"),
    first_look("postgresql", "odd types", {
        "j": "jsonb", "a": "int[]", "u": "uuid", "iv": "interval", "t": "time", "by": "bytea", "mo": "money",
        "ip": "inet", "r": "tsrange", "p": "point", "x": "xml", "bits": "bit(3)", "nu": "numeric", "ts": "timestamp",
        "e": "text", "tv": "tsvector",
    }, lambda n: {
        "j": f"""'{{"n": {n}}}'""", "a": f"'{{{n}}}'", "u": f"'{uuid.UUID(int=n)}'", "iv": f"'{n} min'",
        "t": f"'{n % 24}:00'", "by": f"'\\x{n:02x}'", "mo": f"{n}", "ip": f"'10.0.0.{n}'", "r": "'[2025-01-01,)'",
        "p": f"'({n},1)'", "x": "'<a/>'", "bits": "'101'", "nu": f"{n}.25", "ts": "'2025-03-01 10:00'", "e": "NULL",
        "tv": "'a b'",
    }),
]  # fmt: skip


def _mixed(world: World) -> None:
    """SQLite types cells, so one column may hold all of them."""
    rows = [
        good(1000 + n, amount=cell) for n, cell in enumerate([1.5, "2.5", 3, None, b"4.5", "x", b"\xff"], 1)
    ]
    world.put(rows)
    world.pull()
    stored, aside = world.rows(), world.quarantined()
    held = {n: stored[str(n)]["amount"] for n in range(1001, 1008) if str(n) in stored}
    world.must(held == {1001: 1.5, 1002: 2.5, 1003: 3.0, 1004: None, 1005: 4.5}, f"stored: {held}")
    world.must(len(aside) == 2 and all(POINT in q["reason"] for q in aside), f"quarantined: {aside}")


SQLITE = [Case("types", "SQLite: cells of five types in one column", ("sqlite",), _mixed)]
CASES = [*PARQUET, *TABLES, *SQLITE]
