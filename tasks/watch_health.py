"""Logs that are not read are an incident of ours: `watch` says how Kafka is, `on-call` looks after `watch`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from adapters.kafka.edges import topic_edges
from adapters.store.database import Engine
from adapters.store.own_incidents import close_own_incident, open_own_incident
from adapters.store.switches import report_condition
from adapters.store.watch_signs import signs
from domain.errors import Refused, Unavailable
from domain.kafka_settings import KafkaSettings
from domain.members import WATCH
from domain.watch_health import ILL, Offsets, Progress, Reading, Share, Signs, Verdict, look_on, slowest, verdict

log = logging.getLogger(__name__)

NOT_READ = "logs are not being read"
Ends = Callable[[], Offsets]


def topic_ends(kafka: KafkaSettings) -> Ends:
    """Asks where each partition ends; without an answer nothing is known to wait."""

    def ask() -> Offsets:
        try:
            return {number: end for number, (_, end) in topic_edges(kafka).items()}
        except (Unavailable, Refused) as error:
            log.warning("kafka.not-seen", extra={"error": str(error)[:300]})
            return {}

    return ask


def kafka_trouble(kafka: KafkaSettings) -> str:
    """What keeps us from the topic right now; empty when nothing does."""
    try:
        topic_edges(kafka)
    except (Unavailable, Refused) as error:
        return str(error)
    return ""


class WatchHealth:
    """What one `on-call` run knows of `watch`; its method blocks."""

    def __init__(self, engine: Engine, topic: str, ends: Ends, *, patience: timedelta, begun: datetime) -> None:
        self.engine = engine
        self.topic = topic
        self.ends = ends
        self.patience = patience
        self.begun = begun
        self.moved: dict[Share, Progress] = {}
        self.last = Reading.UNSURE

    def look(self, now: datetime) -> Verdict:
        """Judge how reading goes, and tell people what is new of it. Raises Unavailable."""
        found = self._judge(signs(self.engine, self.topic), now)
        if found.reading in ILL:
            self._is_ill(found, now)
        elif found.reading is Reading.WELL:
            self._report("", now)
            close_own_incident(self.engine, NOT_READ, "watch reads and stores logs again", now=now)
        self.last = found.reading
        return found

    def _judge(self, seen: Signs, now: datetime) -> Verdict:
        self.moved = look_on(self.moved, seen, self.ends(), now=now)
        return verdict(seen, slowest(self.moved), begun=self.begun, now=now, patience=self.patience)

    def _is_ill(self, found: Verdict, now: datetime) -> None:
        if found.reading is not self.last:
            log.error("watch.not-reading", extra={"reading": found.reading, "why": found.why})
        self._report(found.why, now)
        message = f"Logs are not turned into incidents and pages: {found.why}. See `sre status`."
        open_own_incident(self.engine, NOT_READ, message, now=now)

    def _report(self, ailment: str, now: datetime) -> None:
        report_condition(self.engine, WATCH, seen_by="on-call", healthy=not ailment, detail=ailment, now=now)
