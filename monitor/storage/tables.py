"""The tables that people may query; keys and meaning are public, see ARCHITECTURE.md.

A reading_id is ``monitor_id << 40 | n``: one number for the whole database, dense and rising for each monitor,
so that a monitor's scores and outliers are one range of their keys.
"""

import sqlalchemy as sa

from monitor.storage.types import BigInt, Json, UtcDateTime

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id(name: str) -> sa.Column[int]:
    return sa.Column(name, BigInt, primary_key=True, autoincrement=True)


def _monitor(nullable: bool = False, primary_key: bool = False) -> sa.Column[int]:
    reference = sa.ForeignKey("monitors.monitor_id")
    return sa.Column(
        "monitor_id", BigInt, reference, nullable=nullable, primary_key=primary_key, autoincrement=False
    )


monitors = sa.Table(
    "monitors",
    metadata,
    _id("monitor_id"),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("document", Json, nullable=False),
    sa.Column("fields", Json),  # the pinned schema; null before the first pull
    sa.Column("cursor", Json, nullable=False),
    sa.Column("next_reading", BigInt, nullable=False, default=1),
    sa.Column("pulled", BigInt, nullable=False, default=0),
    sa.Column("stored", BigInt, nullable=False, default=0),
    sa.Column("quarantined", BigInt, nullable=False, default=0),
    sa.Column("known", BigInt, nullable=False, default=0),
    sa.Column("notices", Json, nullable=False, default=list),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("deleted_at", UtcDateTime),  # its rows stay for the audit; its name becomes free
    sa.Column("pruned_through", UtcDateTime),  # event time of the newest reading that retention took
)

config_revisions = sa.Table(
    "config_revisions",
    metadata,
    _id("revision_id"),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),  # file | dashboard
    sa.Column("document", Json, nullable=False),
)

