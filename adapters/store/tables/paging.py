"""Who is told what, who answered, and what is held back."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.store.sealed_columns import Json, SealedJson, SealedText, SignedText
from adapters.store.tables.schema import BigId, UtcTime, metadata

# What people muted: silences stop pages, maintenance windows stop pages and actions.
mutes = sa.Table(
    "mutes",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),  # silence | maintenance
    sa.Column("matchers", SealedJson("mutes.matchers"), nullable=False),  # [{"label", "op", "value"}]; all must match
    sa.Column("starts_at", UtcTime, nullable=False),
    sa.Column("ends_at", UtcTime, nullable=False),  # of its first occurrence
    sa.Column("every", sa.Text, nullable=False),  # "" | day | week
    sa.Column("until", UtcTime),  # a recurring one begins no further occurrence after this
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("comment", SealedText("mutes.comment"), nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("expired_at", UtcTime),  # a person ended it early
    sa.Column("expired_by", sa.Text),
)
# What people are told; `on-call` expands each into deliveries.
pages = sa.Table(
    "pages",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("incident_id", sa.BigInteger, nullable=False),  # 0: about no incident
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),  # of the incident when the page was made
    sa.Column("late", sa.Boolean, nullable=False),
    sa.Column("lines", SealedJson("pages.lines"), nullable=False),
    sa.Column("about", Json),  # of what only one person is told: {"user": name}
    sa.Column("state", sa.Text, nullable=False),  # queued | sending | sent | failed | suppressed
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("due_at", UtcTime, nullable=False),
    sa.Column("expanded_at", UtcTime),
    sa.Column("sent_at", UtcTime),  # when the first receiver had it
    sa.Column(
        "error", SealedText("pages.error")
    ),  # why it is suppressed or failed, or why nobody could be found for it
    sa.Column("muted_by", SignedText("pages.muted_by"), nullable=False),  # by which rule, in words, or ""
    sa.Column("lease_token", sa.Text),
    sa.Column("lease_until", UtcTime),
    sa.UniqueConstraint("key", name="pages_key"),
)
sa.Index("pages_due", pages.c.state, pages.c.due_at)
sa.Index("pages_incident", pages.c.incident_id)
sa.Index("pages_late", pages.c.created_at, postgresql_where=pages.c.late, sqlite_where=pages.c.late)
# One page to one contact point of one person.
deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("page_id", sa.BigInteger, nullable=False),
    sa.Column("incident_id", sa.BigInteger, nullable=False),
    sa.Column("thread", sa.Text, nullable=False),  # key of the first page of its incident's episode
    sa.Column("step", sa.Integer, nullable=False),  # how many steps of a policy its page had gone before
    sa.Column("person", sa.Text, nullable=False),  # "" where the contact belongs to nobody
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("receiver", sa.Text, nullable=False),  # the contact's `to`
    sa.Column("why", SealedText("deliveries.why"), nullable=False),  # why this person, in words
    sa.Column("fallbacks", Json, nullable=False),  # the person's further contacts, for when this one refuses
    sa.Column("state", sa.Text, nullable=False),  # queued | sent | failed | suppressed
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("due_at", UtcTime, nullable=False),
    sa.Column("sent_at", UtcTime),
    sa.Column("receipt", SealedJson("deliveries.receipt")),
    sa.Column("error", SealedText("deliveries.error")),
    sa.Column("waits", sa.Text, nullable=False),  # what it waits for beside its receiver, in words, or ""
    sa.Column("merged_into", sa.BigInteger),  # the delivery that told of it too
    sa.Column("lease_token", sa.Text),
    sa.Column("lease_until", UtcTime),
    sa.UniqueConstraint("page_id", "step", "person", "channel", "receiver", name="deliveries_once"),
)
sa.Index(
    "deliveries_due",
    deliveries.c.channel,
    deliveries.c.due_at,
    postgresql_where=deliveries.c.state == "queued",
    sqlite_where=deliveries.c.state == "queued",
)
sa.Index("deliveries_incident", deliveries.c.incident_id)
sa.Index("deliveries_receiver", deliveries.c.channel, deliveries.c.receiver, deliveries.c.sent_at)
sa.Index("deliveries_person", deliveries.c.person, deliveries.c.sent_at)
sa.Index("deliveries_thread", deliveries.c.thread)
# Who is told next about an incident, and when; one that nobody acknowledged has a due time.
escalations = sa.Table(
    "escalations",
    metadata,
    sa.Column("incident_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("episode", sa.Integer, nullable=False),
    sa.Column("page_id", sa.BigInteger, nullable=False),  # the page that its deliveries are of
    sa.Column("roster", sa.Text, nullable=False),  # digest of the file as it was, in `documents`; "" without one
    sa.Column("policy", SealedJson("escalations.policy"), nullable=False),  # frozen when the first page was expanded
    sa.Column("step", sa.Integer, nullable=False),  # the next one
    sa.Column("round", sa.Integer, nullable=False),  # how often all of them were gone through
    sa.Column("fired", sa.Integer, nullable=False),  # steps so far, over all rounds
    sa.Column("state", sa.Text, nullable=False),  # running | acknowledged | snoozed | exhausted | over
    sa.Column("why", SealedText("escalations.why"), nullable=False),  # of its state, in words
    sa.Column("by", sa.Text, nullable=False),  # who acknowledged or snoozed it
    sa.Column("started_at", UtcTime, nullable=False),
    sa.Column("due_at", UtcTime),  # None: nothing more comes by itself
    sa.Column("lease_token", sa.Text),
    sa.Column("lease_until", UtcTime),
)
sa.Index("escalations_due", escalations.c.due_at)
# What people answered through the HTTP service; `on-call` acts on it.
responses = sa.Table(
    "responses",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("incident_id", sa.BigInteger, nullable=False),
    sa.Column("episode", sa.Integer, nullable=False),
    sa.Column("verb", sa.Text, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("via", sa.Text, nullable=False),
    sa.Column("argument", SealedText("responses.argument"), nullable=False),
    sa.Column("nonce", sa.Text, nullable=False),
    sa.Column("done_at", UtcTime),
    sa.Column("outcome", SealedText("responses.outcome")),
    sa.UniqueConstraint("nonce", "verb", name="responses_once"),
)
sa.Index("responses_due", responses.c.id, postgresql_where=responses.c.done_at.is_(None))
# Who takes somebody else's time of a schedule.
overrides = sa.Table(
    "overrides",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("schedule", sa.Text, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("begins", UtcTime, nullable=False),
    sa.Column("ends", UtcTime, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("removed_at", UtcTime),
    sa.Column("removed_by", sa.Text),
)
sa.Index("overrides_ends", overrides.c.ends)
