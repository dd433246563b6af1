import sqlalchemy as sa
from seed import fill, reading_id

from monitor.jobs.context import Context
from monitor.storage import alerts, tables


def test_which_of_more_readings_than_a_statement_has_parameters_were_flagged(context: Context) -> None:
    fill(context.database, context.now(), days=1)
    with context.database.read() as session:
        flagged = set(session.scalars(sa.select(tables.outliers.c.reading_id).limit(5)))
        asked = [reading_id(900, n) for n in range(40_000)] + sorted(flagged)
        assert alerts.flagged(session, asked) == flagged
        assert alerts.flagged(session, []) == set()
