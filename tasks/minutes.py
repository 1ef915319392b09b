"""Minutes between batches: what is open, what is over, and what judging them finds."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from adapters.store.minute_rows import MinuteRows
from domain.errors import Refused
from domain.findings import MinuteFinding
from domain.logs import LogBatch, Place, RawBatch
from domain.minutes import COUNTED, NOTHING_CLOSED, Counted, Measured, OpenMinutes, Steps, together, turn
from domain.sessions import AbnormalSession
from ml.minute_counts import count
from ml.minute_detector import FLEET_SILENT, MinuteDetector, MinuteState
from ml.mixes import Current
from ml.session_detector import SessionDetector
from tasks.held_minutes import HeldMinutes
from tasks.sessions import SessionMemory, Sessions, in_words

log = logging.getLogger(__name__)

# Minutes that one batch judges at most, and rows of them, after which it stops: what is left is judged with the next
# batches that close one. A hundred thousand services make about a million rows a minute.
AT_ONCE, ROWS_AT_ONCE = 2_000, 5_000_000
# What judging remembers is learned anew from so many minutes where it cannot be read.
LEARNED_ANEW = 180
# So many minutes are read at once.
TOGETHER = 10
# What judging remembers is stored so often, in minutes; those since are folded into it again where it is read.
KEPT_EVERY = 30


@dataclass(frozen=True)
class MinuteMemory:
    """What one consumer holds of minutes after a commit."""

    open: Mapping[Place, OpenMinutes] = field(default_factory=dict)
    offsets: Mapping[Place, int] = field(default_factory=dict)  # as of which next offset that holds
    ours: frozenset[Place] = frozenset()  # places of which it was said that they have a reader
    judged: int = NOTHING_CLOSED  # the last minute that `state` knows
    state: MinuteState | None = None
    kept: int = NOTHING_CLOSED  # the minute after which the state was stored last
    sessions: SessionMemory = field(default_factory=SessionMemory)


@dataclass(frozen=True)
class Found:
    """One finding, and the log of the batch before which it is folded."""

    finding: MinuteFinding
    row: int
    words: str = ""  # what of it no number says; it may quote logs


@dataclass(frozen=True)
class Over:
    """What was found about minutes that are over."""

    findings: Sequence[Found] = ()
    sessions: Sequence[AbnormalSession] = ()


def turned(rows: MinuteRows | HeldMinutes, raw: RawBatch, counted: Counted, memory: MinuteMemory) -> MinuteMemory:
    """Add a batch to its partitions' open minutes, and store those that are over."""
    opened, judged = dict(memory.open), None
    if new_topics := {topic for topic, _ in raw.ours} - {topic for topic, _ in memory.ours}:
        _end_left_behind(rows, new_topics)
    new = raw.ours - memory.ours - raw.expected.keys()
    stored = rows.closed([*raw.expected, *new])
    for place in sorted(new):
        # Nothing came of it yet; until its reader had time to get there, no minute is over without it.
        rows.set_closed(place, stored.get(place, NOTHING_CLOSED))
    for place, expected in sorted(raw.expected.items()):
        closed = stored.get(place, NOTHING_CLOSED)
        held = memory.open.get(place) if memory.offsets.get(place) == expected else None
        # Where another reader had the place meanwhile and nothing came of it, its minutes were closed all the same.
        known = held is not None and held.closed == closed
        before = held if held is not None and known else opened_again(rows, place, closed)
        steps = counted.steps.get(place)
        step = turn(before, counted.of(place), steps.last if steps else NOTHING_CLOSED)
        opened[place] = step.after
        if step.over or step.late:
            judged = rows.judged() if judged is None else judged
            ends = {minute: steps.end_of(minute) for minute in step.over} if steps else {}
            rows.add(place, step, judged, ends)
        if step.after.closed > before.closed or not known or place in raw.idle:
            rows.set_closed(place, step.after.closed)
    return replace(memory, open=opened, offsets={**memory.offsets, **raw.following}, ours=raw.ours)


def _end_left_behind(rows: MinuteRows | HeldMinutes, topics: Collection[int]) -> None:
    """Count what was open where a topic was made again, as the embedded broker does when it starts: it is over."""
    for place, closed in rows.left_behind(topics).items():
        before = opened_again(rows, place, closed)
        last = pc.max(before.rows["minute"]).as_py() or closed
        rows.add(place, turn(before, COUNTED.empty_table(), last), rows.judged(), {})
        rows.end(place, last)


