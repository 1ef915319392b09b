"""From verdicts to the anomalies that incidents are made of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.findings import OF_TEXTS, MinuteFinding, minute_at
from domain.folded import Anomaly, Name
from domain.incidents import Evidence, Kind, Severity
from domain.logs import Level, LogBatch
from domain.minutes import Measured
from domain.templates import template
from domain.verdicts import Abnormal, Reason, Verdicts
from ml.rules import words_of

LONGEST_EVIDENCE = 500
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BY_LEVEL = tuple(
    {Level.CRITICAL: Severity.CRITICAL, Level.ERROR: Severity.HIGH}.get(level, Severity.MEDIUM) for level in Level
)
# Looking a member up by its name is slow, and there may be a hundred thousand logs.
_ERROR, _LOG, _METRIC = int(Level.ERROR), Kind.LOG, Kind.METRIC
_LEARNED = frozenset(map(int, (Reason.DEVIATION, Reason.HABIT, Reason.JOINTLY)))


class Log(NamedTuple):
    """One anomalous log."""

    row: int  # in its batch
    service: str
    message: str
    at: datetime
    level: int
    request_id: str | None


def anomalies(batch: LogBatch, verdicts: Verdicts) -> list[Anomaly]:
    """The anomalous logs of a batch, in order."""
    rows = np.flatnonzero(verdicts.anomalous)
    if not rows.size:
        return []
    messages = batch.frame["message"].take(pa.array(rows)).combine_chunks().dictionary_encode()
    distinct = messages.dictionary
    words = words_of(distinct)
    templates = [template(message) for message in distinct.to_pylist()]
    codes = messages.indices.to_pylist()
    return [
        _anomaly(log, verdicts, text=templates[code], word=words[code])
        for code, log in zip(codes, _logs(batch, rows), strict=True)
    ]


def _logs(batch: LogBatch, rows: NDArray[np.intp]) -> Iterator[Log]:
    frame = batch.frame.select(["service", "message", "timestamp", "level", "request_id"]).take(pa.array(rows))
    # A sum is ten times as fast as what a column of times gives by itself.
    times = (EPOCH + timedelta(microseconds=at) for at in frame["timestamp"].cast(pa.int64()).to_pylist())
    services, messages = frame["service"].to_pylist(), frame["message"].to_pylist()
    levels, ids = frame["level"].to_pylist(), frame["request_id"].to_pylist()
    return map(Log, rows.tolist(), services, messages, times, levels, ids)


def _anomaly(log: Log, verdicts: Verdicts, *, text: str, word: str) -> Anomaly:
    names = _names(text, verdicts.abnormal.get(log.row, ()))
    # A metric's deviation shows on whatever message comes by, so it names what does not say itself that it failed.
    by_text = len(names) == 1 or (word != "" and log.level >= _ERROR)
    return Anomaly(
        row=log.row,
        service=log.service,
        names=names,
        called=names[0] if by_text else names[1],
        level=log.level,
        at=log.at,
        severity=BY_LEVEL[log.level],
        detector=_detector(verdicts, log.row),
        confidence=round(float(verdicts.confidence[log.row]), 4),
        evidence=partial(evidence, verdicts, log, word),
    )


def _names(text: str, abnormal: tuple[Abnormal, ...]) -> tuple[Name, ...]:
    """By its text first, which is the most particular, then by each abnormal metric."""
    if not abnormal:
        return (Name(_LOG, text),)
    surest = abnormal[0]
    metrics = (Name(_METRIC, f"{one.metric} {one.direction}", one.metric, one.direction) for one in abnormal)
    return (Name(_LOG, text, surest.metric, surest.direction), *metrics)


def _detector(verdicts: Verdicts, row: int) -> str:
    if int(verdicts.reason[row]) in _LEARNED:
        return f"model {verdicts.model}"
    if verdicts.model:
        return "rules"
    return f"rules, {verdicts.fallback}" if verdicts.fallback else "rules"


def evidence(verdicts: Verdicts, log: Log, word: str) -> Evidence:
    """What one anomalous log says for its incident."""
    numbers = dict(verdicts.numbers(log.row))
    reason = Reason(int(verdicts.reason[log.row]))
    if reason in (Reason.WORDS, Reason.TOGETHER) or (reason is Reason.HABIT and word):
        numbers["word"] = word
    if abnormal := verdicts.abnormal.get(log.row):
        numbers["abnormal"] = ", ".join(f"{one.metric} {one.direction}" for one in abnormal)
    message = log.message[:LONGEST_EVIDENCE]
    return Evidence(log.at, log.level, log.request_id, message, reason.name, numbers)


# A service that fails or falls silent is worse than a number that is not as usual.
LEVELS_OF_MINUTES = dict.fromkeys(
    ((Measured.ERRORS, "high"), (Measured.LOGS, "low"), (Measured.SESSIONS, "high")), Level.ERROR
)


def of_minute(found: MinuteFinding, row: int, words: str = "") -> Anomaly:
    """One finding about a minute, and what no number says of it.

    `row`: the log of the batch before which it is folded.
    """
    level = LEVELS_OF_MINUTES.get((found.measured, found.direction), Level.WARN)
    name = Name(_METRIC, f"{found.subject} {found.direction}", found.subject, found.direction)
    return Anomaly(
        row=row,
        service=found.service,
        names=(name,),
        called=name,
        level=int(level),
        at=minute_at(found.minute + 1),  # it was like that until then
        severity=BY_LEVEL[level],
        detector="minutes",
        confidence=round(found.confidence, 4),
        evidence=partial(minute_evidence, found, int(level), words),
        minute=found,
    )


def minute_evidence(found: MinuteFinding, level: int, words: str = "") -> Evidence:
    """What a minute says for its incident."""
    numbers: dict[str, object] = {
        "confidence": round(found.confidence, 4),
        "text" if found.measured in OF_TEXTS else "metric": found.subject,
        "value": round(found.value, 6),
        "normal": round(found.normal, 6),
        "spread": round(found.spread, 6),
        "p_value": found.p_value,
        "since": f"{minute_at(found.since):%H:%M}",
    }
    message = f"in the minute from {found.begins_at:%H:%M} on" + (f": {words}" if words else "")
    return Evidence(found.begins_at, level, None, message[:LONGEST_EVIDENCE], Reason.MINUTE.name, numbers)
