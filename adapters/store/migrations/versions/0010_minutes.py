"""What services did in each minute, how far that was judged, and what was found.

Revision: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Six tables and two columns; what was stored before is in no minute and has no template."""
    op.add_column("logs", sa.Column("template", sa.BigInteger))
    op.add_column("batches", sa.Column("fallback", sa.Text, nullable=False, server_default=""))
    _minutes()
    _findings()


def _minutes() -> None:
    op.create_table(
        "minutes",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("minute", sa.BigInteger, nullable=False),
        sa.Column("topic_id", sa.Integer, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("late", sa.Boolean, nullable=False),
        sa.Column("stored_at", TIME, nullable=False),
        sa.Column("packed", sa.LargeBinary, nullable=False),
    )
    op.create_index("minutes_minute", "minutes", ["minute"])
    op.create_table(
        "closed_minutes",
        sa.Column("topic_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("minute", sa.BigInteger, nullable=False),
        sa.Column("at", TIME, nullable=False),
    )
    op.create_table(
        "judged_minutes",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("minute", sa.BigInteger, nullable=False),
        sa.Column("packed", sa.LargeBinary, nullable=False),
    )


def _findings() -> None:
    op.create_table(
        "minute_findings",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("minute", sa.BigInteger, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("measured", sa.SmallInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("logs", sa.BigInteger, nullable=False),
        sa.Column("direction", sa.Text, nullable=False),
        *(sa.Column(name, sa.Float, nullable=False) for name in ("value", "normal", "spread", "p_value")),
        sa.Column("fitted", sa.Boolean, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("incident_id", sa.BigInteger),
    )
    op.create_table(
        "template_states",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("packed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "alarm_verdicts",
        sa.Column("incident_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False),
    )
    op.create_index("minute_findings_minute", "minute_findings", ["minute"])
    op.create_index("minute_findings_incident", "minute_findings", ["incident_id"])


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("batches") as batches:
        batches.drop_column("fallback")
    with op.batch_alter_table("logs") as logs:
        logs.drop_column("template")
    for name in ("alarm_verdicts", "template_states", "minute_findings", "judged_minutes", "closed_minutes", "minutes"):
        op.drop_table(name)
