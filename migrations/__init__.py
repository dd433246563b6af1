"""The schema's history; Alembic scripts that run on SQLite and PostgreSQL."""
