"""What a `watch` run holds between its batches: consumer, store, champion and counts."""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from adapters.kafka.cluster import Cluster
from adapters.kafka.consumer import LogConsumer, OutOfRange
from adapters.kafka.letters import publish_letters
from adapters.kafka.producer import LogProducer
from adapters.page_spool import PageSpool
from adapters.store.batches import NOT_STORED, BatchStore, Judged
from adapters.store.database import Contended, Engine, transaction
from adapters.store.intake import READING
from adapters.store.look_ups import mark_published, unpublished_letters
from adapters.store.own_incidents import open_own_incident, open_within
from adapters.store.positions import skip_positions
from adapters.store.switches import report_condition
from domain.errors import BadBatch, OffsetLost, Refused, SreError, Unavailable
from domain.folded import Folded
from domain.logs import RawBatch
from domain.members import present_member, reads_in_words
from domain.quality import guilty
from domain.settings import Settings
from tasks.champion import ChampionSource
from tasks.input_complaints import InputComplaints
from tasks.input_quality import InputQuality
from tasks.judging import Knowledge, Stopwatch, judge
from tasks.minutes import MinuteMemory
from tasks.outage import Outage, Remembered
from tasks.own_totals import OwnTotals
from tasks.shadow import CHALLENGER, Shadow
from tasks.storing import store_batch
from tasks.tally import Tally, Weighed
from tasks.templates import Templates
from tasks.topics import StoredPositions, TopicIdentity

log = logging.getLogger(__name__)

# The same transaction is tried again so often when another one got in its way.
CONTENDED_TRIES = 5
CLOSE_SECONDS = 8.0
ASK_AGAIN = timedelta(seconds=1)
SKIPPED = "logs were deleted before they were read"
LETTERS_AT_ONCE = 500


