"""Minutes between batches: what is open, what is over, and what judging them finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa

from adapters.store.minute_rows import MinuteRows
from domain.findings import MinuteFinding
from domain.logs import LogBatch, Place, RawBatch
from domain.minutes import NOTHING_CLOSED, Counted, OpenMinutes, Steps, together, turn
from ml.minute_counts import count
from ml.minute_detector import MinuteDetector, MinuteState
from tasks.held_minutes import HeldMinutes

# Minutes that one batch judges at most; what is left is judged with the next one.
AT_ONCE = 2_000
# What judging remembers is stored so often, in minutes; those since are folded into it again where it is read.
KEPT_EVERY = 30


@dataclass(frozen=True)
class MinuteMemory:
    """What one consumer holds of minutes after a commit."""

    open: Mapping[Place, OpenMinutes] = field(default_factory=dict)
    offsets: Mapping[Place, int] = field(default_factory=dict)  # as of which next offset that holds
    judged: int = NOTHING_CLOSED  # the last minute that `state` knows
    state: MinuteState | None = None
    kept: int = NOTHING_CLOSED  # the minute after which the state was stored last


@dataclass(frozen=True)
class Found:
    """One finding, and the log of the batch before which it is folded."""

    finding: MinuteFinding
    row: int


def turned(rows: MinuteRows | HeldMinutes, raw: RawBatch, counted: Counted, memory: MinuteMemory) -> MinuteMemory:
    """Add a batch to its partitions' open minutes, and store those that are over."""
    opened, judged = dict(memory.open), None
    for place, expected in sorted(raw.expected.items()):
        held = memory.open.get(place) if memory.offsets.get(place) == expected else None
        before = held if held is not None else opened_again(rows, place)
        steps = counted.steps.get(place)
        step = turn(before, counted.of(place), steps.last if steps else NOTHING_CLOSED)
        opened[place] = step.after
        if step.over or step.late:
            judged = rows.judged() if judged is None else judged
            rows.add(place, step.over, step.late, judged)
        if step.after.closed > before.closed or held is None or place in raw.idle:
            rows.set_closed(place, step.after.closed)
    return replace(memory, open=opened, offsets={**memory.offsets, **raw.following})


def opened_again(rows: MinuteRows | HeldMinutes, place: Place) -> OpenMinutes:
    """The minutes of a partition that are not over, counted anew from its stored logs."""
    closed = rows.closed(place)
    if closed == NOTHING_CLOSED:
        return OpenMinutes()
    logs, templates = rows.logs_after(place, closed)
    stored = count(LogBatch(logs, pa.table({})), templates)
    # Each of them was in time when it was stored, in whatever order it is read now.
    timely = stored.table.set_column(
        stored.table.column_names.index("late"), "late", pa.array([False] * len(stored.table))
    )
    return turn(OpenMinutes(closed), timely, closed).after


def found(
    rows: MinuteRows | HeldMinutes, steps: Mapping[Place, Steps], memory: MinuteMemory, detector: MinuteDetector
) -> tuple[list[Found], MinuteMemory]:
    """Judge the minutes that are over in every partition; whoever calls this is alone at it."""
    upto, judged = rows.fleet_closed(), rows.judged()
    if upto <= judged:
        return [], memory
    memory = caught_up(rows, memory, judged, detector)
    parts = rows.between(judged, upto)
    first = min(parts, default=upto) if judged == NOTHING_CLOSED else judged + 1
    upto = min(upto, first + AT_ONCE - 1)
    findings: list[Found] = []
    state = memory.state if memory.state is not None else detector.begin()
    for minute in range(first, upto + 1):
        seen, state = detector.find(state, minute, together(parts.get(minute, [])))
        row = max((one.row_of(minute) for one in steps.values()), default=-1)
        findings += [Found(one, row) for one in seen]
    rows.set_judged(upto)
    after = replace(memory, judged=upto, state=state)
    if upto - memory.kept >= KEPT_EVERY:
        rows.keep_memory(upto, detector.packed(state))
        after = replace(after, kept=upto)
    return findings, after


def caught_up(
    rows: MinuteRows | HeldMinutes, memory: MinuteMemory, judged: int, detector: MinuteDetector
) -> MinuteMemory:
    """The memory as of the last judged minute, whoever judged it."""
    if memory.judged == judged:
        return memory
    state, begin, kept = memory.state, memory.judged, memory.kept
    if state is None or begin > judged:
        stored = rows.memory()
        begin, state = (stored[0], detector.unpacked(stored[1])) if stored else (NOTHING_CLOSED, detector.begin())
        kept = begin
    parts = rows.between(begin, judged)
    first = min(parts, default=judged) if begin == NOTHING_CLOSED else begin + 1
    for minute in range(first, judged + 1):
        _, state = detector.find(state, minute, together(parts.get(minute, [])))
    return replace(memory, judged=judged, state=state, kept=kept)
