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
from ml.failures import BEGINNINGS, ELSEWHERE

# Words by which programs say that something went wrong, and codes by which they say how something ended.
FAILURE_WORDS = (
    "(?:"
    r"\b(?:fail(?:ed|ure|s|ing)?|errors?|exceptions?|traceback|panic|fatal|crash(?:ed|es|ing)?|abort(?:ed)?"
    r"|time[ds]?[ -]?outs?|timeouts?|refused|unavailable|unreachable|not responding|no response|reset by peer"
    r"|broken pipe|exhausted|out of memory|cannot|could not|can't|unable to|no space left|too many"
    r"|exceed(?:s|ed)?|deadlock|denied|unauthori[sz]ed|forbidden|invalid|expired|corrupt(?:ed|ion)?|overflow"
    r"|killed|terminated|anomal(?:y|ies|ous)|throttl(?:ed|ing)|pressure|rejected|lost)\b"
    r"|OutOfMemory|Exception\b|Error\b"
    r"|\bexit(?:ed)?(?: (?:with|code|status))*[ :=]+(?:[1-9]\d*|-\d+)\b"
    r"|\b(?:" + BEGINNINGS + ")|" + ELSEWHERE + ")"
)
# A status of HTTP that says so, where it is told as one; and numbers that only look like it.
STATUS = (
    r"\b(?:http\S*|status|code|returned|returns|response|responded|answered|replied|got|upstream|timeout|error)"
    r"\b[^\d\n]{0,24}\b(?:5\d\d|429)\b"
    r"|\b(?:5\d\d|429) (?:internal|bad|service|too many|not implemented|error)"
)
QUANTITY = (
    r"\b(?:5\d\d|429)(?:\.\d+)? ?(?:ms|s|sec|seconds?|m|min|minutes?|h|b|kb|mb|gb|bytes|%|percent|rows|entries|items"
    r"|requests|connections|users|records|lines|times|files|messages|logs|tasks|threads|of)\b"
)
# What says that nothing of the kind happened.
NONE_OF = (
    r"(?i)(?:^|[^\w.])(?:0+|no|without(?: any)?) (?:\w+ )?"
    r"(?:errors?|failed|failures?|lost|dropped|exceptions?|timeouts?)\b"
    r"|\b(?:errors?|fail(?:ed|ures?)?|lost|dropped|exceptions?|timeouts?)\s*[:=]\s*0+(?:[^\w.%]|$)"
)
# Words for a state that is none of health. Harmless texts hold them too, so they count only where the level says error.
STATE_WORDS = (
    r"\b(?:no (?:healthy|live|free|more|such|servers?|leader|nodes? match\w*)|insufficient|not enough|notready"
    r"|not (?:ready|healthy|available|valid|synchroni[sz]ed)|(?:does|do|has|is|was) not (?:exist|been|running|sent)"
    r"|back-?off|crashloop\w*|oom|oomkilled|evict(?:ed|ing)|restarted \d+ times|unhealthy|unschedulable|degraded"
    r"|dead-lettered|poison message|soft lockup|stall|stuck|blocked (?:for|by)|still waiting for|conflict"
    r"|skew(?:ed)?|clock .{0,20}(?:wrong|ahead|behind|unsynchroni[sz]ed)|too (?:large|great|high|late)|behind"
    r"|mismatch|malformed|unknown (?:directive|keyword|authority|ca|host)|used before issued"
    r"|overload(?:ed)?|shedding|all \d+ .{0,20}busy|consider raising|queue .{0,30}full|\d+ % full"
    r"|flooding|ddos|stuffing|brute[ -]force|limiting requests|pull rate limit|dropping packets?|packet loss"
    r"|is (?:open|down|growing)|to open|definitely down|has no server|leak|keeps (?:rising|growing)|expires in"
    r"|due to (?:lock|conflict)|e(?:ai_again|notfound|connrefused|connreset|nospc|mfile)|servfail|nxdomain)\b"
    r"|NOT_AVAILABLE|TooSkewed|InvalidAccessKey|CrashLoop|OutOfSync"
)
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