class Watching:
    """One consumer and everything that its batches need.

    Its methods block; the flow calls them in threads. `read`, `weigh` and `take` may run side by side, each once
    at a time.
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        champion: ChampionSource,
        identity: TopicIdentity,
        spool: PageSpool | None = None,
    ) -> None:
        self.member = present_member(os.environ)  # the name under which it reports
        self.settings = settings
        self.engine = engine
        self.champion = champion
        self.identity = identity  # of the topic's present incarnation
        self.store = BatchStore(engine, spool.gone_out if spool else tuple)
        self.spool = spool
        self.outage: Outage | None = None  # while the store does not answer
        self.memory, self.templates = MinuteMemory(), Templates.of(engine)
        self.remembered = Remembered(settings.kafka.held_alerts)
        self.cluster = Cluster(settings.kafka)
        self.producer = LogProducer(settings.kafka)
        self.tally, self.own_totals = Tally(), OwnTotals(engine, self.member)
        self.batch_number = 0
        # Batches are read ahead. When one is dropped, those read after it are void, and before anything
        # else is read the consumer goes back, or to the topic's new incarnation.
        self.generation = 0
        self.stale = False
        self.moved = False
        self.left: LogConsumer | None = None  # the consumer that was closed last; closing it again is an error
        self.took_seconds = 0.0
        self.told_partitions: list[tuple[str, int]] = []
        self.complaints = InputComplaints(settings.kafka.topic, self._say, self._own_incident)
        self.quality = InputQuality(engine, settings.quality)
        self.shadow = Shadow(lambda seen: self.report(CHALLENGER, healthy=True, detail=seen))
        self.positions = StoredPositions(engine, identity)
        self.consumer = self._subscribe()

    def _subscribe(self) -> LogConsumer:
        kafka = self.settings.kafka
        made = self.cluster.make_if_missing()
        self.positions = StoredPositions(self.engine, self.identity)
        consumer = LogConsumer(kafka, self.positions)
        consumer.numbers[kafka.topic] = number = self.positions.number(kafka.topic)
        # What comes into a topic that did not exist is all new: nothing of it may be skipped.
        self.positions.begin(dict.fromkeys(((number, partition) for partition in made), 0))
        return consumer

    def _own_incident(self, template: str, message: str) -> None:
        log.error("watch.own-incident", extra={"template": template})
        open_own_incident(self.engine, template, message, now=datetime.now(UTC))

    def read(self) -> RawBatch:
        """The next batch, empty when nothing came in time. Raises Unavailable."""
        self._ask_the_store()
        self._go_where_the_store_is()
        generation = self.generation
        begun = time.perf_counter()
        try:
            raw = replace(self.consumer.read(), generation=generation)
        except OutOfRange as error:
            self._skip_lost(error)
            return RawBatch([], [], [], [], {}, {})
        self.tell_reading(news_only=True)
        self.tally.seconds["read"] += time.perf_counter() - begun
        self.tally.empty += not len(raw)
        return raw

    def _go_where_the_store_is(self) -> None:
        if self.moved:
            self._leave()
            self.consumer = self._subscribe()
        elif self.stale and self.outage is None:  # until the store is back reading goes on where it was
            self.consumer.rewind()
        self.moved = self.stale = False

    def _ask_the_store(self) -> None:
        """When it is back, everything since it was lost is read and decided again."""
        outage, now = self.outage, datetime.now(UTC)
        if outage is None or now - outage.asked_at < ASK_AGAIN or self._store_trouble(now):
            return
        log.warning("store.back", extra={"since": str(outage.since), "logs": outage.logs, "pages": outage.pages})
        self.generation += 1
        self.outage, self.stale = None, True

    def _store_trouble(self, now: datetime) -> str:
        """Why the store takes nothing, or an empty text."""
        try:
            return self.store.refuses_every_log(now)
        except Unavailable as error:
            return str(error)
        finally:
            if (outage := self.outage) is not None:  # `read`, beside us, may end it meanwhile
                outage.asked_at = datetime.now(UTC)

    def _skip_lost(self, error: OutOfRange) -> None:
        if self.positions.changed():
            # Its offsets mean nothing in the topic that was made in its place.
            self.generation += 1
            self.moved = True
            return
        lost, names, now = self.consumer.out_of_range(), self.consumer.names, datetime.now(UTC)
        told = ", ".join(
            f"{names[topic]}, partition {number}: {at} to {following}"
            for (topic, number), (at, following) in lost.items()
        )
        with transaction(self.engine) as connection:
            skip_positions(connection, lost, now=now)
            open_within(connection, SKIPPED, f"{error}; skipped offsets: {told or 'none'}", now=now)
        log.error("watch.own-incident", extra={"template": SKIPPED})
        self.stale = True

    def weigh(self, raw: RawBatch) -> Weighed:
        """Everything about a batch that depends on nothing stored, while the one before it is being stored."""
        knowledge, now, watch = self.champion.knowledge, datetime.now(UTC), Stopwatch()
        judged, refused = None, None
        if (len(raw) or raw.idle) and raw.generation == self.generation:
            try:
                judged = judge(raw, knowledge, watch, now=now, templates=self.templates)
            except BadBatch as error:
                refused = error  # in its turn it is taken in halves
        return Weighed(raw, knowledge, now, judged, watch, refused)

    def take(self, weighed: Weighed) -> None:
        """One batch to committed rows; of one that is refused, everything but the guilty logs.

        While the store does not answer it is decided about without being stored, and read again when it does.
        Raises Unavailable when others were in the way for too long; the batch is then read again at once.
        """
        raw = weighed.raw
        if raw.generation != self.generation:
            self.tally.dropped += 1
            return
        try:
            self._take(weighed)
        except (Refused, BadBatch) as error:
            log.warning("batch.refused", extra={"logs": len(raw), "error": str(error)[:300]})
            if not len(raw):
                raise  # that a partition is idle is no log's fault
            self._in_halves(raw, error)

    def _in_halves(self, raw: RawBatch, error: SreError) -> None:
        if len(raw) == 1:
            self._give_up(raw, error)
            return
        middle = len(raw) // 2
        for part in (raw.part(0, middle), raw.part(middle, len(raw))):
            self.take(self.weigh(part))

    def _give_up(self, raw: RawBatch, error: SreError) -> None:
        """The guilty log alone becomes a dead letter, unless the store takes no log at all."""
        now = datetime.now(UTC)
        if why := self.store.refuses_every_log(now):
            raise Unavailable(f"the store takes no log at all: {why}") from error
        letter = guilty(raw, str(error))
        told = (
            f"{letter.reason}; it is dead letter {raw.names.get(letter.topic, '')}/{letter.partition}/{letter.offset}"
        )
        self.store.save_refused(raw, letter, told, now=now)
        self.consumer.done(raw)
        self.tally.rejected += 1
        log.error("watch.own-incident", extra={"template": NOT_STORED})

    def _take(self, weighed: Weighed) -> None:
        begun = time.perf_counter()
        raw, knowledge, now, watch = weighed.raw, weighed.knowledge, weighed.now, weighed.watch
        judged = weighed.verdict()
        with watch.step("topic"):
            self._same_topics()
        with watch.step("save"):
            folded = self._save_or_decide(judged, knowledge, now)
        if folded is None:
            return
        self.consumer.done(raw)
        self.remembered.add(folded)
        self.quality.add(judged, now=now)
        self.shadow.look(judged, self.champion.challenger, now=now)
        self.complaints.look(judged, now)
        self.took_seconds = time.perf_counter() - begun
        self.tally.add(judged, folded, watch)
        self._tell(judged, folded, watch)

    def _same_topics(self) -> None:
        """Raises OffsetLost when a topic is another one than that which the batch was read from."""
        if topic := self.positions.changed():
            self.moved = True
            raise OffsetLost(f"topic {topic} was recreated; the batch is dropped")

    def _save_or_decide(self, judged: Judged, knowledge: Knowledge, now: datetime) -> Folded | None:
        """What became of a batch that is stored; None where it is not."""
        outage = self.outage  # `read`, beside us, ends it when the store is back
        if outage is None:
            try:
                return self._save(judged, knowledge, now)
            except (Unavailable, Refused) as error:
                if not (why := self._store_trouble(now)):
                    raise
                log.warning("store.lost", extra={"why": why[:300], "error": str(error)[:300]})
                known, most = self.remembered.lately(knowledge), self.settings.kafka.held_alerts
                outage = self.outage = Outage(self.spool, since=now, open_before=known, most=most)
        outage.take(judged, knowledge, now=now)
        self.tally.unstored += len(judged.raw)
        return None

    def _save(self, judged: Judged, knowledge: Knowledge, now: datetime) -> Folded | None:
        for _ in range(CONTENDED_TRIES):
            try:
                return self._store(judged, knowledge, now)
            except Contended as error:
                log.info("watch.contended", extra={"error": str(error)[:200]})
            except OffsetLost as error:
                self.drop(error)
                return None
        raise Unavailable(f"the batch met other transactions {CONTENDED_TRIES} times")

    def _store(self, judged: Judged, knowledge: Knowledge, now: datetime) -> Folded:
        # What is not committed is remembered by nobody.
        memory, self.memory = self.memory, MinuteMemory()
        folded, self.memory = store_batch(self.store, judged, knowledge, memory, now=now, templates=self.templates)
        return folded

    def drop(self, error: SreError) -> None:
        """Forget the batch in hand and those read after it; the next `read` begins where the store is."""
        log.warning("watch.batch-dropped", extra={"why": str(error)[:300]})
        self.tally.dropped += 1
        self.generation += 1
        self.stale = True

    def publish(self) -> None:
        """Put dead letters into their topic, beside the batches; what fails stays queued in the table."""
        try:
            while letters := unpublished_letters(self.engine, limit=LETTERS_AT_ONCE):
                publish_letters(self.producer, self.settings.kafka, letters)
                # A crash before this publishes them twice, never not at all.
                mark_published(self.engine, letters, now=datetime.now(UTC))
        except SreError as error:
            log.warning("dead-letters.waiting", extra={"error": str(error)})

    def make_room(self) -> None:
        """Make tomorrow's partitions while there is time: a batch at midnight finds them."""
        try:
            self.store.prepare(datetime.now(UTC) + timedelta(days=1))
        except SreError as error:
            log.warning("store.no-room-yet", extra={"error": str(error)[:200]})

    def _tell(self, judged: Judged, folded: Folded, watch: Stopwatch) -> None:
        for note in folded.notes:
            log.info(note.kind, extra={"incident": note.incident.id, "service": note.incident.service, **note.fields})
        counts = {"logs": len(judged.raw), "rejected": len(judged.rejected)}
        steps = {step: round(took, 5) for step, took in watch.seconds.items()}
        log.debug("batch.committed", extra={**counts, "seconds": round(self.took_seconds, 4), "steps": steps})

    def report(self, part: str, *, healthy: bool, detail: str) -> None:
        """Tell the other processes, and through them people, how a part of the outside is."""
        try:
            now = datetime.now(UTC)
            report_condition(self.engine, part, seen_by=self.member, healthy=healthy, detail=detail, now=now)
        except Unavailable as error:
            log.warning("store.unavailable", extra={"error": str(error)[:200]})

    def _say(self, part: str, ailment: str) -> None:
        self.report(part, healthy=not ailment, detail=ailment)

    def tell_reading(self, *, news_only: bool = False) -> None:
        """Say which partitions are ours; nothing while there are none, as another run may have them all."""
        names = self.consumer.names
        partitions = sorted((names[topic], number) for topic, number in list(self.consumer.next_offsets))
        if not partitions or (news_only and partitions == self.told_partitions):
            return
        self.told_partitions = partitions
        self.report(READING, healthy=True, detail=reads_in_words(partitions))

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
