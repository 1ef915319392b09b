"""The rules: what counts as an anomaly where no model has learned what is normal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.logs import Level, LogBatch
from domain.verdicts import Finding, Reason, silent
from ml.failures import FAILURE_WORDS, NONE_OF, QUANTITY, STATE_WORDS, STATUS

# Confidence by level, without and with such words.
PLAIN = np.array([0, 0, 0, 0.2, 0.5, 0.6], np.float32)
WORDED = np.array([0, 0, 0.3, 0.75, 0.9, 0.95], np.float32)
# What words of failure are worth beside metrics that are higher than they should be, at levels at which they say
# nothing by themselves.
BESIDE = 0.5


@dataclass(frozen=True, slots=True)
class Limit:
    """A metric's value from which on it says something beside words, at which its confidence is 0.7, and 1."""

    strained: float
    doubtful: float
    certain: float


# By the metric's name; percentages are 0–100, ratios 0–1.
LIMITS: Mapping[str, Limit] = {
    "cpu_usage": Limit(75.0, 90.0, 100.0),
    "memory_usage": Limit(75.0, 90.0, 100.0),
    "disk_usage": Limit(85.0, 92.0, 100.0),
    "error_rate": Limit(0.02, 0.1, 0.5),
    "request_latency_ms": Limit(1_000.0, 5_000.0, 20_000.0),
}
AT_LIMIT = 0.7
# Metrics that say less than this make no anomaly beside a word at a low level.
SAYS_ENOUGH = 0.4


def words(batch: LogBatch) -> Finding:
    """Confidence from the level and from words of failure in the message."""
    level = batch.frame["level"].to_numpy()
    # Below WARN words alone never make an anomaly, so only the rest is searched.
    suspicious = np.flatnonzero(level >= Level.WARN)
    confidence = PLAIN[level]
    if suspicious.size:
        messages = batch.frame["message"].take(pa.array(suspicious))
        found = _failing(messages)
        stated = np.flatnonzero(~found & (level[suspicious] >= Level.ERROR))
        found[stated] = _holding(messages.take(pa.array(stated)), STATE_WORDS)
        worded = suspicious[found]
        confidence[worded] = WORDED[level[worded]]
    nothing = silent(len(batch), Reason.WORDS)
    return Finding(confidence, Reason.WORDS, (), nothing.metric, nothing.value, nothing.normal, nothing.spread)


def _failing(messages: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Whether each message says that something failed, in words or by a code."""
    told = pc.replace_substring_regex(messages, NONE_OF, " ")
    return _holding(told, FAILURE_WORDS) | (_holding(told, STATUS) & ~_holding(told, QUANTITY))


def _holding(messages: pa.ChunkedArray, pattern: str) -> NDArray[np.bool_]:
    """Whether each message holds the pattern, case aside."""
    found = pc.match_substring_regex(messages, pattern, ignore_case=True)
    return np.array(found.to_numpy(zero_copy_only=False), np.bool_)


def words_of(messages: pa.Array) -> list[str]:
    """The first word of failure in each message, else of a bad state, or an empty text; in time linear in length."""
    if not len(messages):
        return []
    told = pc.replace_substring_regex(messages, NONE_OF, " ")
    failures, codes, states = (
        pc.struct_field(pc.extract_regex(told, f"(?i)(?P<word>{words})"), "word")
        for words in (FAILURE_WORDS, STATUS, STATE_WORDS)
    )
    codes = pc.if_else(pc.match_substring_regex(told, QUANTITY, ignore_case=True), None, codes)
    found: list[str] = pc.fill_null(pc.coalesce(failures, codes, states), "").to_pylist()
    return found


def word_of(message: str) -> str:
    """The first word of failure in one message, or an empty text."""
    return words_of(pa.array([message]))[0]


def metric_column(batch: LogBatch, name: str) -> NDArray[np.float64]:
    """The metric's values, shape (n_logs,), NaN where a log does not carry it."""
    values: NDArray[np.float64] = batch.metrics[name].combine_chunks().to_numpy(zero_copy_only=False)
    return values


def beyond(values: NDArray[np.float64], limit: Limit) -> NDArray[np.float32]:
    """The confidence of each value: at the limit 0.7, rising to 1; under it nothing."""
    over = (values - limit.doubtful) / (limit.certain - limit.doubtful)
    # Under the limit nothing, so that a busy service is not half an anomaly.
    return np.where(over >= 0, AT_LIMIT + (1 - AT_LIMIT) * np.minimum(over, 1), 0).astype(np.float32)


def limits(batch: LogBatch, covered: Mapping[str, NDArray[np.bool_]]) -> Finding:
    """Confidence from metrics beyond fixed limits.

    `covered[name]` is true for the logs for which a model knows what is normal for that metric.
    """
    rows = len(batch)
    names = tuple(name for name in batch.metrics.column_names if name in LIMITS)
    finding = silent(rows, Reason.LIMIT)
    confidence, metric = finding.confidence.copy(), finding.metric.copy()
    value, normal = np.full(rows, np.nan), np.full(rows, np.nan)
    for index, name in enumerate(names):
        values, limit = metric_column(batch, name), LIMITS[name]
        found = beyond(values, limit)
        if name in covered:
            found[covered[name]] = 0
        better = found > confidence
        confidence[better], metric[better] = found[better], index
        value[better], normal[better] = values[better], limit.doubtful
    return Finding(confidence, Reason.LIMIT, names, metric, value, normal, finding.spread)


def strain(values: NDArray[np.float64], limit: Limit) -> NDArray[np.float32]:
    """What each value says beside a word of failure: rising from where it is strained to 0.7 at the limit."""
    share = (values - limit.strained) / (limit.doubtful - limit.strained)
    return np.where(share > 0, AT_LIMIT * np.minimum(share, 1), 0).astype(np.float32)


def together(batch: LogBatch, covered: Mapping[str, NDArray[np.bool_]], learned: Finding | None) -> Finding:
    """Confidence from a word of failure below WARN beside metrics that are higher than they should be.

    Each of them may be chance; all of them at once hardly (a noisy OR of independent signs: Pearl, *Probabilistic
    Reasoning in Intelligent Systems*, 1988). `covered` as for `limits`; `learned`: what the champion makes of the
    batch, None where there is none. Only messages whose metrics say enough are searched.
    """
    names = tuple(name for name in batch.metrics.column_names if name in LIMITS)
    doubt, worst = np.ones(len(batch), np.float32), np.zeros(len(batch), np.float32)
    finding = silent(len(batch), Reason.TOGETHER)
    metric, value, normal = finding.metric.copy(), finding.value.copy(), finding.normal.copy()
    for index, name in enumerate(names):
        values = metric_column(batch, name)
        says = strain(values, LIMITS[name])
        says[covered.get(name, np.zeros(len(batch), np.bool_))] = 0
        doubt *= 1 - says
        more = says > worst
        worst[more], metric[more], value[more] = says[more], index, values[more]
        normal[more] = LIMITS[name].strained
    if learned is not None:
        doubt *= 1 - learned.confidence
    confidence = finding.confidence.copy()
    rows = np.flatnonzero((1 - doubt >= SAYS_ENOUGH) & (batch.frame["level"].to_numpy() < Level.WARN))
    if rows.size:
        rows = rows[_failing(batch.frame["message"].take(pa.array(rows)))]
        confidence[rows] = 1 - (1 - BESIDE) * doubt[rows]
    return Finding(confidence, Reason.TOGETHER, names, metric, value, normal, finding.spread)
