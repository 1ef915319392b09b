"""How logs come in, for `sre status`: what Kafka holds, what the store has of it, and whether `watch` reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.kafka.edges import Edges, NoTopicError, topic_edges
from adapters.kafka.embedded import incarnation_file, topic_identity
from adapters.store.intake import Intake, intake
from adapters.store.opening import open_database
from adapters.store.watch_signs import readers
from domain.amounts import ago, counted, number, share
from domain.errors import SreError
from domain.settings import Settings

ANSWER_SECONDS = 3.0
LATELY = timedelta(minutes=1)  # what rates are of
SILENT = timedelta(seconds=30)  # `watch` says every few seconds that it reads
STUCK = timedelta(minutes=1)  # without a stored log although some wait
Shares = Mapping[str, frozenset[int]]
NOTHING = Intake((), {}, None, 0, 0)


@dataclass(frozen=True, slots=True)
class Seen:
    """What Kafka and the store say about the topic; an ailment is empty when the one asked answered."""

    kafka_ailment: str = ""
    topic_ailment: str = ""
    store_ailment: str = ""
    edges: Edges = field(default_factory=dict)
    intake: Intake = NOTHING
    readers: Shares = field(default_factory=dict)  # the partitions that each member of `watch` lately said it has


def ask(settings: Settings, *, now: datetime) -> Seen:
    """Ask both; whoever does not answer costs a few seconds and nothing else."""
    kafka_ailment = topic_ailment = store_ailment = ""
    read_by: Shares = {}
    edges: Edges = {}
    stored = NOTHING
    try:
        edges = topic_edges(settings.kafka, ANSWER_SECONDS)
    except NoTopicError as error:
        topic_ailment = str(error)
    except SreError as error:
        kafka_ailment = str(error)
    try:
        stored, read_by = _from_store(settings, now=now)
    except SreError as error:
        store_ailment = str(error)
    return Seen(kafka_ailment, topic_ailment, store_ailment, edges, stored, read_by)


def _from_store(settings: Settings, *, now: datetime) -> tuple[Intake, Shares]:
    engine = open_database(settings.store.url.get_secret_value(), settings.encryption, settings.store.files)
    try:
        topic = settings.kafka.topic
        return intake(engine, topic, since=now - LATELY), readers(engine, topic, since=now - SILENT)
    finally:
        engine.dispose()


def behind(seen: Seen) -> int:
    """Logs that Kafka holds and the store does not have yet."""
    offsets = seen.intake.offsets
    return sum(
        max(0, next_one - max(offsets[partition], oldest))
        for partition, (oldest, next_one) in seen.edges.items()
        if partition in offsets
    )


def trouble(seen: Seen, *, now: datetime) -> str:
    """Why logs do not come in; empty when they do, or none are there."""
    if seen.store_ailment:
        return f"unknown: {seen.store_ailment}"
    if seen.kafka_ailment:
        return "nothing is read while Kafka does not answer"
    if seen.topic_ailment:
        return seen.topic_ailment
    if not seen.readers:
        return f"`watch` has not said for {SILENT.total_seconds():.0f} s that it reads: see its run in Prefect"
    last = seen.intake.last_at
    if behind(seen) and last is not None and now - last > STUCK:
        return f"nothing is stored although {counted(behind(seen), 'log')} wait: see `watch` in the agent's log"
    return ""


def told(seen: Seen, *, now: datetime) -> str:
    """Age of the newest stored log, lag, rate and share of what could not be read."""
    if seen.store_ailment:
        return ""
    found = seen.intake
    age = f"last stored {ago(now - found.last_at)}" if found.last_at else "no log stored yet"
    lag = [f"{counted(behind(seen), 'log')} behind"] if seen.edges else []
    rate = f"{number((found.logs + found.rejected) / LATELY.total_seconds())} a second in the last minute"
    whole = found.logs + found.rejected
    bad = [f"{share(found.rejected / whole)} of them unreadable (`sre dead-letters`)"] if found.rejected else []
    return ", ".join([age, *lag, rate, *bad])


def read_by(seen: Seen, member: str) -> str:
    """Which partitions a member reads; that one says nothing costs nothing while the others have its partitions."""
    if seen.store_ailment:
        return ""
    if found := seen.readers.get(member):
        return f"reads {counted(len(found), 'partition')}: {', '.join(map(str, sorted(found)))}"
    unread = seen.edges.keys() - frozenset().union(*seen.readers.values())
    if unread or not seen.readers:
        return "reads no partition yet"
    return "reads no partition: the others have them all"


def replaced(home: Path, seen: Seen) -> str:
    """What to say when the embedded broker is another one than that of which logs are stored."""
    present = topic_identity(home)
    if not [known for known in seen.intake.incarnations if known != present]:
        return ""
    since = datetime.fromtimestamp(incarnation_file(home).stat().st_mtime, UTC)
    return f"a new broker since {since:%Y-%m-%d %H:%M} UTC: of what the last one held, only what was stored is left"
