"""What was done to services, what came of it, and how far it is trusted."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.store.sealed_columns import Json, SealedJson, SealedText, SignedText
from adapters.store.tables.schema import BigId, UtcTime, metadata

actions = sa.Table(
    "actions",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("incident_id", sa.BigInteger, nullable=False),
    sa.Column("episode", sa.Integer, nullable=False),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("planned", SealedJson("actions.planned"), nullable=False),  # the action with every parameter
    sa.Column("executor", sa.Text, nullable=False),
    sa.Column("service", sa.Text, nullable=False),  # whose target it is, as the inventory said
    sa.Column("budget_key", sa.Text, nullable=False),  # what the executor resolved the target to: one for all its names
    sa.Column("state", sa.Text, nullable=False),  # reserved | started | done | failed | dropped
    sa.Column("before", SealedJson("actions.before")),  # snapshot committed before the effect
    sa.Column("after", SealedJson("actions.after")),
    sa.Column("reserved_at", UtcTime, nullable=False),
    sa.Column("started_at", UtcTime),
    sa.Column("finished_at", UtcTime),
    sa.Column("error", SealedText("actions.error")),
    sa.Column("outcome", sa.Text),  # recovered | ineffective | worse | unknown
    sa.Column("outcome_numbers", Json),
    sa.Column("undo", sa.Text, nullable=False),  # "" | started | done | failed
    sa.Column("undo_error", SealedText("actions.undo_error")),
    sa.UniqueConstraint("incident_id", "episode", "ordinal", name="actions_once"),
)
sa.Index("actions_budget", actions.c.budget_key, actions.c.reserved_at)
sa.Index("actions_trust", actions.c.source, actions.c.service)
# What leaves no trace that a platform could be asked about: a command that ran, a webhook that was called.
effects = sa.Table(
    "effects",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),  # of the order: the same over every try and every owner
    sa.Column("what", SealedText("effects.what"), nullable=False),
    sa.Column("begun_at", UtcTime, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),  # of the process that carries it out
    sa.Column("pid_started", sa.Float, nullable=False),  # seconds since the epoch, as pids come again
    sa.Column("ended_at", UtcTime),
    sa.Column("end", SignedText("effects.end"), nullable=False),  # "" while it goes on | ended | how it failed
    sa.Column("output", SealedText("effects.output"), nullable=False),
)
# Services that are watched more sharply for a while.
watches = sa.Table(
    "watches",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),  # of the order
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("since", UtcTime, nullable=False),
    sa.Column("until", UtcTime, nullable=False),
)
sa.Index("watches_service", watches.c.service, watches.c.until)
# What a person said about how far a playbook is trusted on a service; outcomes count from then on.
autonomy_words = sa.Table(
    "autonomy_words",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("playbook", sa.Text, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("level", sa.Text, nullable=False),  # observe | suggest | ask | act
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
)
sa.Index("autonomy_words_of", autonomy_words.c.playbook, autonomy_words.c.service)
