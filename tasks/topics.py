"""Which topics are read, in which incarnation, and from where: the store's side of a consumer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from adapters.store.database import Engine
from adapters.store.own_incidents import open_own_incident
from adapters.store.positions import has_positions, read_positions, start_positions, topic_number
from domain.errors import Refused, SreError
from domain.logs import Place

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TopicIdentity:
    """How to ask for the present incarnations of topics, and whether another one than before is news."""

    ask: Callable[[Collection[str]], Mapping[str, str]]
    durable: bool = True


@dataclass(slots=True)
class StoredPositions:
    """Where each partition goes on, and which incarnation of its topic it belongs to."""

    engine: Engine
    identity: TopicIdentity
    known_ids: dict[str, str] = field(default_factory=dict)  # topic -> the broker's id of its incarnation
    recreated: set[int] = field(default_factory=set)  # numbers of topics of which another incarnation was read before

    def number(self, topic: str) -> int:
        """Our number of the topic's present incarnation; one that was made again is told of."""
        now = datetime.now(UTC)
        identity = self.identity.ask([topic])[topic]
        number, recreated = topic_number(self.engine, topic, identity, now=now)
        self.known_ids[topic] = identity
        if recreated:
            self.recreated.add(number)
        if recreated and self.identity.durable:
            template = f"topic {topic} was recreated"
            log.error("watch.own-incident", extra={"template": template})
            told = (
                f"topic {topic} is another one than before: it was deleted and made again. What of the old one"
                " was not read is gone; the new one is read from its beginning."
            )
            open_own_incident(self.engine, template, told, now=now)
        return number

    def known(self, places: list[Place]) -> dict[Place, int]:
        return read_positions(self.engine, places)

    def is_new(self, topic: int) -> bool:
        """Whether no partition was ever read; of a topic that was made again nothing is skipped."""
        return topic not in self.recreated and not has_positions(self.engine, topic)

    def begin(self, starts: Mapping[Place, int]) -> dict[Place, int]:
        return start_positions(self.engine, starts, now=datetime.now(UTC))

    def changed(self) -> str:
        """A topic that is another one than that which we read; empty when none is, or nobody answers."""
        if not self.known_ids:
            return ""
        known = dict(self.known_ids)
        try:
            found = self.identity.ask(sorted(known))
        except Refused:  # one of them is deleted, which says nothing about the others
            found = self._one_by_one(known)
        except SreError as error:
            # The broker is gone; what was read before belongs to the topics that we knew.
            log.warning("kafka.topic-unknown", extra={"error": str(error)})
            return ""
        return next((topic for topic, identity in found.items() if identity != known[topic]), "")

    def _one_by_one(self, topics: Iterable[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for topic in sorted(topics):
            try:
                found |= self.identity.ask([topic])
            except SreError as error:
                log.warning("kafka.topic-unknown", extra={"topic": topic, "error": str(error)})
        return found
