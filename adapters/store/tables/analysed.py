"""What was found out about uncommon incidents, and the calls of the model."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.store.sealed_columns import SealedJson, SignedText
from adapters.store.tables.schema import BigId, UtcTime, metadata

# What was found out about an uncommon incident, and the queue of what is to be.
analyses = sa.Table(
    "analyses",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("incident_id", sa.BigInteger, nullable=False),
    sa.Column("episode", sa.Integer, nullable=False),
    sa.Column("signature", SignedText("analyses.signature"), nullable=False),  # service, kind and text of its origin
    sa.Column("state", sa.Text, nullable=False),  # due | done
    sa.Column("due_at", UtcTime, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("lease_token", sa.Text),
    sa.Column("lease_until", UtcTime),
    sa.Column("queued_at", UtcTime, nullable=False),
    sa.Column("done_at", UtcTime),
    sa.Column("source", sa.Text, nullable=False, server_default=""),  # deterministic | llm:MODEL
    sa.Column("because", sa.Text, nullable=False, server_default=""),  # why no model was asked, or its answer not used
    sa.Column("reused_from", sa.BigInteger),  # the incident whose analysis it is
    sa.Column("dossier", SealedJson("analyses.dossier")),  # what was found without a model
    sa.Column("options", SealedJson("analyses.options")),  # plans that it could choose among, whole
    sa.Column("turns", SealedJson("analyses.turns")),  # of the conversation with the model so far, masked
    sa.Column("answer", SealedJson("analyses.answer")),  # checked; null where there is none
    sa.UniqueConstraint("incident_id", "episode", name="analyses_once"),
)
ANALYSIS_DUE = analyses.c.state == "due"
sa.Index("analyses_due", analyses.c.due_at, postgresql_where=ANALYSIS_DUE, sqlite_where=ANALYSIS_DUE)
sa.Index("analyses_signature", analyses.c.signature, analyses.c.done_at)
# Calls of the model: a row is there, with the most that it may cost, before the call is made.
llm_calls = sa.Table(
    "llm_calls",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("incident_id", sa.BigInteger, nullable=False),
    sa.Column("episode", sa.Integer, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("tokens_in", sa.Integer, nullable=False),  # reserved; what was used once it is known
    sa.Column("tokens_out", sa.Integer, nullable=False),
    sa.Column("cost", sa.Float, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False, server_default=""),  # empty: nobody knows what became of it
)
sa.Index("llm_calls_at", llm_calls.c.at)
sa.Index("llm_calls_incident", llm_calls.c.incident_id)
