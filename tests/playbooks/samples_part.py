"""Samples of playbooks as logs on their way through what runs live: decode, check, score, fold, classify."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import cache

from adapters.parts_file import PROJECT
from adapters.playbook_files import load
from domain.correlation import Fold
from domain.folded import Known
from domain.incidents import Alert, Incident
from domain.playbooks import LogSample, Playbook
from domain.settings import Settings
from ml.anomalies import anomalies
from tasks.judging import Knowledge, Stopwatch, correlate, judge
from tests.parts.logs_part import NOON, a_batch, a_log

# Beyond every limit of the rules; no model is asked.
ABNORMAL = {"high": 1_000_000.0, "low": -1_000_000.0}
LOGS = 3  # so many confirm an incident
MILLISECOND = timedelta(milliseconds=1)


@cache
def known() -> tuple[Playbook, ...]:
    """The playbooks of this project, which have no fault."""
    return load(PROJECT / "playbooks")


@cache
def knowledge() -> Knowledge:
    """What decides with these playbooks, rules only."""
    return Knowledge(Settings(), known(), None)


def logs_of(sample: LogSample, **changes: object) -> list[bytes]:
    """The sample as its producer would write it, as often as confirms an incident."""
    metrics = {sample.metric: ABNORMAL[sample.direction]} if sample.metric else {}
    fields = {"service": sample.service, "level": sample.level.name, "message": sample.message, "metrics": metrics}
    times = [(NOON + number * MILLISECOND).isoformat() for number in range(LOGS)]
    return [a_log(**{"timestamp": time, **fields, **changes}) for time in times]


def incidents(logs: Iterable[bytes]) -> list[Incident]:
    """The incidents that these logs open."""
    return _incidents(tuple(logs))


@cache
def _incidents(logs: tuple[bytes, ...]) -> list[Incident]:
    judged = judge(a_batch(logs), knowledge(), Stopwatch())
    seen = anomalies(judged.batch, judged.verdicts)
    found = correlate(judged, seen, knowledge(), Known(), now=None)
    return list({id(one): one for one in found.of_row.values()}.values())


def alerts(logs: Iterable[bytes]) -> list[Alert]:
    """The alerts of these incidents."""
    return [alert for incident in incidents(logs) for alert in incident.alerts]


def apart(logs: Iterable[bytes]) -> list[Alert]:
    """What each of these logs shows by itself, named as the fold names it; no storm of alerts hides any."""
    judged = judge(a_batch(logs), knowledge(), Stopwatch())
    found: list[Alert] = []
    for anomaly in anomalies(judged.batch, judged.verdicts):
        fold = Fold(Known(), rules=judged.rules, classify=knowledge().classify, now=None)
        found += [alert for one in fold.run([anomaly]).of_row.values() for alert in one.alerts]
    return found


def chosen(logs: Iterable[bytes]) -> list[str]:
    """The ids of the playbooks that the alerts choose, an empty text for none."""
    return [knowledge().classify(alert)[1] for alert in alerts(logs)]
