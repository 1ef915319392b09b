"""One run of the canary: a known fault is sent, followed to its page, and a miss is told to people."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import orjson

from adapters.executing import wall_clock
from adapters.heartbeat import Heartbeat
from adapters.kafka.producer import LogProducer, Outgoing
from adapters.store import canary_rows
from adapters.store.database import Engine
from adapters.store.own_incidents import close_own_incident, open_own_incident
from adapters.store.switches import report_condition
from domain.canary import MISSED, SERVICE, STUCK, Outcome, Stage, Trace, in_a_line, logs, verdict
from domain.errors import Refused, Unavailable
from domain.incidents import Severity
from domain.kafka_settings import KafkaSettings

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
PART = "canary heartbeat"
# Sends the logs of a run; they are acknowledged when it returns. Raises Unavailable or Refused.
Send = Callable[[Sequence[bytes]], None]


@dataclass(frozen=True)
class Canary:
    """What a run works with."""

    engine: Engine
    send: Send
    within: timedelta
    logs: int  # as many as confirm an incident
    heartbeat: Heartbeat | None = None
    clock: Callable[[], datetime] = wall_clock
    wait: Callable[[float], None] = time.sleep  # between two looks


def sender(kafka: KafkaSettings) -> Send:
    """Sends through the topic that everybody sends to."""

    def send(values: Sequence[bytes]) -> None:
        producer = LogProducer(kafka)
        producer.send(kafka.topic, [Outgoing(value, SERVICE.encode()) for value in values])
        producer.flush()

    return send


def fly(canary: Canary, run: str) -> Trace:
    """Send a known fault and follow it until its page is delivered or too late; how it went.

    Raises Unavailable where the store does not answer: then nothing can be said, and nobody hears the heartbeat.
    """
    trace = _followed(canary, canary_rows.begin(canary.engine, run, now=canary.clock()))
    trace = replace(trace, ended_at=canary.clock())
    canary_rows.end(canary.engine, trace, now=canary.clock())
    _tell(canary, trace)
    log.info("canary.ended", extra={"outcome": trace.outcome, "told": in_a_line(trace)})
    return trace


def _followed(canary: Canary, trace: Trace) -> Trace:
    values = [orjson.dumps(one) for one in logs(trace.run, trace.sent_at, canary.logs)]
    try:
        canary.send(values)
    except (Unavailable, Refused) as error:
        return replace(trace, outcome=Outcome.MISSED, why=f"{STUCK[Stage.SENT]}: {error}")
    trace = replace(trace, reached={Stage.SENT: canary.clock()})
    while True:
        trace = canary_rows.look(canary.engine, trace)
        outcome, why = verdict(trace, now=canary.clock(), within=canary.within)
        if outcome is not Outcome.RUNNING:
            return replace(trace, outcome=outcome, why=why)
        canary.wait(LOOK_SECONDS)


def _tell(canary: Canary, trace: Trace) -> None:
    """A miss is an incident of ours, paged like any other, once; the next run that comes through ends it."""
    now = canary.clock()
    if trace.outcome is Outcome.MISSED:
        message = f"A known fault that the agent sent itself did not become a page {trace.why}. See `sre canary`."
        # Nobody can rely on being paged at all: no budget of pages and no quiet hours hold this one back.
        open_own_incident(canary.engine, MISSED, message, now=now, severity=Severity.CRITICAL)
        return
    close_own_incident(canary.engine, MISSED, "a known fault became a page in time", now=now)
    if canary.heartbeat is None:
        return
    try:
        canary.heartbeat.beat(now)
        ailment = ""
    except Unavailable as error:
        ailment = str(error)
    report_condition(canary.engine, PART, seen_by="canary", healthy=not ailment, detail=ailment, now=now)
