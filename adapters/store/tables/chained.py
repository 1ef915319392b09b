"""The ledger, the seals of its entries, and the keys of our own."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.store.sealed_columns import SealedJson
from adapters.store.tables.schema import BigId, UtcTime, metadata

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("incident_id", sa.BigInteger),
    sa.Column("fields", SealedJson("ledger.fields"), nullable=False),
)
sa.Index("ledger_incident", ledger.c.incident_id)
seals = sa.Table(
    "seals",
    metadata,
    sa.Column("seq", BigId, primary_key=True, autoincrement=False),
    sa.Column("ledger_id", sa.BigInteger, nullable=False, unique=True),
    sa.Column("hash", sa.Text, nullable=False),
)
# Ids of entries that have no seal yet. A trigger writes them with the entries, so that sealing finds what is
# new at once, in whatever order transactions commit, and an entry that was removed before it was sealed is missed.
unsealed = sa.Table(
    "unsealed",
    metadata,
    sa.Column("ledger_id", sa.BigInteger, primary_key=True, autoincrement=False),
)
# How far the chain had come, and what each place outside was last told of it.
chain_heads = sa.Table(
    "chain_heads",
    metadata,
    sa.Column("place", sa.Text, primary_key=True),  # "" is the chain itself
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
)
# Keys of our own, sealed with a master key: the signing key, by which texts are looked up, outlives master keys.
sealed_keys = sa.Table(
    "sealed_keys",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("made_at", UtcTime, nullable=False),
)
