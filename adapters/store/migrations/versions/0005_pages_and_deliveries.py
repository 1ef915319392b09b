"""A page is not a delivery: who was told by which channel, who is told next, what people answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True)
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
QUEUED = sa.text("state = 'queued'")
# Of rows for the same page the first stays: the page; all of them are its deliveries.
AS_DELIVERIES = sa.text("""
    INSERT INTO deliveries (page_id, incident_id, thread, step, person, channel, receiver, why, fallbacks,
        state, attempts, created_at, due_at, sent_at, receipt, error, waits)
    SELECT (SELECT min(one.id) FROM pages AS one WHERE one.key = pages.key), incident_id, key, 0, '',
        'email', channel, 'before deliveries were kept', '[]', state, attempts,
        created_at, due_at, sent_at, receipt, error, ''
    FROM pages WHERE state <> 'queued' AND channel <> 'pagerduty'
""")
THE_FIRST = sa.text("DELETE FROM pages WHERE id NOT IN (SELECT min(id) FROM pages GROUP BY key)")


def upgrade() -> None:
    """Each page becomes one row, and what was sent of it deliveries."""
    deliveries()
    escalations()
    people()
    outside()
    pages()


def deliveries() -> None:
    """One page to one contact point of one person."""
    op.create_table(
        "deliveries",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("page_id", sa.BigInteger(), nullable=False),
        sa.Column("incident_id", sa.BigInteger(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("fallbacks", JSON, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("sent_at", TIME),
        sa.Column("receipt", JSON),
        sa.Column("error", sa.Text()),
        sa.Column("waits", sa.Text(), nullable=False),
        sa.Column("merged_into", sa.BigInteger()),
        sa.Column("lease_token", sa.Text()),
        sa.Column("lease_until", TIME),
        sa.UniqueConstraint("page_id", "step", "person", "channel", "receiver", name="deliveries_once"),
    )
    op.create_index("deliveries_due", "deliveries", ["channel", "due_at"], postgresql_where=QUEUED, sqlite_where=QUEUED)
    op.create_index("deliveries_incident", "deliveries", ["incident_id"])
    op.create_index("deliveries_receiver", "deliveries", ["channel", "receiver", "sent_at"])
    op.create_index("deliveries_person", "deliveries", ["person", "sent_at"])
    op.create_index("deliveries_thread", "deliveries", ["thread"])


def escalations() -> None:
    """Who is told next."""
    op.create_table(
        "escalations",
        sa.Column("incident_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("episode", sa.Integer, nullable=False),
        sa.Column("page_id", sa.BigInteger(), nullable=False),
        sa.Column("roster", sa.Text(), nullable=False),
        sa.Column("policy", JSON, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("fired", sa.Integer, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("due_at", TIME),
        sa.Column("lease_token", sa.Text()),
        sa.Column("lease_until", TIME),
    )
    op.create_index("escalations_due", "escalations", ["due_at"])


def people() -> None:
    """What people answer, and whose time they take."""
    op.create_table(
        "responses",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("incident_id", sa.BigInteger(), nullable=False),
        sa.Column("episode", sa.Integer, nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("argument", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("done_at", TIME),
        sa.Column("outcome", sa.Text()),
        sa.UniqueConstraint("nonce", "verb", name="responses_once"),
    )
    op.create_index("responses_due", "responses", ["id"], postgresql_where=sa.text("done_at IS NULL"))
    op.create_table(
        "overrides",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("begins", TIME, nullable=False),
        sa.Column("ends", TIME, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("removed_at", TIME),
        sa.Column("removed_by", sa.Text()),
    )
    op.create_index("overrides_ends", "overrides", ["ends"])


def outside() -> None:
    """Alerts of others."""
    op.create_table(
        "outside_alerts",
        sa.Column("fingerprint", sa.Text(), primary_key=True),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("labels", JSON, nullable=False),
        sa.Column("annotations", JSON, nullable=False),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("ends_at", TIME),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("incident_id", sa.BigInteger()),
        sa.Column("taken_at", TIME),
    )
    op.create_index("outside_alerts_incident", "outside_alerts", ["incident_id"])
    op.create_index("outside_alerts_group", "outside_alerts", ["group_key"])
    op.create_index("outside_alerts_firing", "outside_alerts", ["status", "received_at"])
    op.create_index(
        "outside_alerts_new", "outside_alerts", ["received_at"], postgresql_where=sa.text("taken_at IS NULL")
    )


def pages() -> None:
    """Without a channel of its own; what was not sent yet is expanded anew."""
    op.execute(AS_DELIVERIES)
    op.execute(THE_FIRST)
    with op.batch_alter_table("pages") as table:
        table.drop_constraint("pages_once", type_="unique")
        for name in ("channel", "attempts", "receipt"):
            table.drop_column(name)
        table.add_column(sa.Column("about", JSON))
        table.add_column(sa.Column("expanded_at", TIME))
        table.create_unique_constraint("pages_key", ["key"])


def downgrade() -> None:
    """Back to the version before: every page is one by mail again."""
    with op.batch_alter_table("pages") as table:
        table.drop_constraint("pages_key", type_="unique")
        table.drop_column("expanded_at")
        table.drop_column("about")
        table.add_column(sa.Column("channel", sa.Text(), nullable=False, server_default="email"))
        table.add_column(sa.Column("attempts", sa.Integer, nullable=False, server_default="0"))
        table.add_column(sa.Column("receipt", JSON))
        table.create_unique_constraint("pages_once", ["key", "channel"])
    op.execute(sa.text("UPDATE pages SET state = 'queued' WHERE state = 'sending'"))
    for name in ("outside_alerts", "overrides", "responses", "escalations", "deliveries"):
        op.drop_table(name)
