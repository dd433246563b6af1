"""PostgreSQL: by pg_dump's archive, restored in one transaction together with the upgrade of its schema."""

import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from psycopg.conninfo import make_conninfo

from monitor.storage import schema, tables
from monitor.storage.backup.copy import Prepare, Unusable, beside, settle
from monitor.storage.crash import fail_point
from monitor.storage.database import Database, Joined

PACKAGE = (
    "it comes with PostgreSQL's client programs (Debian: postgresql-client, Fedora: postgresql, macOS: libpq)"
)
PATIENCE = "30s"  # to wait for others' transactions before a restore gives up
SESSION = re.compile(
    rb"SET |SELECT pg_catalog\.set_config|--|\\|\s*$"
)  # of the archive's own connection, or nothing
BLOCK = 1 << 16  # bytes of rows that are sent at once


def make(database: Database, file: Path) -> str | None:
    """Dump the product's own tables as one snapshot sees them; others in the database are not touched."""
    address, environment = connection_of(database)
    with beside(file) as part, database.engine.connect() as connection:
        connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        names = own_tables(connection)
        if "alembic_version" not in names:
            raise Unusable("the database has no schema yet; run `monitor init` first")
        snapshot = connection.scalar(sa.text("select pg_export_snapshot()"))
        _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--no-password", f"--file={part}",
             f"--snapshot={snapshot}", *(f"--table={_pattern(n)}" for n in names), f"--dbname={address}",
             environment=environment)  # fmt: skip
        revision = check(part)
        absent = set(names) - _listed(part)
        if absent:
            raise Unusable(f"the backup lacks {', '.join(sorted(absent))}; nothing was kept")
        settle(part, file)
    return revision


def check(file: Path) -> str | None:
    """Read the whole archive; returns the revision of the schema."""
    _run("pg_restore", f"--file={os.devnull}", str(file))
    rows = _run("pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(file))
    found = re.search(r"^COPY [^\n]*alembic_version[^\n]*\n(\w+)\n", rows, re.MULTILINE)
    return found[1] if found else None


def restore(database: Database, file: Path, prepare: Prepare) -> None:
    """Drop, rebuild, upgrade and ``prepare`` in one transaction: pg_restore writes the SQL, our connection runs it.

    A view that somebody built on the tables stands against it, since it would be lost.
    """
    connection = database.engine.connect()
    try:
        with connection.begin(), _told(database), _script(file) as lines:
            connection.execute(sa.text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(schema.LOCK)))
            if names := own_tables(connection):
                quoted = ", ".join(connection.dialect.identifier_preparer.quote(n) for n in names)
                connection.exec_driver_sql(f"DROP TABLE {quoted}")
            driver = connection.connection.driver_connection
            assert driver is not None
            with driver.cursor() as cursor:
                _replay(cursor, lines)
            schema.upgrade_on(connection)
            prepare(Joined(connection))
    finally:
        connection.invalidate()  # the archive's settings end with the connection
        connection.close()


def _replay(cursor: Any, lines: Iterator[bytes]) -> None:
    """Statements between COPY blocks go in one piece each; rows are streamed."""
    statements: list[bytes] = []
    for line in lines:
        if line.startswith(b"COPY ") and line.rstrip().endswith(b"FROM stdin;"):
            _execute(cursor, statements)
            with cursor.copy(line) as copy:
                rows = itertools.takewhile(lambda row: row != b"\\.\n", lines)
                for block in _blocks(rows):
                    fail_point("restore.copying")
                    copy.write(block)
        elif not SESSION.match(line):
            statements.append(line)
    _execute(cursor, statements)


def _execute(cursor: Any, statements: list[bytes]) -> None:
    if statements:
        cursor.execute(b"".join(statements), prepare=False)
    statements.clear()


def _blocks(rows: Iterable[bytes]) -> Iterator[bytes]:
    block, size = [], 0
    for row in rows:
        block.append(row)
        size += len(row)
        if size > BLOCK:
            yield b"".join(block)
            block, size = [], 0
    yield b"".join(block)


@contextmanager
def _script(file: Path) -> Iterator[IO[bytes]]:
    """The archive as SQL; an archive that ends early ends the transaction too."""
    words = [_found("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(file)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_plain()) as process:  # noqa: S603  no shell
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            yield process.stdout
            complaint = process.stderr.read().decode(errors="replace").strip()
            if process.wait() != 0:
                raise Unusable(_reason("pg_restore", complaint))
        finally:
            process.kill()


def own_tables(connection: sa.Connection) -> list[str]:
    """The product's tables that are there, those of removed monitors included."""
    there = set(sa.inspect(connection).get_table_names())
    readings: set[str] = set()
    if "monitors" in there:
        names = connection.scalars(sa.text("select document ->> 'name' from monitors"))
        readings = {f"readings_{name.replace('-', '_')}" for name in names}
    return sorted(there & {*tables.metadata.tables, "alembic_version", *readings})


def connection_of(database: Database) -> tuple[str, dict[str, str]]:
    """What a child is told on its command line, and its environment, which alone holds the password."""
    _, given = database.engine.dialect.create_connect_args(database.url)
    words = {k: str(v) for k, v in given.items() if isinstance(v, str | int)}
    environment = _plain()
    if password := words.pop("password", None):
        environment["PGPASSWORD"] = password
    if "sslpassword" in words:
        raise Unusable(
            "sslpassword in MONITOR_DATABASE_URL would show in the process list; use a key without one"
        )
    return make_conninfo(**words), environment


def _plain() -> dict[str, str]:
    return os.environ | {"LC_ALL": "C"}


def _pattern(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _listed(file: Path) -> set[str]:
    return set(re.findall(r" TABLE DATA \S+ (\S+) ", _run("pg_restore", "--list", str(file))))


def _found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise Unusable(f"{program} was not found on PATH; {PACKAGE}")
    return path


def _run(program: str, *words: str, environment: dict[str, str] | None = None) -> str:
    ended = subprocess.run(  # noqa: S603  no shell
        [_found(program), *words], env=environment or _plain(), capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        raise Unusable(_reason(program, ended.stderr.strip()))
    return ended.stdout


def _reason(program: str, complaint: str) -> str:
    if mismatch := re.search(r"server version: (\d+)[^;]*; pg_dump version: (\d+)", complaint):
        server, ours = mismatch.groups()
        return (
            f"the server is PostgreSQL {server}, pg_dump on PATH is {ours}; it cannot be the older one: install "
            f"version {server} of the client programs (Debian: postgresql-client-{server})"
        )
    if unknown := re.search(r"unsupported version \((\S+)\)", complaint):
        return (
            f"the archive is of format {unknown[1]}, which the {program} on PATH does not read; install client "
            "programs as new as those that made it"
        )
    return f"{program} failed: {complaint.splitlines()[0] if complaint else 'it said nothing'}"


@contextmanager
def _told(database: Database) -> Iterator[None]:
    """PostgreSQL's words for what stood against it."""
    import psycopg

    try:
        yield
    except (psycopg.Error, sa.exc.DBAPIError) as fault:
        words = str(getattr(fault, "orig", None) or fault).strip().replace("\n", "; ")
        raise Unusable(f"nothing was restored: {words}") from None
