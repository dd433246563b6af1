"""What a database holds, for somebody who has not written a query yet."""

from dataclasses import dataclass

import sqlalchemy as sa

from monitor.sources.base import resolved
from monitor.sources.sql.connection import meaning, open_engine


@dataclass(frozen=True)
class Table:
    """A table or view: its columns, those of them that are times, and what makes a row that row."""

    name: str
    columns: tuple[str, ...]
    times: tuple[str, ...]
    key: tuple[str, ...]


def tables(url: str) -> list[Table]:
    """The tables and views of a database, by name; ``url`` may hold variables.

    Raises:
        SourceUnavailable: it does not answer now.
        SourceRefused: it does not let us in, or the address names none.
    """
    address, secrets = resolved(url)
    engine = open_engine(address)
    try:
        with engine.connect() as connection:
            seen = sa.inspect(connection)
            return [_table(seen, name) for name in sorted([*seen.get_table_names(), *seen.get_view_names()])]
    except sa.exc.DBAPIError as fault:
        raise meaning(fault, [*secrets, sa.make_url(address).password or ""]) from None
    finally:
        engine.dispose()


def _table(seen: sa.Inspector, name: str) -> Table:
    columns = seen.get_columns(name)
    times = [c["name"] for c in columns if isinstance(c["type"], sa.Date | sa.DateTime)]
    key = seen.get_pk_constraint(name).get("constrained_columns") or []
    return Table(name, tuple(c["name"] for c in columns), tuple(times), tuple(key))
