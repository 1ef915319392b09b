"""Where logs came from, and the logs themselves."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.store.sealed_columns import Json, SealedBytes, SealedReason, SealedText
from adapters.store.tables.schema import BigId, UtcTime, metadata

topics = sa.Table(
    "topics",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kafka_id", sa.Text, nullable=False),  # the broker's id of this incarnation of the topic
    sa.UniqueConstraint("name", "kafka_id", name="topics_incarnation"),
)
offsets = sa.Table(
    "offsets",
    metadata,
    sa.Column("topic_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("next_offset", sa.BigInteger, nullable=False),
    sa.Column("committed_at", UtcTime, nullable=False),
)
# Many logs as one row: columns, bodies and what they come to in numbers, each packed; see `adapters/log_blocks.py`.
# Compacted blocks are a row as well, whose columns lie in a file. Partitioned by day of arrival on PostgreSQL.
log_blocks = sa.Table(
    "log_blocks",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("arrived_at", UtcTime, nullable=False),  # of the first of them
    sa.Column("last_arrived_at", UtcTime, nullable=False),
    sa.Column("first_at", UtcTime, nullable=False),  # event time
    sa.Column("last_at", UtcTime, nullable=False),
    sa.Column("logs", sa.Integer, nullable=False),
    sa.Column("anomalies", sa.Integer, nullable=False),
    sa.Column("model", sa.Integer, nullable=False),  # the newest version that judged one of them
    sa.Column("size", sa.BigInteger, nullable=False),  # bytes of everything below, or of the file
    sa.Column("positions", Json, nullable=False),  # [[topic, partition, first offset, last offset, logs], …]
    sa.Column("path", sa.Text),  # of the file, relative to `store.files`; null while the columns are here
    sa.Column("columns", SealedBytes("log_blocks.columns")),
    sa.Column("bodies", SealedBytes("log_blocks.bodies")),
    sa.Column("counts", sa.LargeBinary, nullable=False),
    sa.Column("measures", sa.LargeBinary, nullable=False),
    sa.Column("texts", SealedBytes("log_blocks.texts"), nullable=False),
    sa.Column("requests", sa.LargeBinary, nullable=False),  # a filter over request ids, in lines of 32 bytes
    sa.Column("request_lines", sa.Integer, nullable=False),
)
sa.Index("log_blocks_arrived", log_blocks.c.arrived_at)
sa.Index("log_blocks_at", log_blocks.c.last_at)
# Single logs: those of small batches, which no block holds yet, and of blocks those that incidents are about.
# Partitioned by day of arrival on PostgreSQL.
logs = sa.Table(
    "logs",
    metadata,
    sa.Column("arrived_at", UtcTime, nullable=False),
    sa.Column("topic_id", sa.SmallInteger, nullable=False),
    sa.Column("partition", sa.Integer, nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("part", sa.Integer, nullable=False, server_default="0"),  # which log of its message
    sa.Column("timestamp", UtcTime, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("level", sa.SmallInteger, nullable=False),
    sa.Column("message", SealedText("logs.message")),  # null in rows of the first version
    sa.Column("request_id", sa.Text),
    sa.Column("trace_id", sa.Text),
    sa.Column("span_id", sa.Text),
    sa.Column("attributes", SealedText("logs.attributes")),  # a JSON object
    sa.Column("measured", sa.Text),  # a JSON object of numbers
    sa.Column("wire", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("key", SealedBytes("logs.key")),
    sa.Column("headers", SealedText("logs.headers")),
    sa.Column("sent_at", UtcTime),
    sa.Column("confidence", sa.REAL, nullable=False),
    sa.Column("reason", sa.SmallInteger, nullable=False),
    sa.Column("model", sa.Integer, nullable=False),
    sa.Column("anomaly", sa.Boolean, nullable=False),
    sa.Column("incident_id", sa.BigInteger),
    sa.Column("template", sa.BigInteger),  # see `template_states`
    sa.Column("body", SealedText("logs.body")),  # verbatim, where it is text
    sa.Column("bytes", SealedBytes("logs.bytes")),  # verbatim, where it is not
    sa.Column("in_block", sa.Boolean, nullable=False, server_default=sa.false()),  # a block holds it as well
)
dead_letters = sa.Table(
    "dead_letters",
    metadata,
    sa.Column("arrived_at", UtcTime, nullable=False),
    sa.Column("topic_id", sa.SmallInteger, nullable=False),
    sa.Column("partition", sa.Integer, nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("reason", SealedReason("dead_letters.reason"), nullable=False),
    sa.Column("body", SealedBytes("dead_letters.body"), nullable=False),
    sa.Column("published_at", UtcTime),  # when the dead-letter topic had it
)
# What the input was like, stretch by stretch, and which expectations it did not meet.
quality_results = sa.Table(
    "quality_results",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("messages", sa.Integer, nullable=False),
    sa.Column("summary", Json, nullable=False),  # column of the check -> number
    sa.Column("failures", Json, nullable=False),  # in words; empty: as expected
)
sa.Index("quality_results_at", quality_results.c.at)
# Files of logs that are about to get a row in `log_blocks`, or lost theirs and are about to go.
unnamed_files = sa.Table(
    "unnamed_files",
    metadata,
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("noted_at", UtcTime, nullable=False),
)
