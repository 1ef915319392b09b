"""A candidate and what decides now, over the same later logs: who would have paged better."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa

from adapters.formats.spread import spread
from adapters.store.training_history import Later
from domain.logs import SCHEMA, LogBatch
from ml.asking import Asking
from ml.promotion import Decision, Record, decide
from ml.rules import LIMITS
from ml.scoring import Champion
from ml.training import Trained
from ml.would_be import Deciding, Past, Replay
from tasks.judging import Knowledge

BATCH = 20_000
# Nobody waits for a batch here, and the machine may be busy with those of `watch`.
PATIENCE = 60.0


@dataclass(frozen=True)
class Judged:
    """Both records, and what follows from them."""

    candidate: Record
    present: Record  # of the champion, or of rules alone
    champion: int  # version, 0 where rules decide alone
    decision: Decision
    later: Later
    replay: Replay  # of the candidate


def judge(trained: Trained, champion: Champion | None, later: Later, knowledge: Knowledge) -> Judged:
    """What both would have done, by the live functions, and whether the candidate is promoted."""
    if trained.candidate is None:
        raise ValueError("nothing was fitted")
    candidate = Champion(trained.candidate, 1, Asking(PATIENCE))
    deciding = Deciding(
        knowledge.settings.detection.confidence_threshold, knowledge.rules, knowledge.classify, knowledge.inventory
    )
    present = champion and replace(champion, asking=Asking(PATIENCE))
    wanted = set(LIMITS) | set(candidate.detector.metrics_) | set(present.detector.metrics_ if present else ())
    ours, theirs = (Replay(model, deciding).run(past_of(later, wanted)) for model in (candidate, present))
    mine, others = ours.record(trained.seen), theirs.record(trained.seen)
    decision = decide(mine, others, has_champion=champion is not None, flagged_ratio=trained.flagged_ratio)
    return Judged(mine, others, champion.version if champion else 0, decision, later, ours)


def past_of(later: Later, wanted: set[str]) -> Iterator[Past]:
    """The later logs as batches for scoring, with the wanted metrics as columns."""
    for begin in range(0, len(later.logs), BATCH):
        rows = slice(begin, begin + BATCH)
        logs = later.logs.slice(begin, BATCH)
        yield Past(_batch(logs, wanted), later.usual[rows], later.incident[rows])


def _batch(logs: pa.Table, wanted: set[str]) -> LogBatch:
    columns = {
        one.name: logs[one.name] if one.name in logs.column_names else pa.nulls(len(logs), one.type) for one in SCHEMA
    }
    return LogBatch(pa.table(columns, schema=SCHEMA), spread(logs["measured"], wanted))
