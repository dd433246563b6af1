"""Holds that stop retention and erasure, erased entities that must not come back, and the key they are hashed with"""

import sqlalchemy as sa
from alembic import op

from monitor.storage.types import BigInt, Json, UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "holds",
        sa.Column("hold_id", BigInt, autoincrement=True, nullable=False),
        sa.Column("monitor_id", BigInt, autoincrement=False, nullable=True),
        sa.Column("entity", sa.Text(), nullable=True),
        sa.Column("alert", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("starts_at", UtcDateTime, nullable=False),
        sa.Column("ends_at", UtcDateTime, nullable=False),
        sa.Column("released_at", UtcDateTime, nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["monitor_id"], ["monitors.monitor_id"], name=op.f("fk_holds_monitor_id")),
        sa.PrimaryKeyConstraint("hold_id", name=op.f("pk_holds")),
    )
    op.create_index("ix_holds_ends_at", "holds", ["ends_at"], unique=False)
    op.create_table(
        "erasures",
        sa.Column("erasure_id", BigInt, autoincrement=True, nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("counts", Json, nullable=False),
        sa.Column("pending", Json, nullable=False),
        sa.PrimaryKeyConstraint("erasure_id", name=op.f("pk_erasures")),
        sa.UniqueConstraint("scope", "digest", name=op.f("uq_erasures_scope_digest")),
    )
    op.create_table(
        "keys",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_keys")),
    )
    op.add_column("monitors", sa.Column("pruned_through", UtcDateTime, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("monitors") as monitors:
        monitors.drop_column("pruned_through")
    op.drop_table("keys")
    op.drop_table("erasures")
    op.drop_index("ix_holds_ends_at", table_name="holds")
    op.drop_table("holds")
