"""The first schema"""

import sqlalchemy as sa
from alembic import op

from monitor.storage.types import BigInt, Json, UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("audit_id", BigInt, autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", Json, nullable=False),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("row_hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("pk_audit")),
        sa.UniqueConstraint("row_hash", name=op.f("uq_audit_row_hash")),
    )
    op.create_index("ix_audit_subject_at", "audit", ["subject", "at"], unique=False)
    op.create_table(
        "channels",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("deleted_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_channels")),
    )
    op.create_table(
        "config_revisions",
        sa.Column("revision_id", BigInt, autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.PrimaryKeyConstraint("revision_id", name=op.f("pk_config_revisions")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token", BigInt, nullable=False),
        sa.Column("run_id", BigInt, nullable=True),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "monitors",
        sa.Column("monitor_id", BigInt, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("fields", Json, nullable=True),
        sa.Column("cursor", Json, nullable=False),
        sa.Column("next_reading", BigInt, nullable=False),
        sa.Column("pulled", BigInt, nullable=False),
        sa.Column("stored", BigInt, nullable=False),
        sa.Column("quarantined", BigInt, nullable=False),
        sa.Column("known", BigInt, nullable=False),
        sa.Column("notices", Json, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("deleted_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("monitor_id", name=op.f("pk_monitors")),
        sa.UniqueConstraint("name", name=op.f("uq_monitors_name")),
    )
    op.create_table(
        "queues",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_queues")),
    )
    op.create_table(
        "scores",
        sa.Column("reading_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("version_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("p_value", sa.Double(), nullable=False),
        sa.Column("scored_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("reading_id", "version_id", name=op.f("pk_scores")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "alerts",
        sa.Column("alert_id", BigInt, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("monitor_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Double(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("opened_at", UtcDateTime, nullable=False),
        sa.Column("first_event_at", UtcDateTime, nullable=False),
        sa.Column("last_event_at", UtcDateTime, nullable=False),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("p_value", sa.Double(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("brief", sa.Text(), nullable=False),
        sa.Column("fields", Json, nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("suppressed_by", sa.Text(), nullable=True),
        sa.Column("snoozed_until", UtcDateTime, nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("closed_at", UtcDateTime, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["monitor_id"], ["monitors.monitor_id"], name=op.f("fk_alerts_monitor_id")),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("public_id", name=op.f("uq_alerts_public_id")),
    )
    op.create_index(
        "ix_alerts_closed", "alerts", ["closed_at", "verdict", "opened_at", "queue"], unique=False
    )
    op.create_index("ix_alerts_ranked", "alerts", ["state", "rank", "alert_id"], unique=False)
    op.create_index(
        "ix_alerts_standing",
        "alerts",
        ["state", "monitor_id", "queue", "severity", "value", "opened_at"],
        unique=False,
    )
    op.create_index("ix_alerts_entity", "alerts", ["monitor_id", "entity", "opened_at"], unique=False)
    op.create_index(
        "ix_alerts_open_entity", "alerts", ["monitor_id", "state", "entity", "last_event_at"], unique=False
    )
    op.create_index("ix_alerts_queue", "alerts", ["state", "queue", "rank", "alert_id"], unique=False)
    op.create_table(
        "labels",
        sa.Column("label_id", BigInt, autoincrement=True, nullable=False),
        sa.Column("monitor_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("known_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["monitor_id"], ["monitors.monitor_id"], name=op.f("fk_labels_monitor_id")),
        sa.PrimaryKeyConstraint("label_id", name=op.f("pk_labels")),
        sa.UniqueConstraint(
            "monitor_id", "source_key", "origin", name=op.f("uq_labels_monitor_id_source_key_origin")
        ),
    )
    op.create_table(
        "outliers",
        sa.Column("outlier_id", BigInt, autoincrement=True, nullable=False),
        sa.Column("reading_id", BigInt, nullable=False),
        sa.Column("version_id", BigInt, nullable=False),
        sa.Column("monitor_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("entity", sa.Text(), nullable=True),
        sa.Column("event_at", UtcDateTime, nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("p_value", sa.Double(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("explanation", Json, nullable=False),
        sa.ForeignKeyConstraint(["monitor_id"], ["monitors.monitor_id"], name=op.f("fk_outliers_monitor_id")),
        sa.PrimaryKeyConstraint("outlier_id", name=op.f("pk_outliers")),
        sa.UniqueConstraint("reading_id", "version_id", name=op.f("uq_outliers_reading_id_version_id")),
    )
    op.create_index("ix_outliers_monitor_id_event_at", "outliers", ["monitor_id", "event_at"], unique=False)
    op.create_table(
        "quarantine",
        sa.Column("quarantine_id", BigInt, autoincrement=True, nullable=False),
        sa.Column("monitor_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("run_id", BigInt, nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["monitor_id"], ["monitors.monitor_id"], name=op.f("fk_quarantine_monitor_id")
        ),
        sa.PrimaryKeyConstraint("quarantine_id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint("monitor_id", "fingerprint", name=op.f("uq_quarantine_monitor_id_fingerprint")),
    )
    op.create_index("ix_quarantine_monitor_id_at", "quarantine", ["monitor_id", "at"], unique=False)
    op.create_table(
        "runs",
        sa.Column("run_id", BigInt, autoincrement=True, nullable=False),
        sa.Column("monitor_id", BigInt, autoincrement=False, nullable=True),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("requested_at", UtcDateTime, nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.Column("not_before", UtcDateTime, nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=True),
        sa.Column("finished_at", UtcDateTime, nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("progress", sa.Float(), nullable=True),
        sa.Column("counts", Json, nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["monitor_id"], ["monitors.monitor_id"], name=op.f("fk_runs_monitor_id")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_runs")),
        sa.UniqueConstraint("scope", "job", "slot", name=op.f("uq_runs_scope_job_slot")),
    )
    op.create_index(
        "ix_runs_scope_job_finished", "runs", ["scope", "job", "state", "finished_at"], unique=False
    )
    op.create_index("ix_runs_started", "runs", ["started_at", "state"], unique=False)
    op.create_index("ix_runs_state_not_before", "runs", ["state", "not_before"], unique=False)
    op.create_table(
        "score_bins",
        sa.Column("monitor_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("bin_at", UtcDateTime, nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("p_value", sa.Double(), nullable=False),
        sa.Column("flagged", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["monitor_id"], ["monitors.monitor_id"], name=op.f("fk_score_bins_monitor_id")
        ),
        sa.PrimaryKeyConstraint("monitor_id", "bin_at", name=op.f("pk_score_bins")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "suppressions",
        sa.Column("suppression_id", BigInt, autoincrement=True, nullable=False),
        sa.Column("monitor_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("entity", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("starts_at", UtcDateTime, nullable=False),
        sa.Column("ends_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["monitor_id"], ["monitors.monitor_id"], name=op.f("fk_suppressions_monitor_id")
        ),
        sa.PrimaryKeyConstraint("suppression_id", name=op.f("pk_suppressions")),
    )
    op.create_index(
        "ix_suppressions_monitor_id_ends_at", "suppressions", ["monitor_id", "ends_at"], unique=False
    )
    op.create_table(
        "versions",
        sa.Column("version_id", BigInt, autoincrement=True, nullable=False),
        sa.Column("monitor_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("objective", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("run_id", BigInt, nullable=True),
        sa.Column("bundle", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("manifest", Json, nullable=False),
        sa.Column("facts", Json, nullable=False),
        sa.Column("decision", Json, nullable=True),
        sa.Column("decided_at", UtcDateTime, nullable=True),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("trained_through", BigInt, nullable=False),
        sa.Column("scored_through", BigInt, nullable=False),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["monitor_id"], ["monitors.monitor_id"], name=op.f("fk_versions_monitor_id")),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_versions")),
        sa.UniqueConstraint("monitor_id", "number", name=op.f("uq_versions_monitor_id_number")),
    )
    op.create_index(
        "ix_versions_champion",
        "versions",
        ["monitor_id"],
        unique=True,
        sqlite_where=sa.text("state = 'champion'"),
        postgresql_where=sa.text("state = 'champion'"),
    )
    op.create_table(
        "alert_changes",
        sa.Column("change_id", BigInt, autoincrement=True, nullable=False),
        sa.Column("alert_id", BigInt, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("detail", Json, nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.alert_id"], name=op.f("fk_alert_changes_alert_id")),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_alert_changes")),
    )
    op.create_index("ix_alert_changes_alert_id_at", "alert_changes", ["alert_id", "at"], unique=False)
    op.create_table(
        "alert_members",
        sa.Column("outlier_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("alert_id", BigInt, nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.alert_id"], name=op.f("fk_alert_members_alert_id")),
        sa.ForeignKeyConstraint(
            ["outlier_id"], ["outliers.outlier_id"], name=op.f("fk_alert_members_outlier_id")
        ),
        sa.PrimaryKeyConstraint("outlier_id", name=op.f("pk_alert_members")),
    )
    op.create_index("ix_alert_members_alert_id", "alert_members", ["alert_id"], unique=False)
    op.create_table(
        "reviews",
        sa.Column("review_id", BigInt, autoincrement=True, nullable=False),
        sa.Column("alert_id", BigInt, nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("action_key", sa.Text(), nullable=False),
        sa.Column("undone_at", UtcDateTime, nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.alert_id"], name=op.f("fk_reviews_alert_id")),
        sa.PrimaryKeyConstraint("review_id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("action_key", name=op.f("uq_reviews_action_key")),
    )
    op.create_index("ix_reviews_alert_id_at", "reviews", ["alert_id", "at"], unique=False)
    op.create_table(
        "notifications",
        sa.Column("notification_id", BigInt, autoincrement=True, nullable=False),
        sa.Column("change_id", BigInt, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.Column("sent_at", UtcDateTime, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["change_id"], ["alert_changes.change_id"], name=op.f("fk_notifications_change_id")
        ),
        sa.PrimaryKeyConstraint("notification_id", name=op.f("pk_notifications")),
        sa.UniqueConstraint("change_id", "channel", name=op.f("uq_notifications_change_id_channel")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_notifications_idempotency_key")),
    )
    op.create_index("ix_notifications_due", "notifications", ["state", "due_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_notifications_due", table_name="notifications")
    op.drop_table("notifications")
    op.drop_index("ix_reviews_alert_id_at", table_name="reviews")
    op.drop_table("reviews")
    op.drop_index("ix_alert_members_alert_id", table_name="alert_members")
    op.drop_table("alert_members")
    op.drop_index("ix_alert_changes_alert_id_at", table_name="alert_changes")
    op.drop_table("alert_changes")
    op.drop_index(
        "ix_versions_champion",
        table_name="versions",
        sqlite_where=sa.text("state = 'champion'"),
        postgresql_where=sa.text("state = 'champion'"),
    )
    op.drop_table("versions")
    op.drop_index("ix_suppressions_monitor_id_ends_at", table_name="suppressions")
    op.drop_table("suppressions")
    op.drop_table("score_bins")
    op.drop_index("ix_runs_state_not_before", table_name="runs")
    op.drop_index("ix_runs_started", table_name="runs")
    op.drop_index("ix_runs_scope_job_finished", table_name="runs")
    op.drop_table("runs")
    op.drop_index("ix_quarantine_monitor_id_at", table_name="quarantine")
    op.drop_table("quarantine")
    op.drop_index("ix_outliers_monitor_id_event_at", table_name="outliers")
    op.drop_table("outliers")
    op.drop_table("labels")
    op.drop_index("ix_alerts_queue", table_name="alerts")
    op.drop_index("ix_alerts_open_entity", table_name="alerts")
    op.drop_index("ix_alerts_entity", table_name="alerts")
    op.drop_index("ix_alerts_standing", table_name="alerts")
    op.drop_index("ix_alerts_ranked", table_name="alerts")
    op.drop_index("ix_alerts_closed", table_name="alerts")
    op.drop_table("alerts")
    op.drop_table("scores")
    op.drop_table("queues")
    op.drop_table("monitors")
    op.drop_table("leases")
    op.drop_table("config_revisions")
    op.drop_table("channels")
    op.drop_index("ix_audit_subject_at", table_name="audit")
    op.drop_table("audit")
