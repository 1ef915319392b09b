"""What is due and was decided, and what it was decided from."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.store.sealed_columns import Json, SealedJson, SealedText
from adapters.store.tables.schema import BigId, UtcTime, metadata

# The queue of `on-call`: what is due next for an incident. An incident without a row waits for nothing.
steps = sa.Table(
    "steps",
    metadata,
    sa.Column("incident_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("due_at", UtcTime, nullable=False),
    sa.Column("waits_for", sa.Text, nullable=False),  # in words, for people
    sa.Column("until", UtcTime),  # when the wait ends at the latest
    sa.Column("tries", sa.Integer, nullable=False),  # of the step that is due, so far in vain
    sa.Column("error", SealedText("steps.error")),  # of the last try
    sa.Column("lease_token", sa.Text),
    sa.Column("lease_until", UtcTime),
)
sa.Index("steps_due", steps.c.due_at)
# Every step that was taken, with what it was decided from: enough to decide it again.
steps_taken = sa.Table(
    "steps_taken",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("incident_id", sa.BigInteger, nullable=False),
    sa.Column("episode", sa.Integer, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("reason", SealedText("steps_taken.reason"), nullable=False),
    sa.Column("now", UtcTime, nullable=False),
    sa.Column("knowledge", sa.Text, nullable=False),  # digest, see `knowledge`
)
sa.Index("steps_taken_incident", steps_taken.c.incident_id)
# What was decided about incidents while they were answered, so that it can be asked again.
questions = sa.Table(
    "questions",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("incident_id", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # `domain/questions.py:Kind`
    sa.Column("knowledge", sa.Text, nullable=False),  # digest, see `knowledge`
    sa.Column("question", SealedJson("questions.question"), nullable=False),  # a document of its kind
    sa.Column("answer", SealedJson("questions.answer"), nullable=False),  # outcome and details
)
sa.Index("questions_at", questions.c.at)
sa.Index("questions_incident", questions.c.incident_id)
approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("incident_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("episode", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("plan_digest", sa.Text, primary_key=True),
    sa.Column("granted", sa.Boolean, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),  # of the person at that moment
    sa.Column("at", UtcTime, nullable=False),
)
# Every batch with what it was decided from.
batches = sa.Table(
    "batches",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("now", UtcTime, nullable=False),
    sa.Column("first_offsets", Json, nullable=False),  # "topic/partition" -> offset
    sa.Column("next_offsets", Json, nullable=False),
    sa.Column("knowledge", sa.Text, nullable=False),
    sa.Column("fallback", sa.Text, nullable=False, server_default=""),  # why its model did not judge it
    # Null in these: not known, or nothing to be said.
    sa.Column("runs", Json),  # [[topic, partition, last offset], …] in the order of reading; of one partition null
    sa.Column("judged", sa.BigInteger),  # the last minute of the fleet that was judged with it
    sa.Column("after_entry", sa.BigInteger),  # the newest entry of the ledger when it looked at incidents
)
sa.Index("batches_now", batches.c.now)
# What decided: a digest over the digests of its parts, whose texts are in `documents`.
knowledge = sa.Table(
    "knowledge",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("settings", sa.Text, nullable=False),
    sa.Column("playbooks", sa.Text, nullable=False),
    sa.Column("inventory", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),  # "" where rules decide alone
    sa.Column("first_used", UtcTime, nullable=False),
)
documents = sa.Table(
    "documents",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("body", SealedText("documents.body"), nullable=False),
)
