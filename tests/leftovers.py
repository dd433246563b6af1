"""Databases of test sessions that were killed: the next session drops them."""

from datetime import timedelta

import sqlalchemy as sa

PREFIX = "monitor_test_"
OLD = timedelta(hours=1)


def claim(connection: sa.Connection, name: str) -> bool:
    """Say that a session lives that needs this database, until the connection ends; False where another said so."""
    return bool(
        connection.execute(sa.select(sa.func.pg_try_advisory_lock(sa.func.hashtext(name)))).scalar_one()
    )


def drop(connection: sa.Connection, prefix: str = PREFIX, older: timedelta = OLD) -> list[str]:
    """Drop what nobody claims and nobody is connected to; returns the names.

    The age is that of a file which is written once, when a database is made; reading it needs a superuser.
    """
    if not connection.exec_driver_sql("SELECT usesuper FROM pg_user WHERE usename = current_user").scalar():
        return []
    found = connection.execute(
        sa.text(
            "SELECT datname FROM pg_database d WHERE starts_with(datname, :prefix) "
            "AND (pg_stat_file('base/' || oid || '/PG_VERSION', true)).modification <= now() - :older "
            "AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = d.datname)"
        ),
        {"prefix": prefix, "older": older},
    )
    dropped = []
    for name in found.scalars().all():
        if claim(connection, name):
            connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}"')
            dropped.append(name)
    return dropped
