"""Who may use the pages, and their logins. Of passwords, cookies and tokens their hashes are kept."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.store.sealed_columns import Json
from adapters.store.tables.schema import UtcTime, metadata

# Who may use the pages. Of passwords, cookies and tokens their hashes are kept.
users = sa.Table(
    "users",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("password", sa.Text, nullable=False),  # Argon2id, with salt and costs; empty for none
    sa.Column("role", sa.Text, nullable=False),  # viewer | responder | approver | admin
    sa.Column("person", sa.Text, nullable=False),  # who they are for on-call
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("disabled_at", UtcTime),
    sa.Column("issuer", sa.Text),  # of whoever logs in by OpenID Connect
    sa.Column("subject", sa.Text),  # who they are there
    sa.Index("users_subject", "issuer", "subject", unique=True),
)
# Logins that were begun at an OpenID provider; each is good for once.
openid_logins = sa.Table(
    "openid_logins",
    metadata,
    sa.Column("state", sa.Text, primary_key=True),  # SHA-256 of it
    sa.Column("browser", sa.Text, nullable=False),  # SHA-256 of the cookie of whoever began
    sa.Column("nonce", sa.Text, nullable=False),
    sa.Column("verifier", sa.Text, nullable=False),
    sa.Column("redirect", sa.Text, nullable=False),
    sa.Column("following", sa.Text, nullable=False),  # path that it leads to
    sa.Column("expires_at", UtcTime, nullable=False),
    sa.Index("openid_logins_expires", "expires_at"),
)
logins = sa.Table(
    "logins",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),  # SHA-256 of the cookie
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("csrf", sa.Text, nullable=False),  # what each form of it must carry
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("seen_at", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime, nullable=False),
)
api_tokens = sa.Table(
    "api_tokens",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),  # SHA-256 of the token
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("scopes", Json, nullable=False),  # read, answer
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime, nullable=False),
)
