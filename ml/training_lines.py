"""Lines and labels for a training, from stored logs and what became of their incidents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pandas as pd

from domain.alarm_verdicts import Said
from domain.logs import Level
from ml.lines.reading import Line, read

# Columns of a frame of lines, beside TIME and SERVICE of `ml.training`; see them.
LEVEL, MESSAGE, SAID = "(level)", "(message)", "(said)"
# Of more lines the newest are learned from: reading one takes 50 µs.
MOST_LINES = 200_000


def as_lines(frame: pd.DataFrame, *, time: str, service: str) -> list[Line]:
    """The lines of a frame in its order; `time` and `service` are the names of those columns."""
    seconds = (frame[time] - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    columns = (frame[service], frame[LEVEL], frame[MESSAGE], seconds)
    return [
        Line(name, Level(int(level)).name, message, at=at)
        for name, level, message, at in zip(*(column.tolist() for column in columns), strict=True)
    ]


def labels_of(lines: Sequence[Line], said: Sequence[int]) -> list[int | None]:
    """1 for lines of real incidents, 0 for those of false alarms, None for all others.

    What people say of one incident outweighs that another one with the same text was confirmed: nobody calls each of
    a hundred alike false.
    """
    texts = defaultdict[Said, set[tuple[str, str, str]]](set)
    keys = [(line.service, line.level, read(line.message).template) for line in lines]
    for key, each in zip(keys, said, strict=True):
        texts[Said(each)].add(key)
    found: list[int | None] = []
    for key, each in zip(keys, said, strict=True):
        doubtful = each == Said.CONFIRMED and key in texts[Said.FALSE] and key not in texts[Said.REAL]
        found.append(None if each == Said.NOTHING or doubtful else int(each != Said.FALSE))
    return found