def opened_again(rows: MinuteRows | HeldMinutes, place: Place, closed: int) -> OpenMinutes:
    """The minutes of a partition after `closed`, which are not over, counted anew from its stored logs."""
    if closed == NOTHING_CLOSED:
        return OpenMinutes()
    logs, templates = rows.logs_after(place, closed)
    stored = count(LogBatch(logs, pa.table({})), templates)
    # Each of them was in time when it was stored, in whatever order it is read now.
    of_order = pc.equal(stored.table["measured"], int(Measured.LATE))
    stored = replace(stored, table=stored.table.filter(pc.invert(of_order)))
    timely = stored.table.set_column(
        stored.table.column_names.index("late"), "late", pa.nulls(len(stored.table), pa.bool_()).fill_null(False)
    )
    return turn(OpenMinutes(closed), timely, closed).after


def found(
    rows: MinuteRows | HeldMinutes,
    steps: Mapping[Place, Steps],
    memory: MinuteMemory,
    detector: MinuteDetector,
    of_sessions: SessionDetector | None = None,
    current: Current | None = None,
) -> tuple[Over, MinuteMemory]:
    """Judge the minutes that are over in every partition; whoever calls this is alone at it.

    `current`: what templates are called now.
    """
    upto, judged = rows.fleet_closed(), rows.judged()
    if upto <= judged:
        return Over(), memory
    memory = caught_up(rows, memory, judged, detector, current)
    sessions = resumed(rows, memory, judged, of_sessions) if of_sessions is not None else None
    state = memory.state if memory.state is not None else detector.begin()
    findings: list[Found] = []
    abnormal: list[AbnormalSession] = []
    many = 0
    for read, (minute, whole) in enumerate(each_minute(rows, judged, upto), start=1):
        seen, state = detector.find(state, minute, whole, current)
        row = max((one.row_of(minute) for one in steps.values()), default=-1)
        findings += [Found(one, row) for one in seen]
        if sessions is not None:
            ended = sessions.take(minute, whole)
            findings += [Found(one, row, in_words(one, ended.abnormal)) for one in ended.minutes]
            abnormal += ended.abnormal
        if read >= AT_ONCE or (many := many + len(whole)) >= ROWS_AT_ONCE:
            upto = minute
            break
    rows.set_judged(upto)
    after = replace(memory, judged=upto, state=state)
    if upto - memory.kept >= KEPT_EVERY:
        rows.keep_memory(upto, detector.packed(state))
        after = replace(after, kept=upto)
    if sessions is not None:
        after = replace(after, sessions=sessions.after(upto))
    return Over(findings, abnormal), after


def resumed(rows: MinuteRows | HeldMinutes, memory: MinuteMemory, judged: int, detector: SessionDetector) -> Sessions:
    """The fold over sessions as of the last judged minute, whoever judged it."""
    sessions = Sessions(rows, detector, memory.sessions)
    for minute, whole in each_minute(rows, sessions.resume(judged), judged):
        sessions.take(minute, whole)
    return sessions


def each_minute(rows: MinuteRows | HeldMinutes, after: int, upto: int) -> Iterator[tuple[int, pa.Table]]:
    """Minutes after `after` and up to `upto` with what the fleet did in each, few of them in memory at once.

    Left out are those that come so long after the last one with a log that nothing is judged in them.
    """
    at = heard = after
    while at < upto:
        if at - heard >= FLEET_SILENT + TOGETHER or at == NOTHING_CLOSED:
            following = rows.next_minute(at, upto)
            if following is None:
                return
            at = heard = following - 1
        end = min(at + TOGETHER, upto)
        parts = rows.between(at, end)
        heard = max(parts, default=heard)
        yield from ((minute, together(parts.get(minute, []))) for minute in range(at + 1, end + 1))
        at = end


def caught_up(
    rows: MinuteRows | HeldMinutes,
    memory: MinuteMemory,
    judged: int,
    detector: MinuteDetector,
    current: Current | None = None,
) -> MinuteMemory:
    """The memory as of the last judged minute, whoever judged it."""
    if memory.judged == judged:
        return memory
    state, begin, kept = memory.state, memory.judged, memory.kept
    if state is None or begin > judged:
        begin, state = remembered(rows, judged, detector)
        kept = begin
    for minute, whole in each_minute(rows, begin, judged):
        _, state = detector.find(state, minute, whole, current)
    return replace(memory, judged=judged, state=state, kept=kept)


def remembered(rows: MinuteRows | HeldMinutes, judged: int, detector: MinuteDetector) -> tuple[int, MinuteState]:
    """What was kept last of what judging remembers, and as of which minute."""
    stored = rows.memory()
    if stored is None:
        return NOTHING_CLOSED, detector.begin()
    try:
        return stored[0], detector.unpacked(stored[1])
    except Refused as error:
        # Another version may have kept it. Minutes that are stored teach what can be taught quickly.
        log.warning("minutes.learned-anew", extra={"error": str(error)})
        return max(NOTHING_CLOSED, judged - LEARNED_ANEW), detector.begin()
