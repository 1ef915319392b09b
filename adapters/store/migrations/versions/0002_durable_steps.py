"""Answers as durable steps: what is due is a row, plans are stored whole, decisions can be made again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True)
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STILL_OPEN = sa.text("state NOT IN ('resolved', 'merged')")
PAGED = sa.text("paged_at IS NOT NULL")
TOLD = sa.text("page_key <> ''")
RESOLVED = sa.text("resolved_at IS NOT NULL")


def upgrade() -> None:
    """New tables first, so that what is under way finds its place in them."""
    queue()
    records()
    sealing()
    op.drop_index("incidents_open", "incidents")
    op.drop_index("actions_target", "actions")
    incidents()
    actions()
    pages()
    indexes()
    under_way()
    drop_what_moved()


def queue() -> None:
    """What is due, what was done, and what people allowed."""
    op.create_table(
        "steps",
        sa.Column("incident_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("waits_for", sa.Text(), nullable=False),
        sa.Column("until", TIME),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("lease_token", sa.Text()),
        sa.Column("lease_until", TIME),
    )
    op.create_table(
        "steps_taken",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("incident_id", sa.BigInteger(), nullable=False),
        sa.Column("episode", sa.Integer, nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("now", TIME, nullable=False),
        sa.Column("knowledge", sa.Text(), nullable=False),
    )
    op.create_table(
        "approvals",
        sa.Column("incident_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("plan_digest", sa.Text(), primary_key=True),
        sa.Column("granted", sa.Boolean, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
    )


def records() -> None:
    """What decided."""
    op.create_table(
        "batches",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("topic_id", sa.Integer, nullable=False),
        sa.Column("now", TIME, nullable=False),
        sa.Column("first_offsets", JSON, nullable=False),
        sa.Column("next_offsets", JSON, nullable=False),
        sa.Column("knowledge", sa.Text(), nullable=False),
    )
    op.create_table(
        "knowledge",
        sa.Column("digest", sa.Text(), primary_key=True),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("playbooks", sa.Text(), nullable=False),
        sa.Column("inventory", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("first_used", TIME, nullable=False),
    )
    op.create_table(
        "documents",
        sa.Column("digest", sa.Text(), primary_key=True),
        sa.Column("body", sa.Text(), nullable=False),
    )


def sealing() -> None:
    """What has no seal yet is known without a search, and where the chain ended is kept beside it."""
    op.create_table("unsealed", sa.Column("ledger_id", sa.BigInteger, primary_key=True, autoincrement=False))
    op.create_table(
        "chain_heads",
        sa.Column("place", sa.Text(), primary_key=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
    )
    op.execute(
        "INSERT INTO unsealed (ledger_id) SELECT id FROM ledger"
        " WHERE NOT EXISTS (SELECT 1 FROM seals WHERE seals.ledger_id = ledger.id)"
    )
    op.execute(
        "INSERT INTO chain_heads (place, seq, hash, at)"
        " SELECT '', seq, hash, CURRENT_TIMESTAMP FROM seals ORDER BY seq DESC LIMIT 1"
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION wait_for_seal() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN INSERT INTO unsealed (ledger_id) SELECT id FROM added; RETURN NULL; END $$"
        )
        op.execute(
            "CREATE TRIGGER ledger_waits AFTER INSERT ON ledger REFERENCING NEW TABLE AS added"
            " FOR EACH STATEMENT EXECUTE FUNCTION wait_for_seal()"
        )
    else:
        # SQLite gives the id of a last row that was deleted to the next one.
        op.execute(
            "CREATE TRIGGER ledger_waits AFTER INSERT ON ledger"
            " BEGIN INSERT OR IGNORE INTO unsealed (ledger_id) VALUES (NEW.id); END"
        )


def incidents() -> None:
    """Kinds are columns, not texts; an answer's row is no longer the incident's."""
    with op.batch_alter_table("incidents") as table:
        table.alter_column("signature", new_column_name="template")
        table.add_column(sa.Column("kind", sa.Text(), nullable=False, server_default="log"))
        table.add_column(sa.Column("told", sa.SmallInteger, nullable=False, server_default="0"))
        table.add_column(sa.Column("episode", sa.Integer, nullable=False, server_default="1"))
        # What was open was matched before levels counted: as if it had been an error.
        table.add_column(sa.Column("level", sa.SmallInteger, nullable=False, server_default="4"))
    op.execute("UPDATE incidents SET kind = 'storm', template = '' WHERE template = '(storm)' AND metric = ''")
    op.execute("UPDATE incidents SET kind = 'own' WHERE service = 'sre-agent'")
    op.execute("UPDATE incidents SET kind = 'metric', template = substr(template, 8) WHERE metric <> ''")
    op.execute("UPDATE incidents SET told = severity WHERE page_key <> ''")
    for column in ("kind", "told", "episode", "level"):
        with op.batch_alter_table("incidents") as table:
            table.alter_column(column, server_default=None)


def actions() -> None:
    """A plan's actions are reserved together; an undo is recorded as it goes."""
    with op.batch_alter_table("actions") as table:
        table.add_column(sa.Column("episode", sa.Integer, nullable=False, server_default="1"))
        table.add_column(sa.Column("planned", JSON))
        table.add_column(sa.Column("executor", sa.Text(), nullable=False, server_default="supervisord"))
        table.add_column(sa.Column("budget_key", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("reserved_at", TIME))
        table.add_column(sa.Column("undo", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("undo_error", sa.Text()))
        table.alter_column("verdict", new_column_name="outcome")
        table.alter_column("verdict_numbers", new_column_name="outcome_numbers")
    op.execute("UPDATE actions SET reserved_at = started_at")
    as_planned()
    op.execute("UPDATE actions SET undo = 'done' WHERE undone")
    with op.batch_alter_table("actions") as table:
        table.alter_column("reserved_at", existing_type=TIME, nullable=False)
        table.alter_column("started_at", existing_type=TIME, nullable=True)
        table.alter_column("before", existing_type=JSON, nullable=True)
        table.alter_column("planned", existing_type=JSON, nullable=False)
        for column in ("episode", "executor", "budget_key", "undo"):
            table.alter_column(column, server_default=None)
        table.drop_column("undone")
        table.drop_constraint("actions_once", type_="unique")
        table.create_unique_constraint("actions_once", ["incident_id", "episode", "ordinal"])


def as_planned() -> None:
    """Each action as its incident's plan has it, else from its own columns; budgets count by what the target was."""
    table = sa.table(
        "actions",
        sa.column("id"),
        sa.column("ordinal"),
        sa.column("kind"),
        sa.column("target"),
        sa.column("incident_id"),
        sa.column("before", JSON),
        sa.column("planned", JSON),
        sa.column("budget_key"),
    )
    plans = sa.table("incidents", sa.column("id"), sa.column("plan", JSON))
    query = sa.select(table, plans.c.plan).join(plans, plans.c.id == table.c.incident_id, isouter=True)
    for row in op.get_bind().execute(query).all():
        known = (row.plan or {}).get("actions", [])
        bare = {"kind": row.kind, "target": row.target, "risk": "low", "undo": "none", "parameters": {}}
        planned = known[row.ordinal] if row.ordinal < len(known) else bare
        values = {"planned": planned, "budget_key": budget_key(row.target, row.before)}
        op.get_bind().execute(table.update().where(table.c.id == row.id).values(values))


def budget_key(target: str, before: dict[str, list[dict[str, str]]] | None) -> str:
    """The groups of the processes that were seen, so that a process and its group are one target."""
    groups = {process["name"].partition(":")[0] for process in (before or {}).get("processes", [])}
    return ",".join(sorted(groups)) or target


def pages() -> None:
    """A page keeps how bad it was when it was made."""
    with op.batch_alter_table("pages") as table:
        table.add_column(sa.Column("severity", sa.SmallInteger, nullable=False, server_default="3"))
    op.execute(
        "UPDATE pages SET severity ="
        " COALESCE((SELECT severity FROM incidents WHERE incidents.id = pages.incident_id), 3)"
    )
    with op.batch_alter_table("pages") as table:
        table.alter_column("severity", server_default=None)


def indexes() -> None:
    """Only what a query needs."""
    op.create_index("steps_due", "steps", ["due_at"])
    op.create_index("steps_taken_incident", "steps_taken", ["incident_id"])
    op.create_index("batches_now", "batches", ["now"])
    op.create_index("actions_budget", "actions", ["budget_key", "reserved_at"])
    op.create_index("incidents_page_key", "incidents", ["page_key"], postgresql_where=TOLD, sqlite_where=TOLD)
    op.create_index("incidents_paged", "incidents", ["paged_at"], postgresql_where=PAGED, sqlite_where=PAGED)
    op.create_index(
        "incidents_resolved", "incidents", ["resolved_at"], postgresql_where=RESOLVED, sqlite_where=RESOLVED
    )
    op.create_index(
        "incidents_open",
        "incidents",
        ["service", "kind", "template"],
        unique=True,
        postgresql_where=STILL_OPEN,
        sqlite_where=STILL_OPEN,
    )


def under_way() -> None:
    """Whoever was being answered, waited for an answer or left something half done is due at once."""
    op.execute(
        "INSERT INTO steps (incident_id, due_at, waits_for, tries)"
        " SELECT id, stored_at, 'an answer', 0 FROM incidents"
        " WHERE (state IN ('open', 'acting', 'verifying') AND confirmed_at IS NOT NULL AND NOT handled)"
        " OR EXISTS (SELECT 1 FROM actions WHERE incident_id = incidents.id AND actions.state = 'started')"
    )


def drop_what_moved() -> None:
    """The queue has leases of its own."""
    with op.batch_alter_table("incidents") as table:
        for column in ("handled", "lease_token", "lease_until"):
            table.drop_column(column)


def downgrade() -> None:
    """There is no way back: the first version could not carry out what is stored now."""
    raise NotImplementedError("restore a copy of the database that was made before")
