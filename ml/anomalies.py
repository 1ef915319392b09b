"""From verdicts to the anomalies that incidents are made of."""

from __future__ import annotations

from functools import partial

import numpy as np
import pyarrow as pa

from domain.correlation import Anomaly
from domain.incidents import Evidence, Severity
from domain.logs import Level, LogBatch
from domain.signatures import signature
from domain.verdicts import Reason, Verdicts
from ml.rules import word_of

LONGEST_EVIDENCE = 500
BY_LEVEL = {Level.CRITICAL: Severity.CRITICAL, Level.ERROR: Severity.HIGH}


def anomalies(batch: LogBatch, verdicts: Verdicts) -> list[Anomaly]:
    """The anomalous logs of a batch, in order."""
    rows = np.flatnonzero(verdicts.anomalous)
    if not rows.size:
        return []
    frame = batch.frame.select(["service", "message", "timestamp", "level", "request_id"]).take(pa.array(rows))
    signatures: dict[str, str] = {}
    found = []
    for row, log in zip(rows.tolist(), frame.to_pylist(), strict=True):
        metric, direction = _metric(verdicts, row)
        if not metric and log["message"] not in signatures:
            signatures[log["message"]] = signature(log["message"])
        found.append(
            Anomaly(
                row=row,
                service=log["service"],
                # A metric's deviation shows on whatever message comes by, so the metric names the incident.
                signature=f"metric {metric} {direction}" if metric else signatures[log["message"]],
                metric=metric,
                direction=direction,
                at=log["timestamp"],
                severity=Severity.MEDIUM if metric else BY_LEVEL.get(log["level"], Severity.MEDIUM),
                detector=_detector(verdicts, row),
                evidence=partial(evidence, verdicts, row, log),
            )
        )
    return found


def _metric(verdicts: Verdicts, row: int) -> tuple[str, str]:
    finding = verdicts.findings[int(verdicts.finding[row])]
    index = int(finding.metric[row])
    if index < 0:
        return "", ""
    return finding.metrics[index], "high" if finding.value[row] >= finding.normal[row] else "low"


def _detector(verdicts: Verdicts, row: int) -> str:
    if verdicts.reason[row] == Reason.DEVIATION:
        return f"model {verdicts.model}"
    return "rules" if verdicts.model else "rules, model unavailable"


def evidence(verdicts: Verdicts, row: int, log: dict[str, object]) -> Evidence:
    """What one anomalous log says for its incident."""
    message = str(log["message"])
    numbers = dict(verdicts.numbers(row))
    reason = Reason(int(verdicts.reason[row]))
    if reason is Reason.WORDS:
        numbers["word"] = word_of(message)
    return Evidence(
        at=log["timestamp"],  # type: ignore[arg-type]  # a column of times
        level=int(log["level"]),  # type: ignore[call-overload]  # a column of small integers
        request_id=log["request_id"],  # type: ignore[arg-type]  # a column of texts
        message=message[:LONGEST_EVIDENCE],
        reason=reason.name,
        numbers=numbers,
    )
