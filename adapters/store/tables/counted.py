"""Minutes, what was found in them, and the templates of messages."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.store.sealed_columns import SealedBytes, SealedJson, SignedText
from adapters.store.tables.schema import BigId, UtcTime, metadata

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
