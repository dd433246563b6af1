"""SQL sources: wrong queries, cursors that cannot be followed, names that are SQL, databases that are not there."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing

from .case import EVERY, TABLES, Case
from .rows import good
from .steps import anew, stored
from .world import World

ONE = "expected one SELECT"


def config(query: str, cursor: str = "[n]", url: str = "${CORPUS_URL}", extra: str = "") -> str:
    source = f"{{kind: sql, url: {json.dumps(url)}, query: {json.dumps(query)}, cursor: {cursor}}}"
    return f"monitors: [{{name: table, kind: tabular, source: {source}, key: [id], time: at{extra}}}]"


def query(
    name: str, text: str, *words: str, cursor: str = "[n]", sources: tuple[str, ...] = TABLES, code: int = 1,
    url: str = "${CORPUS_URL}", stored: int = 0,
) -> Case:  # fmt: skip
    """A query that is refused with these words, or brings so many of the three rows of the table."""

    def play(world: World) -> None:
        world.put([good(n) for n in range(1, 4)])
        (world.folder / "m.yaml").write_text(config(text, cursor, url))
        world.run("apply", "m.yaml")
        done = world.pull(code, words)
        world.must(len(world.rows()) == stored, f"{len(world.rows())} rows are stored, expected {stored}")
        if code:
            last = done.err.strip().splitlines()[-1]
            world.must(last.startswith("monitor: pull: "), f"more than a line: {done.err}")
        world.must("hunter2" not in done.text, "a password is shown")
        there = world.engine.connect()
        with there:
            found = there.exec_driver_sql("SELECT count(*) FROM feed").scalar()
        world.must(found == 3, "the source was written to")

    return Case("SQL", name, sources, play, start="empty")


REFUSED = [
    query("a table that is not there", "select * from nosuch", "nosuch"),
    query("a column that is not there", "select n, nosuch from feed", "nosuch"),
    query("a slip of the pen", "selec * from feed", ONE, "'selec'"),
    query("no query", "", ONE, "'nothing'"),
    query("a comment alone", "-- select * from feed", ONE),
    query("words", "all payments please", ONE),
    query("a second statement that drops", "select * from feed; drop table feed", "more than one statement", ONE),
    query("a drop alone", "drop table feed", ONE),
    query("a delete", "delete from feed", ONE),
    query("a delete within WITH", "with gone as (delete from feed returning *) select * from gone", ONE),
    query("an update behind a comment", "/* select */ update feed set n = 0", ONE),
    query("a parenthesis too many", "select * from feed) as x, (select 1", ONE),
    query("a parenthesis too few", "select * from (select * from feed", ONE),
    query("a quote that stays open", "select * from feed where note = 'x", ONE),
    query("another database attached", "attach 'x.db' as y", ONE, sources=("sqlite",)),
    query("a pragma", "pragma table_info(feed)", ONE, sources=("sqlite",)),
    query("COPY to a program", "copy feed to program 'id'", ONE, sources=("postgresql",)),
    query("a function that loads code", "select *, load_extension('x') from feed", "not authorized",
          sources=("sqlite",)),
    query("a function that allows writing", "select *, set_config('transaction_read_only', 'off', true) from feed",
          "read-write mode must be set before any query", sources=("postgresql",)),
    query("a division by nothing", "select *, 1 / (n - n) as x from feed", "division by zero", sources=("postgresql",)),
    query("a cast that fails", "select *, note::int as x from feed", "invalid input syntax", sources=("postgresql",)),
    query("a column twice", "select *, n from feed", "more than once", "AS", cursor="[at]", sources=("postgresql",)),
    query("a cursor column that is not there", "select * from feed", "updated", cursor="[updated]"),
    query("a cursor column that the query leaves out", "select id, at from feed", "n"),
    query("a query without columns", "select from feed", sources=("postgresql",)),
    query("a cursor of documents", "select *, '{}'::json as d from feed", cursor="[d]", sources=("postgresql",)),
    query("a variable that is not set", "select * from feed", "NOT_THERE_AT_ALL is not set", url="${NOT_THERE_AT_ALL}"),
    query("an address that is none", "select * from feed", "no SQLAlchemy URL", url="feed at home"),
    query("a database of an unknown kind", "select * from feed", "nosuch", url="nosuch://host/db"),
    query("a driver that is not installed", "select * from feed", "not installed", url="mysql://host/db"),
    query("a file that is not there", "select * from feed", "unable to open", url="sqlite:////nowhere/at/all.db",
          sources=("sqlite",)),
    query("a database in memory", "select * from feed", "expected a file", url="sqlite://", sources=("sqlite",)),
    query("a port where nobody listens", "select * from feed", "the database answers", sources=("postgresql",),
          url="postgresql://ana@127.0.0.1:9/none"),
]  # fmt: skip

TAKEN = [
    query("a closing semicolon", "select * from feed;", code=0, stored=3),
    query("comments and line ends", "-- all\nselect * /* of */\r\nfrom feed -- of it", code=0, stored=3),
    query("marks that others take for parameters",
          "select *, '%s :x ? {y} $1 100%' as marks from feed where note not like '%;%' and note not like ':n%'",
          code=0, stored=3),
    query("a backslash", "select *, '\\' as slash from feed", code=0, stored=3),
    query("a quoted semicolon", "select * from feed where note <> ';' or 1 = 1", code=0, stored=3),
]  # fmt: skip


def _not_a_database(world: World) -> None:
    (world.folder / "feed.sqlite").write_text("a shopping list and no database at all, but long enough " * 40)
    (world.folder / "m.yaml").write_text(config("select * from feed"))
    world.run("apply", "m.yaml")
    world.pull(1, ("file is not a database",))


def _wrong_database(world: World) -> None:
    url = world.tables_url.replace("_source", "_nosuch")
    (world.folder / "m.yaml").write_text(config("select * from feed", url="${ELSEWHERE}"))
    world.run("apply", "m.yaml")
    world.run("pull", "table", code=1, says=("_nosuch", "does not exist"), ELSEWHERE=url)


def _view_gone(world: World) -> None:
    before = len(world.rows())
    world.put([good(1001), good(1002)])
    world.sql("ALTER TABLE feed RENAME TO base", "CREATE VIEW feed AS SELECT * FROM base")
    world.pull(0, ("2 new rows",))
    world.sql("DROP VIEW feed")
    world.pull(1, ("feed",))
    world.sql("ALTER TABLE base RENAME TO feed")
    world.put([good(1003)])
    world.pull(0, ("1 new row",))
    world.must(len(world.rows()) == before + 3, "rows were lost while the view was gone")


def _strays(value: str) -> Callable[[World], None]:
    """Rows whose cursor value says nothing of their place."""

    def play(world: World) -> None:
        before = len(world.rows())
        world.put([good(n) for n in range(1001, 1006)])
        world.sql(f"UPDATE feed SET n = {value} WHERE CAST(id AS integer) = 1003")
        world.pull(0, ("4 new rows", "1 quarantined"))
        world.put([good(n) for n in range(1006, 1009)])
        world.pull(0, ("3 new rows",))
        world.must(len(world.rows()) == before + 7, f"{len(world.rows()) - before} of 7 good rows stored")
        world.must("no usable value in n" in world.quarantined()[0]["reason"], str(world.quarantined()))

    return play


def _late(world: World) -> None:
    """A row that is committed with an earlier cursor value than the last read is found within the delay."""
    rows = [good(n) for n in range(1, 31)]
    world.put(rows[:10] + rows[11:])
    (world.folder / "m.yaml").write_text(
        config("select * from feed", "[at, n]", extra=", schedule: {delay: 1h}")
    )
    world.run("apply", "m.yaml")
    world.pull(0, ("29 new rows",))
    world.put([rows[10], good(31)])
    world.pull(0, ("2 new rows",))
    world.must(len(world.rows()) == 31, "the late row was lost")


def _same_cursor(world: World) -> None:
    """All rows share one cursor value, and more of that value come later."""
    before = len(world.rows())
    world.put([good(n) for n in range(1001, 1006)])
    world.sql("UPDATE feed SET n = 999")
    world.pull(0, ("5 new rows",))
    world.put([good(n) for n in range(1006, 1009)])
    world.sql("UPDATE feed SET n = 999")
    world.pull(0, ("3 new rows",))
    world.must(len(world.rows()) == before + 8, "rows of one cursor value were lost or doubled")


def _broken_text(world: World) -> None:
    """A text cell that is no UTF-8 spoils its row alone."""
    before = len(world.rows())
    world.put([good(n) for n in range(1001, 1004)])
    with closing(sqlite3.connect(world.folder / "feed.sqlite")) as database, database:
        database.execute("UPDATE feed SET kind = CAST(x'ff41' AS TEXT) WHERE id = 1002")
    world.pull(0, ("2 new rows", "1 quarantined"))
    world.must(len(world.rows()) == before + 2, "good rows were lost")


NAMES = ["reading_id", "source_key", "entity", "event_at", "run_id", "select", "order", "a b", "a%b", "a:b", "a.b",
         "a'b", 'a"b', "a;b", "a\\b", "Groß", "🙂", "x" * 70, "1st", "a,b", "<b>", "{x}", "$y", "-- c",
         "'; DROP TABLE monitors; --", "a\tb", "a\nb", "LOAD"]  # fmt: skip


def named(names: list[str]) -> Callable[[World], None]:
    """Columns of these names at a first look, and again."""

    def play(world: World) -> None:
        fitting = [
            n for n in names if n != "LOAD" or world.source != "sqlite"
        ]  # where capitals do not tell names apart
        anew(world, ", key: [id]")
        world.put([good(n) | dict.fromkeys(fitting, n * 1.5) for n in range(1, 31)])
        world.pull()
        stored(world, 30)
        pinned = world.state()["fields"]
        fields = json.loads(pinned) if isinstance(pinned, str) else pinned
        known = {f["name"] for f in (*fields["fields"], *fields["left_out"])}
        for name in fitting:  # PostgreSQL cuts names at 63 bytes
            world.must(
                bool({name, name[:63]} & known), f"{name!r} is neither a field nor left out: {sorted(known)}"
            )
        world.put([good(n) | dict.fromkeys(fitting, n * 1.5) for n in range(31, 34)])
        world.pull()
        stored(world, 33)
        for name in {f["name"] for f in fields["fields"]} & set(fitting):
            world.must(world.rows()["31"][name] == 46.5, f"{name!r} became {world.rows()['31'][name]}")

    return play


SCENES = [
    Case("SQL", "a file that is no database", ("sqlite",), _not_a_database, start="empty"),
    Case("SQL", "a database that is not there", ("postgresql",), _wrong_database, start="empty"),
    Case("SQL", "a view that is gone", TABLES, _view_gone),
    Case("SQL", "a cursor without a value", TABLES, _strays("NULL")),
    Case("SQL", "a cursor of another type", ("sqlite",), _strays("'x'")),
    Case("SQL", "a cursor of bytes", ("sqlite",), _strays("x'00ff'")),
    Case("SQL", "a cursor that goes back", TABLES, _late, start="empty"),
    Case("SQL", "one cursor value for all rows", TABLES, _same_cursor),
    Case("SQL", "text that is no Unicode", ("sqlite",), _broken_text),
]
COLUMNS = [
    Case("column names", repr(n) if len(n) < 40 else f"{len(n)} letters",
         tuple(s for s in EVERY if n != "LOAD" or s != "sqlite"),
         named([n]), start="empty")
    for n in NAMES
]  # fmt: skip
CASES = [*REFUSED, *TAKEN, *SCENES, *COLUMNS]
