"""Logs as blocks; single logs have columns for everything that they say.

Rows of the first version keep what they have; `compact` reads their bodies once and gathers them into blocks.

Revision: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PACKED = ("columns", "bodies", "counts", "measures", "texts", "requests")


def upgrade() -> None:
    """Add blocks, widen single logs, and name the topic with each partition of a batch."""
    on_postgres = op.get_bind().dialect.name == "postgresql"
    blocks(on_postgres=on_postgres)
    quality()
    single_logs(on_postgres=on_postgres)
    batches(on_postgres=on_postgres)


def blocks(*, on_postgres: bool) -> None:
    """The table of blocks."""
    if on_postgres:
        op.execute("CREATE SEQUENCE log_blocks_id_seq")
    number = sa.Column("id", sa.BigInteger, nullable=False, server_default=sa.text("nextval('log_blocks_id_seq')"))
    op.create_table(
        "log_blocks",
        number if on_postgres else sa.Column("id", BIG, primary_key=True),
        sa.Column("arrived_at", TIME, nullable=False),
        sa.Column("last_arrived_at", TIME, nullable=False),
        sa.Column("first_at", TIME, nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.Column("logs", sa.Integer, nullable=False),
        sa.Column("anomalies", sa.Integer, nullable=False),
        sa.Column("model", sa.Integer, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("positions", JSON, nullable=False),
        sa.Column("path", sa.Text),
        sa.Column("columns", sa.LargeBinary),
        sa.Column("bodies", sa.LargeBinary),
        *(sa.Column(name, sa.LargeBinary, nullable=False) for name in PACKED[2:]),
        sa.Column("request_lines", sa.Integer, nullable=False),
        postgresql_partition_by="RANGE (arrived_at)",
    )
    op.create_index("log_blocks_arrived", "log_blocks", ["arrived_at"])
    op.create_index("log_blocks_at", "log_blocks", ["last_at"])
    if on_postgres:
        op.execute("ALTER SEQUENCE log_blocks_id_seq OWNED BY log_blocks.id")
        op.create_index("log_blocks_id", "log_blocks", ["id"])
        for name in PACKED:
            # Packed already: the server need not try, and a piece of a filter is read without the rest.
            op.execute(f"ALTER TABLE log_blocks ALTER COLUMN {name} SET STORAGE EXTERNAL")


def quality() -> None:
    """What checks of the input found."""
    op.create_table(
        "quality_results",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("messages", sa.Integer, nullable=False),
        sa.Column("summary", JSON, nullable=False),
        sa.Column("failures", JSON, nullable=False),
    )
    op.create_index("quality_results_at", "quality_results", ["at"])


def single_logs(*, on_postgres: bool) -> None:
    """Columns for what stood in the body alone."""
    with op.batch_alter_table("logs") as table:
        for name, kind in (
            ("message", sa.Text()),
            ("trace_id", sa.Text()),
            ("span_id", sa.Text()),
            ("attributes", sa.Text()),
            ("measured", sa.Text()),
            ("key", sa.LargeBinary()),
            ("headers", sa.Text()),
            ("sent_at", TIME),
            ("bytes", sa.LargeBinary()),
        ):
            table.add_column(sa.Column(name, kind))
        table.add_column(sa.Column("part", sa.Integer, nullable=False, server_default="0"))
        table.add_column(sa.Column("wire", sa.SmallInteger, nullable=False, server_default="0"))
        table.add_column(sa.Column("in_block", sa.Boolean, nullable=False, server_default=sa.false()))
        table.alter_column("body", existing_type=sa.Text(), nullable=True)
    if on_postgres:
        op.execute("DROP INDEX logs_arrived")
        # Without autosummarize a range is searched whole until somebody vacuums.
        op.execute(
            "CREATE INDEX logs_arrived ON logs USING brin (arrived_at) WITH (pages_per_range = 32, autosummarize = on)"
        )
        op.execute("CREATE INDEX logs_loose ON logs (arrived_at) WHERE NOT in_block")
        op.execute("CREATE INDEX logs_request ON logs (request_id) WHERE request_id IS NOT NULL")
        # One statement marks letters by it, and it finds the few that wait.
        op.execute(
            'CREATE INDEX dead_letters_waiting ON dead_letters (topic_id, partition, "offset")'
            " WHERE published_at IS NULL"
        )


def batches(*, on_postgres: bool) -> None:
    """One batch may hold logs of several topics."""
    if on_postgres:
        for name in ("first_offsets", "next_offsets"):
            op.execute(
                f"UPDATE batches SET {name} = (SELECT coalesce(jsonb_object_agg(topic_id || '/' || key, value), '{{}}')"
                f" FROM jsonb_each({name}))"
            )
    else:
        for name in ("first_offsets", "next_offsets"):
            op.execute(
                f"UPDATE batches SET {name} = (SELECT"
                f" coalesce(json_group_object(topic_id || '/' || key, value), '{{}}')"
                f" FROM json_each({name}))"
            )
    with op.batch_alter_table("batches") as table:
        table.drop_column("topic_id")


def downgrade() -> None:
    """Drop what was added; batches lose their topics."""
    op.drop_table("log_blocks")
    op.drop_table("quality_results")
    with op.batch_alter_table("batches") as table:
        table.add_column(sa.Column("topic_id", sa.Integer, nullable=False, server_default="0"))
    with op.batch_alter_table("logs") as table:
        for name in (
            "message",
            "trace_id",
            "span_id",
            "attributes",
            "measured",
            "key",
            "headers",
            "sent_at",
            "bytes",
            "part",
            "wire",
            "in_block",
        ):
            table.drop_column(name)
