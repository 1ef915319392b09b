"""Stored logs scored again: nothing of it depends on another log, so parts of a time go side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adapters.formats.spread import spread
from adapters.store.database import Engine, snapshot
from adapters.store.log_reader import read_again
from adapters.store.stored_batches import READ, StoredBatch, logs_of
from domain import decided
from domain.logs import SCHEMA, Level, LogBatch, Place
from domain.minutes import Steps
from domain.verdicts import Verdicts
from ml.habit_finding import MOST_CHARACTERS, MOST_JUDGED
from ml.minute_counts import closings
from ml.scoring import score
from tasks.judging import Knowledge
from tasks.recalling import Recalled

# So many logs are read and scored at once.
AT_ONCE = 60_000
MOST_EXAMPLES = 5


@dataclass(frozen=True)
class Rejudged:
    """Some batches that follow each other, scored again; it holds their anomalous logs alone."""

    batches: Sequence[StoredBatch]
    of: NDArray[np.int64]  # which of the batches each anomalous log is of; shape (n_anomalies,)
    rows: NDArray[np.int64]  # its row there
    batch: LogBatch
    verdicts: Verdicts
    steps: Mapping[int, Mapping[Place, Steps]]  # id of a batch with which minutes were judged -> where they closed
    compared: decided.Verdicts


def pieces(batches: Sequence[StoredBatch]) -> Iterator[list[StoredBatch]]:
    """Batches that follow each other and were decided by the same, so many that they are scored at once."""
    held: list[StoredBatch] = []
    many = 0
    for one in batches:
        alike = not held or (held[-1].knowledge, held[-1].fallback) == (one.knowledge, one.fallback)
        if held and (not alike or many + one.messages > AT_ONCE):
            yield held
            held, many = [], 0
        held.append(one)
        many += one.messages
    if held:
        yield held


@read_again
def rejudge(engine: Engine, recalled: Recalled, piece: Sequence[StoredBatch]) -> list[Rejudged]:
    """Score the stored logs of some batches again."""
    knowledge = recalled.of(piece[0].knowledge)
    with snapshot(engine) as connection:
        logs, of = logs_of(connection, piece)
    asked = recalled.changes.model is not None
    if len(piece) == 1 or not _is_flood(logs):
        return [_rejudged(piece, logs, of, knowledge, asked=asked)]
    # A model has time for so much of a batch; which part that is, each batch says for itself.
    edges = np.searchsorted(of, np.arange(len(piece) + 1))
    parts = zip(piece, edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    return [
        _rejudged([one], logs.slice(begin, end - begin), np.zeros(end - begin, np.int64), knowledge, asked=asked)
        for one, begin, end in parts
    ]


def _is_flood(logs: pa.Table) -> bool:
    """Whether these may be more different lines than a model judges of one batch."""
    texts = pc.unique(logs["message"].filter(pc.greater_equal(logs["level"], int(Level.WARN))))
    few = len(texts) * len(Level) <= MOST_JUDGED
    return not few or (pc.sum(pc.utf8_length(texts)).as_py() or 0) * len(Level) > MOST_CHARACTERS


def _rejudged(
    piece: Sequence[StoredBatch], logs: pa.Table, of: NDArray[np.int64], knowledge: Knowledge, *, asked: bool
) -> Rejudged:
    frame = _frame(logs)
    batch = LogBatch(frame, spread(frame["measured"], knowledge.metrics))
    verdicts = _verdicts(batch, knowledge, piece[0].fallback, asked=asked)
    anomalous = np.flatnonzero(verdicts.anomalous)
    edges = np.searchsorted(of, np.arange(len(piece) + 1))
    steps = {
        one.id: closings(frame.slice(edges[at], edges[at + 1] - edges[at]))
        for at, one in enumerate(piece)
        if one.judged is not None
    }
    return Rejudged(
        piece,
        of[anomalous],
        anomalous - edges[of[anomalous]],
        batch.take(pa.array(anomalous)),
        verdicts.take(anomalous),
        steps,
        _compared(logs, verdicts),
    )


def _frame(logs: pa.Table) -> pa.Table:
    """The logs as a batch has them; what no decision looks at is null."""
    columns = [logs[one.name] if one.name in READ else pa.nulls(len(logs), one.type) for one in SCHEMA]
    return pa.table(columns, schema=SCHEMA)


def _verdicts(batch: LogBatch, knowledge: Knowledge, fallback: str, *, asked: bool) -> Verdicts:
    """As it was judged: without its model where that gave no answer, unless somebody asks for another one."""
    champion = knowledge.champion if asked or not fallback else None
    detection = knowledge.settings.detection
    found = score(batch, champion, threshold=detection.confidence_threshold, enabled=detection.enabled)
    if champion is None and detection.enabled:
        found = replace(found, fallback=knowledge.without if asked else fallback)
    return found


def _compared(logs: pa.Table, verdicts: Verdicts) -> decided.Verdicts:
    """How the verdicts differ from the stored ones: in confidence, reason, model or anomaly."""
    before = logs["anomaly"].to_numpy(zero_copy_only=False)
    now = verdicts.anomalous
    other = before != now
    for name, found in (
        ("confidence", np.round(verdicts.confidence, 4)),
        ("reason", verdicts.reason),
        ("model", np.full(len(logs), verdicts.model, np.int32)),
    ):
        other |= logs[name].to_numpy() != found.astype(logs[name].type.to_pandas_dtype())
    if not other.any():
        return decided.Verdicts(len(logs))
    lost = logs.filter(pa.array(before & ~now))
    return decided.Verdicts(
        len(logs),
        int(other.sum()),
        _counted(logs.filter(pa.array(now & ~before))["service"]),
        _counted(lost["service"]),
        _counted(lost["incident_id"].drop_null()),
        _positions(logs.filter(pa.array(other)).slice(0, MOST_EXAMPLES)),
    )


def _counted(column: pa.ChunkedArray) -> Counter[Any]:
    found = pc.value_counts(column.combine_chunks())
    return Counter({one["values"].as_py(): one["counts"].as_py() for one in found})


def _positions(logs: pa.Table) -> list[str]:
    names = ("topic", "partition", "offset")
    return ["/".join(map(str, place)) for place in zip(*(logs[name].to_pylist() for name in names), strict=True)]
