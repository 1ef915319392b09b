"""The whole chain of decisions over stored logs, on the clock of then and without effects.

What people and `on-call` did, which partitions were read and what a minute counted is given; what `on-call` asked
is asked again, and everything else is decided again, by the functions that decide live.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from adapters.store.canary_rows import known_runs
from adapters.store.database import Engine, transaction
from adapters.store.scratch import Scratch, openings_of
from adapters.store.stored_batches import StoredBatch, judged_before
from adapters.store.stored_decisions import given, sharp_watches
from domain.correlation import Fold
from domain.decided import Decided, Found, Verdicts
from domain.differences import Differences, compare
from domain.findings import MinuteFinding
from domain.folded import Anomaly
from domain.given import by_then
from domain.logs import Place, RawBatch
from domain.minutes import COUNTED, NOTHING_CLOSED, Counted, Steps
from ml.anomalies import anomalies
from tasks.asking_again import asked_again
from tasks.judging import Knowledge, with_idle
from tasks.minutes import MinuteMemory, Over, found
from tasks.recalling import Recalled
from tasks.rejudging import Rejudged, pieces
from tasks.replay_input import ReplayedMinutes, Span, Then, span
from tasks.storing import apart, in_order, worded
from tasks.templates import Templates

Progress = Callable[[int], None]  # logs since it was told last
Judge = Callable[[Sequence[Sequence[StoredBatch]]], Iterable[Sequence[Rejudged]]]  # piece by piece, in order


@dataclass(frozen=True)
class Replayed:
    """What came of a replay."""

    since: datetime
    until: datetime
    began: datetime | None  # the first batch that was decided again; None where there is none
    batches: int  # of the time
    logs: int
    stored: Decided
    decided: Decided
    differences: Differences
    seconds: float
    doubts: Sequence[str] = ()


class Replay:
    """One replay: batches in order, each decided from what those before it came to."""

    def __init__(self, engine: Engine, recalled: Recalled, held: Span) -> None:
        self.engine = engine
        self.recalled = recalled
        self.held = held
        self.scratch = Scratch()
        self.verdicts = Verdicts()
        self.found: list[MinuteFinding] = []
        self.memory = MinuteMemory()
        self.current = Templates.of(engine)
        nows = [one.now for one in held.batches]
        with transaction(engine) as connection:
            first = held.batches[0]
            before = judged_before(connection, first.id)
            self.minutes = ReplayedMinutes(NOTHING_CLOSED if before is None else before)
            self.given = given(connection, min(nows), max(nows), nows)
            self.about = openings_of(connection, self.given)
            self.watches = sharp_watches(connection, max(nows))

    def take(self, scored: Rejudged) -> None:
        """Some batches more."""
        seen: list[list[Anomaly]] = [[] for _ in scored.batches]
        for at, row, one in zip(
            scored.of.tolist(), scored.rows.tolist(), anomalies(scored.batch, scored.verdicts), strict=True
        ):
            seen[at].append(replace(one, row=row))
        for batch, anomalous in zip(scored.batches, seen, strict=True):
            self._take(batch, anomalous, scored.steps.get(batch.id, {}))
        if scored.batches[-1].now >= self.held.since:
            self.verdicts.add(scored.compared)

    def _take(self, batch: StoredBatch, logs: list[Anomaly], steps: Mapping[Place, Steps]) -> None:
        knowledge = self.recalled.of(batch.knowledge)
        over = self._judged(batch, knowledge, steps) if batch.judged is not None else Over()
        seen = apart(in_order(logs, over.findings, knowledge.rules), self._sent)
        if batch.now >= self.held.since:
            self.found += [one.finding for one in over.findings]
        if not seen:
            return
        self._take_given(batch)
        services = frozenset(one.service for one in seen)
        since = min(one.at for one in seen)
        stored = self.scratch.known(services, knowledge.rules, since=since, now=batch.now)
        fold = Fold(
            stored, rules=knowledge.rules, classify=knowledge.classify, inventory=knowledge.inventory, now=batch.now
        )
        self.scratch.save(fold.run(seen), now=batch.now)

    def _judged(self, batch: StoredBatch, knowledge: Knowledge, steps: Mapping[Place, Steps]) -> Over:
        """The minutes that were judged with a batch."""
        if knowledge.minutes is None:
            return Over()
        counted = with_idle(Counted(COUNTED.empty_table(), steps), _raw(batch), batch.now)
        with transaction(self.engine) as connection:
            self.minutes.at(connection, batch)
            over, self.memory = found(
                self.minutes, counted.steps, self.memory, knowledge.minutes, knowledge.sessions, self.current.current
            )
        return worded(over, self.current)

    def _sent(self, runs: Iterable[str]) -> frozenset[str]:
        with transaction(self.engine) as connection:
            return known_runs(connection, runs)

    def _take_given(self, batch: StoredBatch) -> None:
        """What people, `on-call` and watches did before the batch looked."""
        due = [row for row in self.watches if row["since"] <= batch.now]
        self.scratch.watch(due)
        self.watches = self.watches[len(due) :]
        while self.given and by_then(self.given[0], after_entry=batch.after_entry, now=batch.now):
            entry = self.given.pop(0)
            about = self.about.get(entry.incident_id or 0)
            if about is not None:
                self.scratch.take(about, entry, now=entry.at)

    def outcome(self, then: Then) -> tuple[Decided, Differences]:
        """What is decided now, and what of it differs from what was."""
        nows = [one.now for one in self.held.wanted]
        now = Decided(self.scratch.decisions(nows), [_found(one) for one in self.found])
        found = compare(then.decided, now, self.verdicts, then.ran)
        others, alike = asked_again(then.questions, self.recalled)
        return now, replace(found, found=[*found.found, *others], same={**found.same, **alike})


def replay(
    engine: Engine,
    recalled: Recalled,
    since: datetime,
    until: datetime,
    judge: Judge,
    tell: Progress = lambda _: None,
) -> Replayed:
    """Decide about the stored logs of a time again; nothing is written.

    `judge` scores pieces of it, perhaps side by side, and gives them in order. Raises Unavailable, Refused, BadInput.
    """
    return replays(engine, [recalled], since, until, judge, tell)[0]


def replays(
    engine: Engine,
    recalled: Sequence[Recalled],
    since: datetime,
    until: datetime,
    judge: Judge,
    tell: Progress = lambda _: None,
) -> list[Replayed]:
    """The same by each of what is recalled, over logs that are scored once: all of it must score them alike."""
    begun = time.perf_counter()
    held = span(engine, since, until)
    if not held.wanted:
        nothing = compare(Decided(), Decided(), Verdicts())
        return [Replayed(since, until, None, 0, 0, Decided(), Decided(), nothing, 0.0, held.doubts) for _ in recalled]
    runs = [Replay(engine, one, held) for one in recalled]
    try:
        for scored in judge(_in_pieces(held)):
            for one in scored:
                for run in runs:
                    run.take(one)
                tell(one.compared.logs)
        then = Then.of(engine, held)
        return [_replayed(run, then, begun) for run in runs]
    finally:
        for run in runs:
            run.scratch.close()


def _replayed(run: Replay, then: Then, begun: float) -> Replayed:
    held = run.held
    decided, differ = run.outcome(then)
    return Replayed(
        held.since,
        held.until,
        held.batches[0].now,
        len(held.wanted),
        run.verdicts.logs,
        then.decided,
        decided,
        differ,
        time.perf_counter() - begun,
        [*held.doubts, *sorted(set(run.recalled.lost.values()))],
    )


def _in_pieces(held: Span) -> list[list[StoredBatch]]:
    """What comes before the time is in pieces of its own, so that its verdicts are not counted."""
    return [*pieces(held.batches[: held.begins]), *pieces(held.wanted)]


def _raw(batch: StoredBatch) -> RawBatch:
    """The batch as far as is known of it without its logs."""
    return RawBatch([], [], [], [None] * batch.messages, batch.first, batch.following, idle=batch.idle)


def _found(one: MinuteFinding) -> Found:
    return Found(one.minute, one.service, one.measured, one.name, one.direction, one.value, one.confidence)
