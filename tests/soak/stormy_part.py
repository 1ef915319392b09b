"""Real members and real servers, everything done to them that may happen, and what is stored at the end."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow.compute as pc

from adapters.store.database import Engine, transaction
from adapters.store.log_reader import Asked, read
from deployments import kafka_server
from deployments.kafka_server import KafkaServer
from domain.logs import Level
from tests.parts.databases_part import Server
from tests.parts.judged_part import rows
from tests.parts.kafka_part import Topic
from tests.parts.logs_part import a_log
from tests.soak.members_part import Members

PARTITIONS = 3
MEMBERS = 2
BURSTS = (3, 40, 700, 2_500)  # single rows and blocks
ERROR_EACH = 50
SESSION_SECONDS = 6.0
PATIENCE_SECONDS = 120.0
BEFORE, FASTER = timedelta(minutes=15), 20
Position = tuple[str, int, int]  # id of the incarnation, partition, offset


@dataclass
class Storm:
    """One run."""

    rng: random.Random
    kafka: KafkaServer
    postgres: Server
    members: Members
    topics: list[Topic]
    engine: Engine
    done: Counter[str] = field(default_factory=Counter)
    stopped: dict[int, float] = field(default_factory=dict)  # pid -> when it goes on
    gone: dict[str, list[int]] = field(default_factory=dict)  # incarnations that were deleted -> ends of partitions
    cut: set[Position] = field(default_factory=set)  # deleted by retention, perhaps before they were read
    sent: int = 0
    begun: datetime = field(default_factory=lambda: datetime.now(UTC))

    def send(self, most: int = len(BURSTS)) -> None:
        """A burst into one partition."""
        topic, partition = self.rng.choice(self.topics), self.rng.randrange(PARTITIONS)
        at = self._at().isoformat()
        kinds = ({"level": "INFO", "message": "all is well"}, {"level": "ERROR", "message": "connection refused"})
        many = self.rng.choice(BURSTS[:most])
        logs = (a_log(timestamp=at, request_id=f"r{n}", **kinds[n % ERROR_EACH == 0]) for n in range(many))
        topic.send(logs, partition)
        self.sent += many

    def _at(self) -> datetime:
        """Event time runs faster than ours, from a while ago on, so that minutes are over during the storm."""
        now = datetime.now(UTC)
        return min(now, self.begun - BEFORE + FASTER * (now - self.begun))

    def kill(self) -> None:
        """-9 at whatever instruction it is; another one comes in its place."""
        pid = self.rng.choice(self.members.alive)
        self.members.kill(pid)
        self.stopped.pop(pid, None)
        self.members.start()

    def stop(self) -> None:
        """A zombie: it sleeps for longer than its session, in the middle of whatever it does."""
        awake = [pid for pid in self.members.alive if pid not in self.stopped]
        if len(awake) > 1:
            pid = self.rng.choice(awake)
            os.kill(pid, signal.SIGSTOP)
            self.stopped[pid] = time.monotonic() + self.rng.uniform(1.0, 1.6) * SESSION_SECONDS

    def wake(self, *, everybody: bool = False) -> None:
        """Let zombies go on whose time has come."""
        for pid, until in list(self.stopped.items()):
            if everybody or time.monotonic() >= until:
                os.kill(pid, signal.SIGCONT)
                del self.stopped[pid]

    def database(self) -> None:
        """The database goes down and comes back."""
        self.postgres.stop()
        time.sleep(self.rng.uniform(0, 2))
        self.postgres.start()

    def broker(self) -> None:
        """So does the broker."""
        port = int(self.kafka.bootstrap_servers.rpartition(":")[2])
        kafka_server.stop(self.kafka.folder)
        again = kafka_server.start(self.kafka.folder, port)
        assert again.bootstrap_servers == self.kafka.bootstrap_servers
        self.kafka = again

    def cut_off(self) -> None:
        """Retention deletes what perhaps nobody has read."""
        topic, partition = self.rng.choice(self.topics), self.rng.randrange(PARTITIONS)
        if end := topic.ends()[partition]:
            upto = self.rng.randint(1, end)
            self.cut |= {(topic.id(), partition, offset) for offset in range(upto)}
            topic.forget_before(upto, partition)

    def make_again(self) -> None:
        """A topic is deleted, and another one of its name is made."""
        topic = self.rng.choice(self.topics)
        self.gone[topic.id()] = topic.ends()
        topic.recreate()

    def does(self, deed: str) -> None:
        """One thing of the table."""
        DEEDS[deed](self)
        self.done[deed] += 1

    def blows(self, deeds: Mapping[str, int], *, pause: float) -> None:
        """So many of each, in random order, while logs come."""
        order = [deed for deed, many in deeds.items() for _ in range(many)]
        self.rng.shuffle(order)
        for deed in order:
            self.send()
            time.sleep(self.rng.uniform(0, pause))
            self.wake()
            self.does(deed)
        self.wake(everybody=True)

    def calms(self) -> None:
        """A few logs now and then."""
        for _ in range(6):
            self.send(most=2)
            time.sleep(self.rng.uniform(0, 1))

    def expected(self) -> set[Position]:
        """What is on the broker now, and must be stored."""
        return {
            (topic.id(), partition, offset)
            for topic in self.topics
            for partition, end in enumerate(topic.ends())
            for offset in range(end)
        } - self.cut

    def stored(self) -> list[Position]:
        """Every stored message, as often as it is stored."""
        with transaction(self.engine) as connection:
            found: list[Position] = []
            ids = {row["id"]: row["kafka_id"] for row in rows(self.engine, "SELECT id, kafka_id FROM topics")}
            for part in read(
                connection, Asked(filters=(pc.field("part") == 0,)), ("topic", "partition", "offset", "part")
            ):
                places = (part[name].to_pylist() for name in ("topic", "partition", "offset"))
                found += [(ids[topic], partition, offset) for topic, partition, offset in zip(*places, strict=True)]
        return found

    def trickles(self) -> None:
        """Few logs that nothing stands before, so that no batch is large enough for a block."""
        self.settles()
        self.send(most=1)

    def settles(self) -> list[Position]:
        """What is stored once everything is that must be, or when patience ends."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        wanted = self.expected()
        while not wanted <= set(found := self.stored()) and time.monotonic() < deadline:
            time.sleep(1)
        return found

    def errors_stored(self) -> int:
        """How many of the stored logs are errors."""
        with transaction(self.engine) as connection:
            asked = Asked(filters=(pc.field("level") >= int(Level.ERROR),))
            return sum(part.num_rows for part in read(connection, asked, ("level", "part")))


DEEDS: Mapping[str, Callable[[Storm], None]] = {
    "kill -9": Storm.kill,
    "stop": Storm.stop,
    "database": Storm.database,
    "broker": Storm.broker,
    "cut": Storm.cut_off,
    "make again": Storm.make_again,
}
