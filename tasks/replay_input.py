"""What a replay is given: the batches of a time, how far minutes were judged, and what was decided then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.store.database import Connection, Engine, transaction
from adapters.store.minute_rows import MEMORY, MinuteRows
from adapters.store.question_rows import kept_questions
from adapters.store.stored_batches import StoredBatch, batches_between, judged_before
from adapters.store.stored_decisions import decisions, findings, quiet_before, ran
from domain.decided import Decided, Ran
from domain.minutes import NOTHING_CLOSED
from domain.questions import Kept

# How long before a time a replay of it begins at most, so that no incident is open when it does.
WARM_UP = timedelta(days=1)


class ReplayedMinutes(MinuteRows):
    """Stored minutes, of which a replay alone knows how far they were judged."""

    def __init__(self, judged: int) -> None:
        self.upto = self.last = judged
        self.remembered: dict[str, tuple[int, bytes]] = {}

    def at(self, connection: Connection, batch: StoredBatch) -> None:
        """Go on with a batch, with which minutes were judged."""
        super().__init__(connection, batch.now)
        self.upto = batch.judged if batch.judged is not None else self.last

    def fleet_closed(self) -> int:
        """As far as was judged with that batch."""
        return self.upto

    def judged(self) -> int:
        """The last minute that was judged here."""
        return self.last

    def set_judged(self, minute: int) -> None:
        """Minutes up to this one were judged."""
        self.last = minute

    def memory(self, name: str = MEMORY) -> tuple[int, bytes] | None:
        """What is remembered here: nothing at first, so that all stored minutes are folded."""
        return self.remembered.get(name)

    def keep_memory(self, minute: int, kept: bytes, name: str = MEMORY) -> None:
        """Keep it as long as the replay goes on."""
        if name != MEMORY:  # which its one reader holds
            self.remembered[name] = minute, kept


@dataclass(frozen=True)
class Span:
    """What is replayed: the batches of a time, those before it that it takes to know where they began, and facts."""

    since: datetime
    until: datetime
    batches: Sequence[StoredBatch]
    doubts: Sequence[str] = ()  # why it may come out otherwise, in words

    @property
    def wanted(self) -> list[StoredBatch]:
        """Those of the time itself."""
        return list(self.batches[self.begins :])

    @property
    def begins(self) -> int:
        """How many batches come before them."""
        return next((at for at, one in enumerate(self.batches) if one.now >= self.since), len(self.batches))


def span(engine: Engine, since: datetime, until: datetime) -> Span:
    """What a replay of a time takes."""
    with transaction(engine) as connection:
        earliest = since - WARM_UP
        begin = quiet_before(connection, since, earliest)
        held = batches_between(connection, begin, until)
        doubts = []
        if begin <= earliest:
            doubts.append("an incident was open for a day before; what it takes in may differ")
        if held and all(one.judged is None for one in held):
            doubts += _without_minutes(connection, held)
    return Span(since, until, held, doubts)


def _without_minutes(connection: Connection, held: Sequence[StoredBatch]) -> list[str]:
    first, last = (int(one.now.timestamp()) // 60 for one in (held[0], held[-1]))
    # Where those before them say it, none was judged with these.
    if judged_before(connection, held[0].id) is not None or not findings(connection, first - 60, last):
        return []
    return ["these batches do not say which minutes were judged with them: findings about minutes are left out"]


@dataclass(frozen=True)
class Then:
    """What was decided in a time, as it is stored."""

    decided: Decided
    ran: Sequence[Ran]
    questions: Sequence[Kept]

    @classmethod
    def of(cls, engine: Engine, held: Span) -> Then:
        """Read it."""
        judged = [one.judged for one in held.wanted if one.judged is not None]
        with transaction(engine) as connection:
            first = judged_before(connection, held.wanted[0].id)
            before = findings(connection, NOTHING_CLOSED if first is None else first + 1, max(judged)) if judged else []
            return cls(
                Decided(decisions(connection, [one.now for one in held.wanted]), before),
                ran(connection, held.since, held.until),
                kept_questions(connection, held.since, held.until),
            )