runs = sa.Table(
    "runs",
    metadata,
    _id("run_id"),
    _monitor(nullable=True),  # null: a job of the whole installation (notify, prune)
    sa.Column(
        "scope", sa.Text, nullable=False
    ),  # "monitor:3" or "all"; null does not collide in a unique key
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("slot", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # queued | running | done | failed | refused
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, default=0),
    sa.Column("requested_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),  # the slot's moment; does not change
    sa.Column("not_before", UtcDateTime, nullable=False),  # later after a fault that may pass
    sa.Column("started_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("worker", sa.Text),
    sa.Column("progress", sa.Float),
    sa.Column("counts", Json),
    sa.Column("message", sa.Text),  # one sentence: what came of it, or why it failed and what to do
    sa.UniqueConstraint("scope", "job", "slot"),
    sa.Index("ix_runs_state_not_before", "state", "not_before"),  # the workers' question
    sa.Index("ix_runs_started", "started_at", "state"),  # the page's question
    sa.Index("ix_runs_scope_job_finished", "scope", "job", "state", "finished_at"),  # last success of a job
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # "monitor:3/pull"
    sa.Column("token", BigInt, nullable=False),  # the fence: rises at each claim
    sa.Column("run_id", BigInt),  # null: free
    sa.Column("holder", sa.Text),
    sa.Column("expires_at", UtcDateTime, nullable=False),
)

quarantine = sa.Table(
    "quarantine",
    metadata,
    _id("quarantine_id"),
    _monitor(),
    sa.Column("run_id", BigInt),
    sa.Column(
        "fingerprint", sa.Text, nullable=False
    ),  # of place, content and reason: the same row comes in once
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("raw", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("monitor_id", "fingerprint"),
    sa.Index("ix_quarantine_monitor_id_at", "monitor_id", "at"),
)

versions = sa.Table(
    "versions",
    metadata,
    _id("version_id"),
    _monitor(),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # candidate | champion | retired | rejected
    sa.Column("objective", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("run_id", BigInt),
    sa.Column("bundle", sa.LargeBinary, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("manifest", Json, nullable=False),  # what it learnt from, what was left out and why
    sa.Column("facts", Json, nullable=False),  # figures of the training: curve, calibration, seconds
    sa.Column("decision", Json),  # the newest, with figures and reason; under "earlier" those before it
    sa.Column("decided_at", UtcDateTime),
    sa.Column("pinned", sa.Boolean, nullable=False, default=False),
    sa.Column("trained_through", BigInt, nullable=False),  # last reading_id that training saw
    sa.Column("scored_through", BigInt, nullable=False, default=0),  # last reading_id this version scored
    # p-value at which the policy flagged last; for sensors with a budget, at which the next row would be flagged
    sa.Column("threshold", sa.Double),  # NULL: since its promotion or a change of the rule nothing was scored
    sa.UniqueConstraint("monitor_id", "number"),
    sa.Index("ix_versions_champion", "monitor_id", unique=True, sqlite_where=sa.text("state = 'champion'"),
             postgresql_where=sa.text("state = 'champion'")),
)  # fmt: skip

scores = sa.Table(
    "scores",
    metadata,
    sa.Column("reading_id", BigInt, primary_key=True, autoincrement=False),
    sa.Column("version_id", BigInt, primary_key=True, autoincrement=False),
    sa.Column("score", sa.Double, nullable=False),
    sa.Column("p_value", sa.Double, nullable=False),
    sa.Column("scored_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)

score_bins = sa.Table(  # what the charts read: quarter hours by event time, kept with the scores
    "score_bins",
    metadata,
    _monitor(primary_key=True),
    sa.Column("bin_at", UtcDateTime, primary_key=True),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("p_value", sa.Double, nullable=False),  # the smallest
    sa.Column("flagged", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)

outliers = sa.Table(
    "outliers",
    metadata,
    _id("outlier_id"),
    sa.Column("reading_id", BigInt, nullable=False),
    sa.Column("version_id", BigInt, nullable=False),
    _monitor(),
    sa.Column("entity", sa.Text),
    sa.Column("event_at", UtcDateTime, nullable=False),
    sa.Column("score", sa.Double, nullable=False),
    sa.Column("p_value", sa.Double, nullable=False),
    sa.Column("value", sa.Double),  # money at risk
    sa.Column("reason", sa.Text, nullable=False),  # the policy that flagged it
    sa.Column("provisional", sa.Boolean, nullable=False),
    sa.Column("explanation", Json, nullable=False),  # a list: field, share, actual, expected, low, high
    sa.UniqueConstraint("reading_id", "version_id"),
    sa.Index("ix_outliers_monitor_id_event_at", "monitor_id", "event_at"),
)

queues = sa.Table(
    "queues",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

alerts = sa.Table(
    "alerts",
    metadata,
    _id("alert_id"),
    sa.Column("public_id", sa.Text, nullable=False, unique=True),
    _monitor(),
    sa.Column("queue", sa.Text, nullable=False),
    sa.Column("entity", sa.Text),
    sa.Column("state", sa.Text, nullable=False),  # waiting | open | snoozed | closed | suppressed
    sa.Column("severity", sa.Integer, nullable=False),  # 1 low .. 4 critical
    sa.Column("rank", sa.Double, nullable=False),  # what the queue is ordered by
    sa.Column("owner", sa.Text),
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("first_event_at", UtcDateTime, nullable=False),
    sa.Column("last_event_at", UtcDateTime, nullable=False),
    sa.Column("members", sa.Integer, nullable=False),
    sa.Column("p_value", sa.Double, nullable=False),  # the smallest of its outliers
    sa.Column("value", sa.Double),
    sa.Column("why", sa.Text, nullable=False),  # the sentence
    sa.Column("brief", sa.Text, nullable=False),  # the same in at most 80 characters
    sa.Column("fields", Json, nullable=False),  # names of the fields that caused it, first first
    sa.Column("provisional", sa.Boolean, nullable=False),
    sa.Column("suppressed_by", sa.Text),
    sa.Column("snoozed_until", UtcDateTime),
    sa.Column("verdict", sa.Text),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("revision", sa.Integer, nullable=False, default=1),  # for the optimistic check
    sa.Index("ix_alerts_queue", "state", "queue", "rank", "alert_id"),  # the inbox
    sa.Index("ix_alerts_open_entity", "monitor_id", "state", "entity", "last_event_at"),  # grouping
    sa.Index("ix_alerts_entity", "monitor_id", "entity", "opened_at"),  # the history of its entity
    sa.Index("ix_alerts_ranked", "state", "rank", "alert_id"),  # the inbox over all queues
    # what the overview adds up, without reading the alerts themselves
    sa.Index("ix_alerts_standing", "state", "monitor_id", "queue", "severity", "value", "opened_at"),
    sa.Index("ix_alerts_closed", "closed_at", "verdict", "opened_at", "queue"),  # closed today
)  # fmt: skip

alert_members = sa.Table(
    "alert_members",
    metadata,
    sa.Column("outlier_id", BigInt, sa.ForeignKey("outliers.outlier_id"), primary_key=True, autoincrement=False),
    sa.Column("alert_id", BigInt, sa.ForeignKey("alerts.alert_id"), nullable=False),
    sa.Index("ix_alert_members_alert_id", "alert_id"),
)  # fmt: skip

alert_changes = sa.Table(
    "alert_changes",
    metadata,
    _id("change_id"),
    sa.Column("alert_id", BigInt, sa.ForeignKey("alerts.alert_id"), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column(
        "kind", sa.Text, nullable=False
    ),  # opened | grew | escalated | closed | reopened | claimed | snoozed ...
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("detail", Json, nullable=False),
    sa.Index("ix_alert_changes_alert_id_at", "alert_id", "at"),
)

reviews = sa.Table(
    "reviews",
    metadata,
    _id("review_id"),
    sa.Column("alert_id", BigInt, sa.ForeignKey("alerts.alert_id"), nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("note", sa.Text),
    sa.Column("action_key", sa.Text, nullable=False, unique=True),  # a repeated press is taken once
    sa.Column("undone_at", UtcDateTime),
    sa.Column("undone_by", sa.Text),
    sa.Index("ix_reviews_alert_id_at", "alert_id", "at"),
)

labels = sa.Table(
    "labels",
    metadata,
    _id("label_id"),
    _monitor(),
    sa.Column("source_key", sa.Text, nullable=False),
    sa.Column("value", sa.Integer, nullable=False),  # 1 anomalous, 0 normal
    sa.Column("origin", sa.Text, nullable=False),  # source | review:17
    sa.Column("known_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("monitor_id", "source_key", "origin"),
)

suppressions = sa.Table(
    "suppressions",
    metadata,
    _id("suppression_id"),
    _monitor(),
    sa.Column("entity", sa.Text),  # null: every entity
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("starts_at", UtcDateTime, nullable=False),
    sa.Column("ends_at", UtcDateTime, nullable=False),  # every mute ends
    sa.Index("ix_suppressions_monitor_id_ends_at", "monitor_id", "ends_at"),
)

channels = sa.Table(
    "channels",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("document", Json, nullable=False),  # addresses with ${VARIABLES}, never their values
    sa.Column("deleted_at", UtcDateTime),
)

notifications = sa.Table(
    "notifications",
    metadata,
    _id("notification_id"),
    sa.Column("change_id", BigInt, sa.ForeignKey("alert_changes.change_id"), nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # pending | sent | dead
    sa.Column("idempotency_key", sa.Text, nullable=False, unique=True),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("sent_at", UtcDateTime),
    sa.Column("error", sa.Text),
    sa.UniqueConstraint("change_id", "channel"),
    sa.Index("ix_notifications_due", "state", "due_at"),
)

holds = sa.Table(
    "holds",
    metadata,
    _id("hold_id"),
    _monitor(nullable=True),  # null: on every monitor
    sa.Column("entity", sa.Text),  # either this ...
    sa.Column("alert", sa.Text),  # ... or an alert's public id
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("starts_at", UtcDateTime, nullable=False),
    sa.Column("ends_at", UtcDateTime, nullable=False),  # every hold ends
    sa.Column("released_at", UtcDateTime),
    sa.Column("released_by", sa.Text),
    sa.Index("ix_holds_ends_at", "ends_at"),
)

erasures = sa.Table(
    "erasures",
    metadata,
    _id("erasure_id"),
    sa.Column("scope", sa.Text, nullable=False),  # "monitor:3" or "all"
    sa.Column(
        "digest", sa.Text, nullable=False
    ),  # HMAC of the entity: its rows are known when they come again
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("counts", Json, nullable=False),
    sa.Column("pending", Json, nullable=False),  # version_ids whose rows go once another is champion
    sa.UniqueConstraint("scope", "digest"),
)

keys = sa.Table(
    "keys",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),  # hex, drawn at first use
    sa.Column("created_at", UtcDateTime, nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    _id("audit_id"),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", Json, nullable=False),
    sa.Column("prev_hash", sa.Text, nullable=False),
    sa.Column("row_hash", sa.Text, nullable=False, unique=True),
    sa.Index("ix_audit_subject_at", "subject", "at"),
)
