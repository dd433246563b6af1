"""Alembic's entry: on the connection it is given, or (for developers) on the configured database."""

from alembic import context

from monitor.settings import Settings
from monitor.storage.database import Database
from monitor.storage.tables import metadata


def run(connection: object) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transactional_ddl=True,
        render_as_batch=True,  # SQLite alters a table by building it anew
        include_name=lambda name, kind, _: kind != "table" or name in metadata.tables,
        compare_type=True,
    )
    context.run_migrations()


if (given := context.config.attributes.get("connection")) is not None:
    run(given)
else:
    with Database(Settings().url).write() as session:
        run(session.connection())
