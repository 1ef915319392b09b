"""Why a stored log was or was not an anomaly, in words with the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from adapters.formats.spread import spread
from domain.amounts import counted, number, seconds
from domain.detection_settings import DetectionSettings
from domain.evidence_words import because
from domain.incidents import Severity
from domain.ledger_sentences import sentence
from domain.logs import SCHEMA, Level, LogBatch
from domain.page_sentences import receiver
from domain.sessions import AbnormalSession
from domain.shown_texts import printable
from domain.verdicts import Reason
from ml.rules import word_of
from ml.scoring import Champion, score

# What rests on the numbers of one version of the model.
LEARNED = (Reason.DEVIATION, Reason.HABIT, Reason.JOINTLY)


def explain(
    log: Mapping[str, Any],
    incident: Mapping[str, Any] | None,
    settings: DetectionSettings,
    champion: Champion | None,
) -> list[str]:
    """Sentences about one log as the store gives it, and its incident with actions, pages and ledger.

    `champion`: the model where its numbers are the reason, None where rules decided or it is not to be had.
    """
    because = _because(log, settings, champion)
    return [_what(log), _verdict(log, settings), *because, *_incident(incident), *_pages(incident)]


def of_session(session: AbnormalSession) -> str:
    """A sentence about a request that was not as others are."""
    told, took = printable(", ".join(session.reasons)), seconds(session.seconds)
    return (
        f"The request {printable(session.key)} as a whole, {counted(session.logs, 'log')} in {took} from"
        f" {session.began:%Y-%m-%d %H:%M:%S} UTC on, was not as others are: {told}."
        f" A usual request is so far off about once in {number(round(1 / session.p_value))}."
    )


def _what(log: Mapping[str, Any]) -> str:
    return (
        f"{log['request_id']}: a log of {log['service']} at {Level(log['level']).name}, written"
        f" {log['timestamp']:%Y-%m-%d %H:%M:%S} UTC, stored {log['arrived_at']:%Y-%m-%d %H:%M:%S} UTC"
        f" from partition {log['partition']}, offset {log['offset']}."
    )


def _verdict(log: Mapping[str, Any], settings: DetectionSettings) -> str:
    verdict = "It was an anomaly" if log["anomaly"] else "It was not an anomaly"
    judge = f"model {log['model']} and the rules" if log["model"] else "the rules alone (no model was available)"
    relation = "at least" if log["anomaly"] else "under"
    return (
        f"{verdict}: {judge} gave it a confidence of {log['confidence']:.2f},"
        f" {relation} the threshold of {settings.confidence_threshold:g}."
    )


def _because(log: Mapping[str, Any], settings: DetectionSettings, champion: Champion | None) -> list[str]:
    """The log is judged once more, by the same functions and the same model, to name the numbers."""
    reason = Reason(log["reason"])
    if reason is Reason.UNSCORED:
        return ["Detection was switched off."]
    if reason in LEARNED and champion is None:
        return [f"Reason: {reason.name.lower()}; model {log['model']} is not to be had any more, so without numbers."]
    batch = _as_batch(log)
    verdicts = score(batch, champion, threshold=settings.confidence_threshold)
    numbers = verdicts.numbers(0)
    message = batch.frame["message"][0].as_py()
    return [_reason(log, reason, numbers, message)]


def _reason(log: Mapping[str, Any], reason: Reason, numbers: Mapping[str, object], message: str) -> str:
    word, by = word_of(message), f"model {log['model']}"
    words = f"the word {word!r} in" if word else "no word of failure in"
    told = {
        Reason.WORDS: f"its level {Level(log['level']).name}, and {words} its message: {message[:200]}",
        Reason.LIMIT: f"a metric against its fixed limit: {because(reason.name, numbers)}.",
        Reason.DEVIATION: "the metric farthest from what the model learned for the service:"
        f" {because(reason.name, numbers, by)}.",
        Reason.HABIT: f"{because(reason.name, {**numbers, 'word': word}, by)}. Its message: {message[:200]}",
        Reason.JOINTLY: f"its metrics do not go together as the model learned: {because(reason.name, numbers, by)}.",
        Reason.TOGETHER: f"{because(reason.name, {**numbers, 'word': word})}; neither is enough by itself.",
    }
    return f"Reason: {told.get(reason, 'no rule and no model saw anything.')}"


def _as_batch(log: Mapping[str, Any]) -> LogBatch:
    """The log as it was judged, from its stored columns."""
    held = [{name: log.get(name) for name in SCHEMA.names} | {"topic": log["topic_id"]}]
    frame = pa.Table.from_pylist(held, schema=SCHEMA)
    return LogBatch(frame, spread(frame["measured"], None))


def _incident(incident: Mapping[str, Any] | None) -> list[str]:
    if incident is None:
        return ["It belongs to no incident."]
    told = [
        f"It belongs to incident {incident['id']} ({incident['service']}, {incident['template']}):"
        f" {incident['logs']} logs, severity {Severity(incident['severity']).name.lower()}, {incident['state']}"
        + (f" ({incident['resolution']})." if incident["resolution"] else ".")
    ]
    told += [f"Objection to acting: {objection}." for objection in incident["objections"]]
    told += [
        f"Action: {row['kind']} {row['target']}, {row['state']}, outcome {row['outcome'] or 'not yet'}."
        for row in incident["actions"]
    ]
    return told


def _pages(incident: Mapping[str, Any] | None) -> list[str]:
    if incident is None:
        return ["Nobody was paged for it."]
    suppressed = [row for row in incident["ledger"] if row["kind"] == "page.suppressed"]
    if not incident["pages"]:
        if suppressed:
            return [f"Nobody was paged: {sentence(suppressed[0]['kind'], suppressed[0]['fields'])}."]
        if incident["confirmed_at"] is None:
            return ["Nobody was paged: the incident has too few logs to be confirmed."]
        return ["Nobody was paged: a playbook answers it, and pages when that does not help."]
    return [
        f"Page {row['id']}: {row['reason']}, {row['state']}"
        + (f" at {row['sent_at']:%H:%M:%S} UTC" if row["sent_at"] else "")
        + _to(row["id"], incident["deliveries"])
        for row in incident["pages"]
    ]


def _to(page_id: int, deliveries: Sequence[Mapping[str, Any]]) -> str:
    """Whom it went to, and why to them."""
    told = [
        f"{receiver(row)}, {row['state']}: {printable(row['why'])}" for row in deliveries if row["page_id"] == page_id
    ]
    return f". To {'; to '.join(told)}." if told else "."
