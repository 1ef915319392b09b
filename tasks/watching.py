"""What a `watch` run holds between its batches: consumer, store, champion and counts."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from adapters.kafka.consumer import Cluster, LogConsumer, OutOfRange
from adapters.kafka.letters import publish_letters
from adapters.kafka.producer import LogProducer
from adapters.store.batches import BatchStore, Judged
from adapters.store.database import Contended, Engine
from adapters.store.intake import READING
from adapters.store.look_ups import mark_published, unpublished_letters
from adapters.store.own_incidents import open_own_incident
from adapters.store.positions import (
    has_positions,
    read_positions,
    skip_positions,
    start_positions,
    topic_number,
)
from adapters.store.switches import report_condition
from domain.clocks import skew_in_words
from domain.errors import OffsetLost, SreError, Unavailable
from domain.folded import Folded
from domain.logs import RawBatch
from domain.readability import Readability
from domain.settings import Settings
from tasks.champion import ChampionSource
from tasks.judging import Knowledge, Stopwatch, correlate, judge

log = logging.getLogger(__name__)

SEEN_BY = "watch"
# The same transaction is tried again so often when another one got in its way.
CONTENDED_TRIES = 5
CLOSE_SECONDS = 8.0
LETTERS_AT_ONCE = 500
# A condition is repeated so often while it lasts, and is over when nothing was seen of it for twice as long.
SKEW_AGAIN = timedelta(seconds=30)


@dataclass(slots=True)
class Tally:
    """What a window saw."""

    logs: int = 0
    rejected: int = 0
    anomalous: int = 0
    incidents: int = 0
    pages: int = 0
    batches: int = 0
    empty: int = 0
    dropped: int = 0  # batches that another consumer had stored first
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))  # per step

    def add(self, judged: Judged, folded: Folded, watch: Stopwatch) -> None:
        """Count one committed batch."""
        self.batches += 1
        self.logs += len(judged.raw)
        self.rejected += len(judged.rejected)
        self.anomalous += int(judged.verdicts.anomalous.sum())
        self.incidents += sum(note.kind == "incident.opened" for note in folded.notes)
        self.pages += len(folded.pages)
        for step, took in watch.seconds.items():
            self.seconds[step] += took


@dataclass(frozen=True, slots=True)
class StoredPositions:
    """The store's side of a consumer: where each partition goes on."""

    engine: Engine
    topic_id: int
    recreated: bool  # another incarnation of the topic was read before; then nothing of this one is skipped

    def known(self, partitions: list[int]) -> dict[int, int]:
        return read_positions(self.engine, self.topic_id, partitions)

    def is_new(self) -> bool:
        return not self.recreated and not has_positions(self.engine, self.topic_id)

    def begin(self, starts: Mapping[int, int]) -> dict[int, int]:
        return start_positions(self.engine, self.topic_id, starts, now=datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class TopicIdentity:
    """How to ask for the topic's present incarnation, and whether another one than before is news."""

    ask: Callable[[], str]
    durable: bool = True


class Watching:
    """One consumer and everything that its batches need.

    Its methods block; the flow calls them in threads. `read` and `take` may run side by side, each once at a time.
    """

    def __init__(self, settings: Settings, engine: Engine, champion: ChampionSource, identity: TopicIdentity) -> None:
        self.settings = settings
        self.engine = engine
        self.champion = champion
        self.identity = identity  # of the topic's present incarnation
        self.store = BatchStore(engine)
        self.cluster = Cluster(settings.kafka)
        self.producer = LogProducer(settings.kafka)
        self.tally = Tally()
        self.batch_number = 0
        self.topic_id = ""
        # Batches are read ahead. When one is dropped, those read after it are void, and before anything
        # else is read the consumer goes back, or to the topic's new incarnation.
        self.generation = 0
        self.stale = False
        self.moved = False
        self.left: LogConsumer | None = None  # the consumer that was closed last; closing it again is an error
        self.took_seconds = 0.0
        self.told_partitions: list[int] = []
        self.readability = Readability()
        self.unreadable = False  # an incident of ours tells of it
        self.skew_seen: datetime | None = None
        self.consumer = self._subscribe()

    def _subscribe(self) -> LogConsumer:
        kafka = self.settings.kafka
        made = self.cluster.make_if_missing()
        self.topic_id = self.identity.ask()
        number, recreated = topic_number(self.engine, kafka.topic, self.topic_id, now=datetime.now(UTC))
        # What comes into a topic that did not exist is all new: nothing of it may be skipped.
        start_positions(self.engine, number, dict.fromkeys(made, 0), now=datetime.now(UTC))
        if recreated and self.identity.durable:
            self._own_incident(
                f"topic {kafka.topic} was recreated",
                f"topic {kafka.topic} is another one than before: it was deleted and made again. What of the old one"
                " was not read is gone; the new one is read from its beginning.",
            )
        return LogConsumer(kafka, number, StoredPositions(self.engine, number, recreated))

    def _own_incident(self, template: str, message: str) -> None:
        log.error("watch.own-incident", extra={"template": template})
        open_own_incident(self.engine, template, message, now=datetime.now(UTC))

    def read(self) -> RawBatch:
        """The next batch, empty when nothing came in time. Raises Unavailable."""
        self._go_where_the_store_is()
        generation = self.generation
        begun = time.perf_counter()
        try:
            raw = replace(self.consumer.read(), generation=generation)
        except OutOfRange as error:
            self._skip_lost(error)
            return RawBatch(0, [], [], [], {}, {})
        self.tell_reading(news_only=True)
        self.tally.seconds["read"] += time.perf_counter() - begun
        self.tally.empty += not len(raw)
        return raw

    def _go_where_the_store_is(self) -> None:
        if self.moved:
            self._leave()
            self.consumer = self._subscribe()
        elif self.stale:
            self.consumer.rewind()
        self.moved = self.stale = False

    def _skip_lost(self, error: OutOfRange) -> None:
        lost = self.consumer.out_of_range()
        skip_positions(self.engine, self.consumer.topic_id, lost, now=datetime.now(UTC))
        told = ", ".join(f"partition {number}: {at} to {oldest}" for number, (at, oldest) in lost.items())
        self._own_incident("logs were deleted before they were read", f"{error}; skipped offsets: {told or 'none'}")
        self.stale = True

    def take(self, raw: RawBatch) -> None:
        """One batch from bytes to committed rows.

        Raises Unavailable when the store does not answer; the batch is then read again later.
        """
        if raw.generation != self.generation:
            self.tally.dropped += 1
            return
        begun = time.perf_counter()
        watch = Stopwatch()
        knowledge = self.champion.knowledge
        now = datetime.now(UTC)
        judged = judge(raw, knowledge, watch, now=now)
        with watch.step("topic"):
            self._same_topic()
        with watch.step("save"):
            folded = self._save(judged, knowledge, now)
        if folded is None:
            return
        self.consumer.done(raw)
        self._look_at_input(judged, now)
        if judged.rejected:
            with watch.step("dead letters"):
                self.publish()
        self.took_seconds = time.perf_counter() - begun
        self.tally.add(judged, folded, watch)
        self._tell(judged, folded, watch)

    def _same_topic(self) -> None:
        """Raises OffsetLost when the topic is another one than that which the batch was read from."""
        try:
            found = self.identity.ask()
        except SreError as error:
            # The broker is gone; what was read before belongs to the topic that we knew.
            log.warning("kafka.topic-unknown", extra={"error": str(error)})
            return
        if found != self.topic_id:
            self.moved = True
            raise OffsetLost(f"topic {self.settings.kafka.topic} was recreated; the batch is dropped")

    def _look_at_input(self, judged: Judged, now: datetime) -> None:
        """What the batch says about its producers, for people to see; the batch itself is stored."""
        try:
            self._look_at_clocks(judged.ahead, now)
            self._look_at_readability(judged, now)
        except SreError as error:
            log.warning("watch.input-not-told-of", extra={"error": str(error)[:200]})

    def _look_at_clocks(self, ahead: Mapping[str, timedelta], now: datetime) -> None:
        quiet_for = now - self.skew_seen if self.skew_seen else SKEW_AGAIN
        if ahead and quiet_for >= SKEW_AGAIN:
            self.skew_seen = now
            self.report("clocks", healthy=False, detail=skew_in_words(ahead))
        elif self.skew_seen and quiet_for >= 2 * SKEW_AGAIN:
            self.skew_seen = None
            self.report("clocks", healthy=True, detail="")

    def _look_at_readability(self, judged: Judged, now: datetime) -> None:
        self.readability.add(len(judged.raw), (letter.reason for letter in judged.rejected), now)
        complaint = self.readability.complaint
        if complaint and not self.unreadable:
            self._own_incident(f"most logs of topic {self.settings.kafka.topic} cannot be read", complaint)
        self.unreadable = bool(complaint)

    def _save(self, judged: Judged, knowledge: Knowledge, now: datetime) -> Folded | None:
        for _ in range(CONTENDED_TRIES):
            try:
                return self.store.save(judged, partial(correlate, judged, knowledge, now=now), now=now)
            except Contended as error:
                log.info("watch.contended", extra={"error": str(error)[:200]})
            except OffsetLost as error:
                self.drop(error)
                return None
        raise Unavailable(f"the batch met other transactions {CONTENDED_TRIES} times")

    def drop(self, error: SreError) -> None:
        """Forget the batch in hand and those read after it; the next `read` begins where the store is."""
        log.warning("watch.batch-dropped", extra={"why": str(error)[:300]})
        self.tally.dropped += 1
        self.generation += 1
        self.stale = True

    def publish(self) -> None:
        """Put dead letters into their topic; what fails stays queued in the table."""
        try:
            letters = unpublished_letters(self.engine, limit=LETTERS_AT_ONCE)
            publish_letters(self.producer, self.settings.kafka, letters)
            # A crash before this publishes them twice, never not at all.
            mark_published(self.engine, letters, now=datetime.now(UTC))
        except SreError as error:
            log.warning("dead-letters.waiting", extra={"error": str(error)})

    def _tell(self, judged: Judged, folded: Folded, watch: Stopwatch) -> None:
        for note in folded.notes:
            log.info(note.kind, extra={"incident": note.incident.id, "service": note.incident.service, **note.fields})
        counts = {"logs": len(judged.raw), "rejected": len(judged.rejected)}
        steps = {step: round(took, 5) for step, took in watch.seconds.items()}
        log.debug("batch.committed", extra={**counts, "seconds": round(self.took_seconds, 4), "steps": steps})

    def report(self, part: str, *, healthy: bool, detail: str) -> None:
        """Tell the other processes, and through them people, how a part of the outside is."""
        try:
            report_condition(self.engine, part, seen_by=SEEN_BY, healthy=healthy, detail=detail, now=datetime.now(UTC))
        except Unavailable as error:
            log.warning("store.unavailable", extra={"error": str(error)[:200]})

    def tell_reading(self, *, news_only: bool = False) -> None:
        """Say which partitions are ours; nothing while there are none, as another run may have them all."""
        partitions = sorted(self.consumer.next_offsets)
        if not partitions or (news_only and partitions == self.told_partitions):
            return
        self.told_partitions = partitions
        detail = f"{self.settings.kafka.topic}: partitions {', '.join(map(str, partitions))}"
        self.report(READING, healthy=True, detail=detail)

    def _leave(self) -> None:
        if self.left is self.consumer:
            return
        self.left = self.consumer
        leaving = threading.Thread(target=self.consumer.close, daemon=True)
        leaving.start()
        leaving.join(CLOSE_SECONDS)

    def close(self) -> None:
        """Leave the consumer group, so that a successor need not wait; a broker that is gone is not waited for."""
        self._leave()
        self.engine.dispose()
