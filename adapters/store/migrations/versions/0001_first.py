"""The first schema.

Revision: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BY_DAY = "RANGE (arrived_at)"
STILL_OPEN = sa.text("state NOT IN ('resolved', 'merged')")


def upgrade() -> None:
    """Create every table and index."""
    queues()
    streams()
    records()
    indexes()


def queues() -> None:
    """Incidents, and what is done and said about them."""
    op.create_table(
        "incidents",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("detector", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.Column("severity", sa.SmallInteger, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("logs", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", TIME),
        sa.Column("page_key", sa.Text(), nullable=False),
        sa.Column("paged_at", TIME),
        sa.Column("acked_at", TIME),
        sa.Column("late_noted", sa.Boolean, nullable=False),
        sa.Column("evidence", JSON, nullable=False),
        sa.Column("stored_at", TIME, nullable=False),
        sa.Column("handled", sa.Boolean, nullable=False),
        sa.Column("objections", JSON, nullable=False),
        sa.Column("plan", JSON),
        sa.Column("resolved_at", TIME),
        sa.Column("resolution", sa.Text()),
        sa.Column("lease_token", sa.Text()),
        sa.Column("lease_until", TIME),
    )
    op.create_table(
        "actions",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("incident_id", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("before", JSON, nullable=False),
        sa.Column("after", JSON),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME),
        sa.Column("error", sa.Text()),
        sa.Column("verdict", sa.Text()),
        sa.Column("verdict_numbers", JSON),
        sa.Column("undone", sa.Boolean, nullable=False),
        sa.UniqueConstraint("incident_id", "ordinal", name="actions_once"),
    )
    op.create_table(
        "pages",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("late", sa.Boolean, nullable=False),
        sa.Column("lines", JSON, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("sent_at", TIME),
        sa.Column("receipt", JSON),
        sa.Column("error", sa.Text()),
        sa.Column("lease_token", sa.Text()),
        sa.Column("lease_until", TIME),
        sa.UniqueConstraint("key", "channel", name="pages_once"),
    )


def streams() -> None:
    """What came off Kafka."""
    op.create_table(
        "topics",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kafka_id", sa.Text(), nullable=False),
        sa.UniqueConstraint("name", "kafka_id", name="topics_incarnation"),
    )
    op.create_table(
        "offsets",
        sa.Column("topic_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.Column("committed_at", TIME, nullable=False),
    )
    op.create_table(
        "logs",
        sa.Column("arrived_at", TIME, nullable=False),
        sa.Column("topic_id", sa.SmallInteger, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("timestamp", TIME, nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("request_id", sa.Text()),
        sa.Column("confidence", sa.REAL, nullable=False),
        sa.Column("reason", sa.SmallInteger, nullable=False),
        sa.Column("model", sa.Integer, nullable=False),
        sa.Column("anomaly", sa.Boolean, nullable=False),
        sa.Column("incident_id", sa.BigInteger()),
        sa.Column("body", sa.Text(), nullable=False),
        postgresql_partition_by=BY_DAY,
    )
    op.create_table(
        "dead_letters",
        sa.Column("arrived_at", TIME, nullable=False),
        sa.Column("topic_id", sa.SmallInteger, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("published_at", TIME),
        postgresql_partition_by=BY_DAY,
    )


def records() -> None:
    """What was decided, and what is the case."""
    op.create_table(
        "ledger",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.BigInteger()),
        sa.Column("fields", JSON, nullable=False),
    )
    op.create_table(
        "seals",
        sa.Column("seq", BIG, primary_key=True, autoincrement=False),
        sa.Column("ledger_id", sa.BigInteger(), nullable=False, unique=True),
        sa.Column("hash", sa.Text(), nullable=False),
    )
    op.create_table(
        "switches",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("on", sa.Boolean, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
    )
    op.create_table(
        "conditions",
        sa.Column("part", sa.Text(), primary_key=True),
        sa.Column("seen_by", sa.Text(), primary_key=True),
        sa.Column("healthy", sa.Boolean, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("at", TIME, nullable=False),
    )


def indexes() -> None:
    """Only what a query needs; every index on `logs` slows each batch down."""
    op.create_index(
        "incidents_open",
        "incidents",
        ["service", "signature"],
        unique=True,
        postgresql_where=STILL_OPEN,
        sqlite_where=STILL_OPEN,
    )
    op.create_index("incidents_state", "incidents", ["state"])
    op.create_index("actions_target", "actions", ["target", "started_at"])
    op.create_index("pages_due", "pages", ["state", "due_at"])
    op.create_index("pages_incident", "pages", ["incident_id"])
    op.create_index("ledger_incident", "ledger", ["incident_id"])
    if op.get_bind().dialect.name == "postgresql":
        # Logs arrive in order of time: a block range index costs next to nothing and finds recent ones.
        op.execute("CREATE INDEX logs_arrived ON logs USING brin (arrived_at) WITH (pages_per_range = 32)")
        op.execute("CREATE INDEX logs_anomalous ON logs (incident_id) WHERE anomaly")
        op.execute("CREATE INDEX dead_letters_unpublished ON dead_letters (arrived_at) WHERE published_at IS NULL")


def downgrade() -> None:
    """Drop everything."""
    for table in ("incidents", "actions", "pages", "topics", "offsets", "logs", "dead_letters", "ledger", "seals"):
        op.drop_table(table)
    op.drop_table("switches")
    op.drop_table("conditions")
