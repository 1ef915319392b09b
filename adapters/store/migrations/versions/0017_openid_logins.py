"""Users who log in by OpenID Connect, and logins that were begun there.

Revision: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two columns of users, empty for those who have a password, and a table."""
    op.add_column("users", sa.Column("issuer", sa.Text))
    op.add_column("users", sa.Column("subject", sa.Text))
    op.create_index("users_subject", "users", ["issuer", "subject"], unique=True)
    op.create_table(
        "openid_logins",
        sa.Column("state", sa.Text, primary_key=True),
        sa.Column("browser", sa.Text, nullable=False),
        sa.Column("nonce", sa.Text, nullable=False),
        sa.Column("verifier", sa.Text, nullable=False),
        sa.Column("redirect", sa.Text, nullable=False),
        sa.Column("following", sa.Text, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("openid_logins_expires", "openid_logins", ["expires_at"])


def downgrade() -> None:
    """Drop them; users without a password are left, and cannot log in."""
    op.drop_table("openid_logins")
    op.drop_index("users_subject", "users")
    for name in ("subject", "issuer"):
        op.drop_column("users", name)
