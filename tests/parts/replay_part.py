"""A stream that is decided live and then again, for tests: partitions, people in between, models that change."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.store import answers
from adapters.store.batches import BatchStore
from adapters.store.closing import acknowledge, close_by_hand
from adapters.store.database import Engine, transaction
from adapters.store.incident_rows import OPEN_STATES
from adapters.store.ledger_rows import note
from adapters.store.positions import start_positions, topic_number
from adapters.store.tables.found import incidents
from adapters.store.tables.schema import metadata
from domain.errors import BadInput
from domain.folded import Folded
from domain.incidents import State
from domain.ledger import LedgerKind
from domain.logs import RawBatch
from ml.scoring import Champion
from tasks.judging import Knowledge, Stopwatch, judge
from tasks.minutes import MinuteMemory
from tasks.recalling import Changes, Recalled, changed
from tasks.rejudging import rejudge
from tasks.replaying import Replayed, replay
from tasks.storing import store_batch
from tasks.templates import Templates
from tests.parts.judged_part import known
from tests.parts.logs_part import NOON, a_log

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
SERVICES = ("web", "db", "cache")
FAULTS = (
    {"level": "ERROR", "message": "connection refused"},
    {"level": "CRITICAL", "message": "out of memory: killed"},
    {"level": "ERROR", "message": "upstream timed out after 30 s"},
    {"level": "WARN", "message": "disk is full, cannot write"},
)
# Long after the first and before the last batch of any stream here.
BEGIN, END = NOON - timedelta(hours=1), NOON + timedelta(days=2)


@dataclass
class Live:
    """A consumer of several partitions of one topic, as `watch` is, with the clock of a test."""

    engine: Engine
    knowledge: Knowledge = field(default_factory=known)
    partitions: int = 2
    first: int = 0  # of its partitions
    now: datetime = NOON
    memory: MinuteMemory = field(default_factory=MinuteMemory)
    next: dict[int, int] = field(default_factory=dict)
    templates: Templates | None = None

    def __post_init__(self) -> None:
        self.topic, _ = topic_number(self.engine, "logs", "incarnation-1", now=NOON)
        own = range(self.first, self.first + self.partitions)
        begun = start_positions(self.engine, {(self.topic, number): 0 for number in own}, now=NOON)
        self.next = {number: begun[self.topic, number] for number in own}

    def raw(self, held: Sequence[tuple[int, bytes]], idle: Iterable[int] = ()) -> RawBatch:
        """Messages in the order of reading, each with its partition."""
        offsets, before = [], dict(self.next)
        for partition, _ in held:
            offsets.append(self.next[partition])
            self.next[partition] += 1
        read = {partition for partition, _ in held}
        silent = frozenset((self.topic, one) for one in idle if one not in read)
        touched = [(self.topic, one) for one in sorted(read)] + sorted(silent)
        return RawBatch(
            [self.topic] * len(held),
            [partition for partition, _ in held],
            offsets,
            [value for _, value in held],
            {place: before[place[1]] for place in touched},
            {place: self.next[place[1]] for place in touched},
            idle=silent,
            ours=frozenset((self.topic, one) for one in self.next),
        )

    def take(self, held: Sequence[tuple[int, bytes]], idle: Iterable[int] = ()) -> Folded:
        """Decide about a batch, as of now, and store it."""
        raw = self.raw(held, idle)
        judged = judge(raw, self.knowledge, Stopwatch(), now=self.now, templates=self.templates)
        store = BatchStore(self.engine)
        memory, self.memory = self.memory, MinuteMemory()
        folded, self.memory = store_batch(store, judged, self.knowledge, memory, now=self.now, templates=self.templates)
        return folded

    def restart(self) -> None:
        """Forget what a process remembers."""
        self.memory = MinuteMemory()
        if self.templates is not None:
            self.templates = Templates.of(self.engine)

    def acts(self, number: int) -> None:
        """What `on-call` writes when it reserves a plan."""
        with transaction(self.engine) as connection:
            answers.move(connection, number, State.ACTING)
            note(connection, LedgerKind.ACTION_RESERVED, number, {"kind": "restart"}, now=self.now)

    def open_incidents(self) -> list[int]:
        with transaction(self.engine) as connection:
            query = sa.select(incidents.c.id).where(incidents.c.state.in_(OPEN_STATES)).order_by(incidents.c.id)
            return list(connection.scalars(query))

    def acknowledge(self, number: int) -> None:
        acknowledge(self.engine, number, by="ann", now=self.now)

    def resolve(self, number: int) -> None:
        close_by_hand(self.engine, number, by="ann", now=self.now)


def lines(rng: random.Random, at: datetime, many: int, *, faulty: float) -> list[tuple[int, bytes]]:
    """Logs about a moment, of which so large a share tells of a fault, each with its partition."""
    found = []
    for number in range(many):
        second = at + timedelta(milliseconds=rng.randrange(-2_000, 1_000))
        fields: dict[str, object] = {"metrics": {"queue_depth": 20 + rng.randrange(5), "cpu": rng.random()}}
        if rng.random() < faulty:
            fields |= rng.choice(FAULTS)
        log = a_log(timestamp=second.isoformat(), service=rng.choice(SERVICES), request_id=f"r{number}", **fields)
        found.append((rng.randrange(2), log))
    return found


def live_stream(engine: Engine, seed: int, batches: int = 60, **changes: Any) -> Live:
    """A random stream: bursts of faults, pauses, people who answer, processes that restart, a model that changes."""
    rng, live = random.Random(seed), Live(engine, **changes)
    for _ in range(batches):
        live.now += timedelta(seconds=rng.choice((1, 2, 5, 20, 70)), microseconds=rng.randrange(1_000_000))
        faulty = rng.choice((0.0, 0.0, 0.02, 0.5))
        live.take(lines(rng, live.now, rng.randrange(1, 25), faulty=faulty), idle=rng.choice(((), (), (0, 1))))
        answer(rng, live)
        if rng.random() < 0.05:
            live.restart()
    return live


def answer(rng: random.Random, live: Live) -> None:
    """What people do, now and then, in between."""
    live.now += timedelta(microseconds=1 + rng.randrange(1_000))
    numbers = live.open_incidents()
    if numbers and rng.random() < 0.2:
        (live.acknowledge if rng.random() < 0.5 else live.resolve)(rng.choice(numbers))
    live.now += timedelta(microseconds=1 + rng.randrange(1_000))


def none_registered(version: int) -> Champion:
    raise BadInput(f"version {version} is not registered")


def replayed(
    engine: Engine,
    since: datetime = BEGIN,
    until: datetime = END,
    *,
    changes: Changes = Changes(),  # noqa: B008 - frozen
    models: dict[int, Champion] | None = None,
) -> Replayed:
    """What a replay in this process comes to."""
    load = none_registered if models is None else models.__getitem__
    recalled = Recalled(engine, load, changes)
    return replay(engine, recalled, since, until, lambda pieces: (rejudge(engine, recalled, one) for one in pieces))


def with_settings(**branches: dict[str, object]) -> Changes:
    """Other settings, each branch with some of its values changed."""
    return Changes(settings=changed(known().settings, branches))


def told(found: Replayed) -> list[str]:
    """What differs, in words."""
    return [one.told for one in found.differences.found]


def rows_of(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is stored."""
    with engine.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def decided_by(version: int, detector: object) -> Knowledge:
    """What decides, with a champion."""
    return replace(known(), champion=Champion(detector, version))  # type: ignore[arg-type]  # as the registry has it


def minutes_of(rng: random.Random, minute: int, *, broken: bool) -> list[tuple[int, bytes]]:
    """Three logs of each service in a minute; of a broken one a queue is full and a service is silent."""
    found = []
    for second in (1, 15, 29, 43, 57):
        for service in SERVICES:
            if broken and service == "cache":
                continue
            at = NOON + minute * MINUTE + timedelta(seconds=second, milliseconds=rng.randrange(999))
            depth = 900 if broken and service == "db" else 20 + (minute * 7) % 5 + second % 3
            text = f"order {rng.randrange(10**6)} was stored" if rng.random() < 0.5 else "all is well"
            log = a_log(timestamp=at.isoformat(), service=service, message=text, metrics={"queue_depth": depth})
            found.append((rng.randrange(2), log))
    return found
