"""One incident per fault: what an incident is made of are alerts, and people may mute what they match."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True)
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OURS_OPEN = sa.text("kind IN ('own', 'fleet') AND state NOT IN ('resolved', 'merged')")
NOT_CLOSED = sa.text("NOT closed")


def upgrade() -> None:
    """New tables first; what is open becomes the only alert of its incident."""
    alerts()
    mutes()
    incidents()
    one_alert_each()
    small_columns()


def alerts() -> None:
    """One fault of one service."""
    op.create_table(
        "alerts",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("incident_id", sa.BigInteger(), nullable=False),
        sa.Column("episode", sa.Integer, nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("detector", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("related_to", sa.Text(), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.Column("recent", JSON, nullable=False),
        sa.Column("severity", sa.SmallInteger, nullable=False),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("logs", sa.BigInteger(), nullable=False),
        sa.Column("evidence", JSON, nullable=False),
        sa.Column("closed", sa.Boolean, nullable=False),
        sa.Column("joined_at", TIME, nullable=False),
    )
    op.create_index(
        "alerts_open",
        "alerts",
        ["service", "kind", "template"],
        unique=True,
        postgresql_where=NOT_CLOSED,
        sqlite_where=NOT_CLOSED,
    )
    op.create_index("alerts_last", "alerts", ["last_at"], postgresql_where=NOT_CLOSED, sqlite_where=NOT_CLOSED)
    op.create_index("alerts_incident", "alerts", ["incident_id"])


def mutes() -> None:
    """Silences and maintenance windows."""
    op.create_table(
        "mutes",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("matchers", JSON, nullable=False),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("every", sa.Text(), nullable=False),
        sa.Column("until", TIME),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expired_at", TIME),
        sa.Column("expired_by", sa.Text()),
    )


def incidents() -> None:
    """An incident's own columns are those of its origin."""
    op.drop_index("incidents_open", "incidents")
    with op.batch_alter_table("incidents") as table:
        table.add_column(sa.Column("origin_logs", sa.BigInteger(), nullable=False, server_default="0"))
        table.add_column(sa.Column("fires_at", TIME))
        table.add_column(sa.Column("services", sa.Integer, nullable=False, server_default="1"))
        table.add_column(sa.Column("returns", sa.Integer, nullable=False, server_default="0"))
        table.add_column(sa.Column("widespread", sa.Boolean, nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("error_ratio", sa.REAL))
        table.add_column(sa.Column("came_back_at", TIME))
    op.execute("UPDATE incidents SET origin_logs = logs, fires_at = last_at, returns = episode - 1")
    with op.batch_alter_table("incidents") as table:
        table.alter_column("fires_at", existing_type=TIME, nullable=False)
        for column in ("origin_logs", "services", "returns", "widespread"):
            table.alter_column(column, server_default=None)
    op.create_index(
        "incidents_ours_open",
        "incidents",
        ["kind", "template"],
        unique=True,
        postgresql_where=OURS_OPEN,
        sqlite_where=OURS_OPEN,
    )


def one_alert_each() -> None:
    """Incidents of the versions before had one text or metric of one service."""
    order = (
        "INSERT INTO alerts (incident_id, episode, service, kind, template, metric, direction, detector, route,"
        " playbook, role, relation, related_to, opened_at, last_at, recent, severity, level, logs, evidence, closed,"
        " joined_at)"
        " SELECT id, episode, service, kind, template, metric, direction, detector, route, playbook,"
        " CASE WHEN playbook <> '' THEN 'cause' ELSE 'plain' END, 'first', '', opened_at, last_at,"
        " CAST('[]' AS jsonb), severity, level, logs, evidence, state IN ('resolved', 'merged'), stored_at"
        " FROM incidents WHERE kind NOT IN ('own', 'fleet')"
    )
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(order.replace("CAST('[]' AS jsonb)", "json_array()") if on_sqlite else order)


def small_columns() -> None:
    """A page knows what mutes it, an answer the role of who gave it, an action its service."""
    with op.batch_alter_table("pages") as table:
        table.add_column(sa.Column("muted_by", sa.Text(), nullable=False, server_default=""))
    words()
    with op.batch_alter_table("actions") as table:
        table.add_column(sa.Column("service", sa.Text(), nullable=False, server_default=""))
    op.execute(
        "UPDATE actions SET service ="
        " COALESCE((SELECT service FROM incidents WHERE incidents.id = actions.incident_id), '')"
    )
    for name, column in (
        ("pages", "muted_by"),
        ("approvals", "role"),
        ("approvals", "episode"),
        ("actions", "service"),
    ):
        with op.batch_alter_table(name) as table:
            table.alter_column(column, server_default=None)


def words() -> None:
    """A person's word is about one episode, and keeps the role in which it was given."""
    op.rename_table("approvals", "approvals_before")
    op.create_table(
        "approvals",
        sa.Column("incident_id", sa.BigInteger, nullable=False),
        sa.Column("episode", sa.Integer, nullable=False),
        sa.Column("plan_digest", sa.Text(), nullable=False),
        sa.Column("granted", sa.Boolean, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "episode", "plan_digest", name="approvals_of_episode"),
    )
    op.execute(
        'INSERT INTO approvals (incident_id, episode, plan_digest, granted, "by", role, at)'
        " SELECT incident_id, COALESCE((SELECT episode FROM incidents WHERE incidents.id = incident_id), 1),"
        " plan_digest, granted, \"by\", '', at FROM approvals_before"
    )
    op.drop_table("approvals_before")


def downgrade() -> None:
    """There is no way back: an incident of several services has no place in the version before."""
    raise NotImplementedError("restore a copy of the database that was made before")
