"""The tables, as SQLAlchemy sees them; `migrations/` creates them."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from adapters.store.sealed_columns import Json, SealedBytes, SealedJson, SealedReason, SealedText, SignedText

metadata = sa.MetaData()

# SQLite counts rows only in a column that is INTEGER to the letter.
BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class UtcTime(sa.types.TypeDecorator[datetime]):
    """An aware time, in UTC, also where the database keeps no zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse naive times: they mean something else on every machine."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"naive time {value!r}")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Give the zone back that SQLite dropped."""
        if value is None:
            return None
        aware: datetime = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC)


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
incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # log | metric | storm | fleet | own
    sa.Column("template", SignedText("incidents.template"), nullable=False),
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("direction", sa.Text, nullable=False),
    sa.Column("detector", sa.Text, nullable=False),
    sa.Column("route", sa.Text, nullable=False),
    sa.Column("playbook", sa.Text, nullable=False),
    sa.Column("opened_at", UtcTime, nullable=False),
    sa.Column("last_at", UtcTime, nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("level", sa.SmallInteger, nullable=False),  # the worst of its origin's logs
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("logs", sa.BigInteger, nullable=False),
    sa.Column("origin_logs", sa.BigInteger, nullable=False),  # of the alert that is its likely origin
    sa.Column("fires_at", UtcTime, nullable=False),  # event time of that alert's latest log
    sa.Column("services", sa.Integer, nullable=False),  # how many it touches
    sa.Column("came_back_at", UtcTime),  # event time of the first log since it was resolved last
    sa.Column("returns", sa.Integer, nullable=False),  # how often it came back after it was resolved
    sa.Column("widespread", sa.Boolean, nullable=False),  # one playbook's fault in several services at once
    sa.Column("error_ratio", sa.REAL),  # share of errors in the logs of its services when it was answered, 0–1
    sa.Column("confirmed_at", UtcTime),
    sa.Column("page_key", sa.Text, nullable=False),
    sa.Column("paged_at", UtcTime),
    sa.Column("told", sa.SmallInteger, nullable=False),  # the highest severity that a page told of, 0 for none
    sa.Column("acked_at", UtcTime),
    sa.Column("episode", sa.Integer, nullable=False),  # 1, and one more each time it is reopened
    sa.Column("late_noted", sa.Boolean, nullable=False),
    sa.Column("evidence", SealedJson("incidents.evidence"), nullable=False),
    # From here on only `on-call` and people write.
    sa.Column("stored_at", UtcTime, nullable=False),  # wall time of its first row
    sa.Column("objections", SealedJson("incidents.objections"), nullable=False),
    sa.Column("plan", SealedJson("incidents.plan")),  # whole, as it was made in this episode; carried out as stored
    sa.Column("resolved_at", UtcTime),
    sa.Column("resolution", sa.Text),
)
# What is about the agent itself or the fleet has no alerts, so it is open once by its own row.
OURS_OPEN = sa.and_(incidents.c.kind.in_(["own", "fleet"]), incidents.c.state.not_in(["resolved", "merged"]))
sa.Index(
    "incidents_ours_open",
    incidents.c.kind,
    incidents.c.template,
    unique=True,
    postgresql_where=OURS_OPEN,
    sqlite_where=OURS_OPEN,
)
sa.Index("incidents_state", incidents.c.state)
sa.Index("incidents_service", incidents.c.service, incidents.c.id)
sa.Index(
    "incidents_paged",
    incidents.c.paged_at,
    postgresql_where=incidents.c.paged_at.is_not(None),
    sqlite_where=incidents.c.paged_at.is_not(None),
)
sa.Index(
    "incidents_resolved",
    incidents.c.resolved_at,
    postgresql_where=incidents.c.resolved_at.is_not(None),
    sqlite_where=incidents.c.resolved_at.is_not(None),
)
sa.Index(
    "incidents_page_key",
    incidents.c.page_key,
    postgresql_where=incidents.c.page_key != "",
    sqlite_where=incidents.c.page_key != "",
)
# What an incident is made of: one fault of one service by its text or metric. The incident's own columns are
# those of the alert that is its likely origin.
alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("incident_id", sa.BigInteger, nullable=False),
    sa.Column("episode", sa.Integer, nullable=False),  # of the incident, when it was seen last
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # log | metric | storm
    sa.Column("template", SignedText("alerts.template"), nullable=False),
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("direction", sa.Text, nullable=False),
    sa.Column("detector", sa.Text, nullable=False),
    sa.Column("route", sa.Text, nullable=False),
    sa.Column("playbook", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),  # cause | effect | plain
    sa.Column("relation", sa.Text, nullable=False),  # why it belongs to the incident
    sa.Column("related_to", sa.Text, nullable=False),  # the service whose alert it was found to belong with, or ""
    sa.Column("opened_at", UtcTime, nullable=False),
    sa.Column("last_at", UtcTime, nullable=False),
    sa.Column("recent", Json, nullable=False),  # event times of its newest logs, for confirmation
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("level", sa.SmallInteger, nullable=False),
    sa.Column("logs", sa.BigInteger, nullable=False),  # of that episode
    sa.Column("evidence", SealedJson("alerts.evidence"), nullable=False),  # its worst log
    sa.Column("closed", sa.Boolean, nullable=False),  # as its incident is
    sa.Column("joined_at", UtcTime, nullable=False),  # wall time of its first row
)
sa.Index(
    "alerts_open",
    alerts.c.service,
    alerts.c.kind,
    alerts.c.template,
    unique=True,
    postgresql_where=~alerts.c.closed,
    sqlite_where=~alerts.c.closed,
)
sa.Index("alerts_last", alerts.c.last_at, postgresql_where=~alerts.c.closed, sqlite_where=~alerts.c.closed)
sa.Index("alerts_incident", alerts.c.incident_id)
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
# Alerts of others: each is one row, by the fingerprint that its sender gives it.
outside_alerts = sa.Table(
    "outside_alerts",
    metadata,
    sa.Column("fingerprint", sa.Text, primary_key=True),
    sa.Column("group_key", SignedText("outside_alerts.group_key"), nullable=False),
    sa.Column("status", sa.Text, nullable=False),  # firing | resolved
    sa.Column("labels", SealedJson("outside_alerts.labels"), nullable=False),
    sa.Column("annotations", SealedJson("outside_alerts.annotations"), nullable=False),
    sa.Column("starts_at", UtcTime, nullable=False),
    sa.Column("ends_at", UtcTime),
    sa.Column("url", SealedText("outside_alerts.url"), nullable=False),
    sa.Column("received_at", UtcTime, nullable=False),
    sa.Column("incident_id", sa.BigInteger),  # the one that it belongs to
    sa.Column("taken_at", UtcTime),  # None: `on-call` has not looked at its newest word
)
sa.Index("outside_alerts_incident", outside_alerts.c.incident_id)
sa.Index("outside_alerts_group", outside_alerts.c.group_key, postgresql_using="hash")  # of any length
sa.Index("outside_alerts_firing", outside_alerts.c.status, outside_alerts.c.received_at)
sa.Index("outside_alerts_new", outside_alerts.c.received_at, postgresql_where=outside_alerts.c.taken_at.is_(None))
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
switches = sa.Table(
    "switches",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("on", sa.Boolean, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
)
conditions = sa.Table(
    "conditions",
    metadata,
    sa.Column("part", sa.Text, primary_key=True),  # "prefect", "registry", "kafka", …
    sa.Column("seen_by", sa.Text, primary_key=True),  # "watch" or "on-call"
    sa.Column("healthy", sa.Boolean, nullable=False),
    sa.Column("detail", SealedText("conditions.detail"), nullable=False),
    sa.Column("since", UtcTime, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
)
# What each member of `watch` did since it began.
watch_totals = sa.Table(
    "watch_totals",
    metadata,
    sa.Column("member", sa.Text, primary_key=True),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("counts", Json, nullable=False),
    sa.Column("seconds", Json, nullable=False),  # per step
)
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
# Deploys, changes of configuration and what else people or systems say that they changed.
changes = sa.Table(
    "changes",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),  # the same change twice is one row
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # deploy | config | scale | flag | other
    sa.Column("what", SealedText("changes.what"), nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),  # http | command | kubernetes
    sa.Column("received_at", UtcTime, nullable=False),
)
sa.Index("changes_at", changes.c.at)
# What people wrote when an incident was over: its cause, and what helped.
resolution_notes = sa.Table(
    "resolution_notes",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("incident_id", sa.BigInteger, nullable=False),
    sa.Column("episode", sa.Integer, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("cause", SealedText("resolution_notes.cause"), nullable=False),
    sa.Column("helped", SealedText("resolution_notes.helped"), nullable=False),
    sa.Column("origin", sa.Text, nullable=False),  # the service at fault, where somebody said so
    sa.Column("verdict", sa.Text, nullable=False),  # on the analysis: right | partly | wrong, or empty
)
sa.Index("resolution_notes_incident", resolution_notes.c.incident_id)
# A partition's minute that is over, as one packed table of `domain/minutes.py:ROWS`; logs that came later are further
# rows. The minute is the number of minutes since 1970.
minutes = sa.Table(
    "minutes",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("minute", sa.BigInteger, nullable=False),
    sa.Column("topic_id", sa.Integer, nullable=False),
    sa.Column("partition", sa.Integer, nullable=False),
    sa.Column("late", sa.Boolean, nullable=False),  # its logs came when the minute had been judged: it is not anew
    sa.Column("stored_at", UtcTime, nullable=False),
    sa.Column("packed", sa.LargeBinary, nullable=False),
    # Position of the log by which the minute was over: its logs from there on came late. Null in rows that a minute
    # has beside that in which it closed.
    sa.Column("end_offset", sa.BigInteger),
    sa.Column("end_part", sa.Integer),
)
sa.Index("minutes_minute", minutes.c.minute)
# How far each partition's minutes are over.
closed_minutes = sa.Table(
    "closed_minutes",
    metadata,
    sa.Column("topic_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("minute", sa.BigInteger, nullable=False),
    sa.Column("at", UtcTime, nullable=False),  # wall time, when its consumer said so last
)
# How far the fleet's minutes were judged, and what judging remembers, each once. `minute` of the memory may lie
# before that of the judgement: the minutes in between are folded into it again.
judged_minutes = sa.Table(
    "judged_minutes",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # judged | memory | sessions
    sa.Column("minute", sa.BigInteger, nullable=False),
    sa.Column("packed", SealedBytes("judged_minutes.packed"), nullable=False),  # of sessions it quotes texts and keys
)
# What was found about a service in a minute.
minute_findings = sa.Table(
    "minute_findings",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("minute", sa.BigInteger, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),  # the minute in which it began
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("measured", sa.SmallInteger, nullable=False),  # a value of `domain/minutes.py:Measured`
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("logs", sa.BigInteger, nullable=False),  # of the service in that minute
    sa.Column("direction", sa.Text, nullable=False),  # high | low
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("normal", sa.Float, nullable=False),
    sa.Column("spread", sa.Float, nullable=False),
    sa.Column("p_value", sa.Float, nullable=False),
    sa.Column("fitted", sa.Boolean, nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("incident_id", sa.BigInteger),
)
sa.Index("minute_findings_minute", minute_findings.c.minute)
sa.Index("minute_findings_incident", minute_findings.c.incident_id)
# Sessions, the logs of one request, that were not as others are.
session_findings = sa.Table(
    "session_findings",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("minute", sa.BigInteger, nullable=False),  # since 1970, in which it was over
    sa.Column("key", SignedText("session_findings.key"), nullable=False),
    sa.Column("service", sa.Text, nullable=False),  # of its heaviest reason
    sa.Column("began", UtcTime, nullable=False),
    sa.Column("ended", UtcTime, nullable=False),
    sa.Column("logs", sa.Integer, nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("p_value", sa.Float, nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("reasons", SealedJson("session_findings.reasons"), nullable=False),  # in words
)
sa.Index("session_findings_minute", session_findings.c.minute)
sa.Index("session_findings_key", session_findings.c.key, postgresql_using="hash")  # of any length
# What is known of the templates of messages, as one packed table.
template_states = sa.Table(
    "template_states",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("packed", SealedBytes("template_states.packed"), nullable=False),
)
# What is seen against what the model was trained on, check by check, and what came of it.
drift_checks = sa.Table(
    "drift_checks",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),  # of the champion
    sa.Column("compared", Json, nullable=False),  # `domain/drift.py:Compared`, what drifted most first
    sa.Column("started", sa.Boolean, nullable=False),  # whether it started a training
    sa.Column("reason", sa.Text, nullable=False),
)
# What the flow `report` found about pages.
noise_reports = sa.Table(
    "noise_reports",
    metadata,
    sa.Column("id", BigId, primary_key=True),
    sa.Column("made_at", UtcTime, nullable=False),
    sa.Column("since", UtcTime, nullable=False),
    sa.Column("until", UtcTime, nullable=False),
    sa.Column("headline", sa.Text, nullable=False),
    sa.Column("sections", SealedJson("noise_reports.sections"), nullable=False),  # `domain/noise_report.py:Section`
)
# Known faults that the agent sent itself, and how far each came.
canary_runs = sa.Table(
    "canary_runs",
    metadata,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("sent_at", UtcTime, nullable=False),
    sa.Column("ended_at", UtcTime),
    sa.Column("outcome", sa.Text, nullable=False),  # running | passed | missed
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("reached", Json, nullable=False),  # stage -> time
)
sa.Index("canary_runs_sent", canary_runs.c.sent_at)
# What people say of incidents when they look back.
alarm_verdicts = sa.Table(
    "alarm_verdicts",
    metadata,
    sa.Column("incident_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("verdict", sa.Text, nullable=False),  # real | false-alarm
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
)
# Files of logs that are about to get a row in `log_blocks`, or lost theirs and are about to go.
unnamed_files = sa.Table(
    "unnamed_files",
    metadata,
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("noted_at", UtcTime, nullable=False),
)
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
# Keys of our own, sealed with a master key: the signing key, by which texts are looked up, outlives master keys.
sealed_keys = sa.Table(
    "sealed_keys",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("made_at", UtcTime, nullable=False),
)
