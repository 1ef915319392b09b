"""How the agent itself is: switches, parts, tests of itself, reports and checks."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.store.sealed_columns import Json, SealedJson, SealedText
from adapters.store.tables.schema import BigId, UtcTime, metadata

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
