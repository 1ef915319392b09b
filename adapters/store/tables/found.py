"""Incidents, what they are made of, and what people and systems say about them."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.store.sealed_columns import Json, SealedJson, SealedText, SignedText
from adapters.store.tables.schema import BigId, UtcTime, metadata

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
# What people say of incidents when they look back.
alarm_verdicts = sa.Table(
    "alarm_verdicts",
    metadata,
    sa.Column("incident_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("verdict", sa.Text, nullable=False),  # real | false-alarm
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
)
