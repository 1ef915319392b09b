"""What the habits of services make of a batch: each distinct line of a level from WARN on is judged once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.logs import Level, LogBatch
from domain.verdicts import Finding, Reason, silent

if TYPE_CHECKING:
    from ml.lines.habits import Habit, LineHabits
    from ml.lines.reading import Reading

# Of a flood of different lines a batch has time for the first ones: so many, and so many characters of the first
# thousand of each, at 0.1 ms a line. Rules judge the others.
MOST_JUDGED, MOST_CHARACTERS = 4_000, 400_000
LONGEST = 1000
# So many answers are kept of a model.
MOST_KEPT = 50_000

Answers = dict[tuple[int, int, "Reading"], "Habit"]


def by_habit(
    batch: LogBatch, habits: LineHabits, codes: NDArray[np.intp], said: Finding, kept: Answers
) -> tuple[Finding, Finding]:
    """What is left of the finding `said` of words and levels, and what habits find.

    `codes`: row of each log's service in `habits.services_`, −1 for one whose habits are not known; `kept`: answers of
    this model so far, which grow.
    """
    found = silent(len(batch), Reason.HABIT)
    level = batch.frame["level"].to_numpy()
    rows = np.flatnonzero((codes >= 0) & (level >= Level.WARN))
    if not rows.size:
        return said, found
    rows, of, answers = _answers(batch, habits, codes, rows, kept)
    confidence, left, note = found.confidence.copy(), said.confidence.copy(), np.full(len(batch), -1, np.intp)
    confidence[rows] = np.array([one.confidence for one in answers], np.float32)[of]
    left[rows[np.array([one.replaces for one in answers], np.bool_)[of]]] = 0
    note[rows] = of
    levels = dict(zip(of.tolist(), level[rows].tolist(), strict=True))
    notes = tuple(numbers(Level(levels[at]), one) for at, one in enumerate(answers))
    return replace(said, confidence=left), replace(found, confidence=confidence, note=note, notes=notes)


def _answers(
    batch: LogBatch, habits: LineHabits, codes: NDArray[np.intp], rows: NDArray[np.intp], kept: Answers
) -> tuple[NDArray[np.intp], NDArray[np.intp], list[Habit]]:
    """The rows that are judged, the number of the answer for each, and the answers in order of their first rows."""
    frame = batch.frame.select(["message", "level"]).take(pa.array(rows))
    messages = frame["message"].combine_chunks().dictionary_encode()
    levels = frame["level"].to_numpy()
    texts = messages.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    keys = (texts * len(habits.services_) + codes[rows]) * len(Level) + levels
    _, first, of = np.unique(keys, return_index=True, return_inverse=True)
    # By the order in the batch, so that of too many the first are judged.
    order = np.argsort(first)
    place = np.empty(len(order), np.intp)
    place[order] = np.arange(len(order))
    chosen = first[order[:MOST_JUDGED]]
    told = pc.utf8_slice_codeunits(messages.dictionary.take(pa.array(texts[chosen])), 0, LONGEST)
    many = int(np.searchsorted(np.cumsum(pc.utf8_length(told).to_numpy()), MOST_CHARACTERS, side="right"))
    chosen, distinct = chosen[:many], told[:many].to_pylist()
    answers = [
        _answer(habits, row, level, message, kept)
        for row, level, message in zip(codes[rows[chosen]].tolist(), levels[chosen].tolist(), distinct, strict=True)
    ]
    judged = place[of] < many
    return rows[judged], place[of][judged], answers


def _answer(habits: LineHabits, row: int, level: int, message: str, kept: Answers) -> Habit:
    key = (row, level, habits.read(message))
    found = kept.get(key)
    if found is None:
        found = habits.judge(row, Level(level), message)
        if len(kept) >= MOST_KEPT:
            kept.clear()
        kept[key] = found
    return found


def numbers(level: Level, habit: Habit) -> Mapping[str, object]:
    """What a person is told of it; see `domain.evidence_words.because`."""
    found = {"level": level.name, "at_level": habit.at_level, "lines": habit.lines, "times": habit.times}
    called = {"called": "real" if habit.real else "false"} if habit.real or habit.false else {}
    return {**found, "usual": habit.usual, **called}
