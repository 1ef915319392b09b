"""What the fold is told of a minute of a service."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.evidence_words import because, compared
from domain.findings import MinuteFinding, minute_at
from domain.incidents import Kind, Severity
from domain.ledger import LedgerKind
from domain.ledger_sentences import sentence
from domain.logs import Level
from domain.minutes import Measured
from ml.anomalies import LONGEST_EVIDENCE, of_minute
from tests.parts.incidents_part import an_anomaly, folded
from tests.parts.logs_part import NOON

NUMBER = int(NOON.timestamp()) // 60
SLOW = MinuteFinding(
    service="web",
    measured=Measured.METRIC,
    name="latency_ms",
    minute=NUMBER,
    since=NUMBER - 1,
    logs=40,
    direction="high",
    value=812.0,
    normal=120.0,
    spread=15.0,
    p_value=1e-9,
    fitted=True,
    confidence=0.99,
)


@pytest.mark.parametrize(
    ("changes", "template", "level"),
    [
        pytest.param({}, "latency_ms high", Level.WARN, id="a metric"),
        pytest.param({"measured": Measured.LOGS, "direction": "low"}, "logs a minute low", Level.ERROR, id="silence"),
        pytest.param({"measured": Measured.LOGS}, "logs a minute high", Level.WARN, id="many logs"),
        pytest.param({"measured": Measured.ERRORS}, "errors in 100 logs high", Level.ERROR, id="errors"),
        pytest.param(
            {"measured": Measured.SESSIONS}, "abnormal requests in 100 high", Level.ERROR, id="abnormal requests"
        ),
    ],
)
def test_severity_comes_from_what_it_is_and_not_from_how_sure_it_is(
    changes: dict[str, object], template: str, level: Level
) -> None:
    found = of_minute(replace(SLOW, **changes), 3)  # type: ignore[arg-type]
    assert (Kind.METRIC, template, level) == (found.called.kind, found.called.template, found.level)
    assert minute_at(NUMBER + 1) == found.at
    assert 0 == found.logs


def test_one_minute_confirms_and_is_told_in_words() -> None:
    found_of = folded([of_minute(SLOW, 0)])
    ((found, incident),) = found_of.of_minute
    assert (SLOW, 0, {}) == (found, incident.logs, found_of.of_row)
    assert incident.confirmed_at is not None
    assert Severity.MEDIUM == incident.severity
    confirmed = next(note for note in found_of.notes if note.kind is LedgerKind.CONFIRMED)
    assert "confirmed by a minute that was not as usual" == sentence(confirmed.kind, confirmed.fields)
    (kept,) = incident.evidence
    assert "latency_ms 812 ms, normally 120 ms (minutes)" == because(kept.reason, kept.numbers, "minutes")


def test_what_no_number_says_is_in_the_evidence_and_cut_to_what_a_page_takes() -> None:
    words = "request r7: “commit <*>” is missing (in 998 of 1,000)"
    assert f"in the minute from 12:00 on: {words}" == of_minute(SLOW, 0, words).evidence().message
    assert LONGEST_EVIDENCE == len(of_minute(SLOW, 0, words * 20).evidence().message)


RETRY = replace(
    SLOW, measured=Measured.TEMPLATE, name="17", text="retry <*> of <*>", value=34.0, normal=0.2, spread=0.1
)


def test_a_text_is_told_with_its_share_and_never_as_a_metric() -> None:
    found_of = folded([of_minute(RETRY, 0)])
    ((_, incident),) = found_of.of_minute
    (kept,) = incident.evidence
    said = "“retry <*> of <*>” 34 in 100 logs, normally 0.2"
    assert f"{said} (minutes)" == because(kept.reason, kept.numbers, "minutes")
    assert said == compared(kept.numbers)
    assert f"{said} ± 0.1" == RETRY.told
    assert "“retry <*> of <*>” high" == of_minute(RETRY, 0).called.template


NEW = replace(RETRY, measured=Measured.NEW, since=NUMBER - 3, normal=0.0)


@pytest.mark.parametrize(
    ("finding", "is_told"),
    [
        pytest.param(replace(RETRY, since=NUMBER), False, id="one minute"),
        pytest.param(replace(RETRY, since=NUMBER - 2), False, id="three minutes"),
        pytest.param(replace(RETRY, since=NUMBER - 3), True, id="four minutes"),
        pytest.param(replace(RETRY, since=NUMBER - 3, logs=8), False, id="of fewer than three logs"),
        pytest.param(replace(RETRY, since=NUMBER - 3, value=0.0, normal=34.0, direction="low"), True, id="missing"),
        pytest.param(NEW, False, id="new, as after a deploy"),
        pytest.param(replace(NEW, of_failure=True), True, id="new and of a failure"),
        pytest.param(replace(NEW, of_failure=True, since=NUMBER), False, id="new for one minute"),
    ],
)
def test_texts_are_told_of_when_they_last_and_mean_something(finding: MinuteFinding, *, is_told: bool) -> None:
    assert is_told == finding.is_told(3)


def test_logs_and_a_minute_of_the_same_metric_are_one_alert() -> None:
    minute = of_minute(SLOW, 0)
    log = replace(an_anomaly(70, service="web"), names=minute.names, called=minute.called)
    found = folded([minute, log])
    (incident,) = found.touched.values()
    assert (1, 1) == (len(incident.alerts), incident.logs)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({}, True, id="for two minutes"),
        pytest.param({"since": NUMBER}, False, id="a spike"),
        pytest.param({"logs": 2}, False, id="of two logs, which speak for themselves"),
        pytest.param({"measured": Measured.ERRORS, "since": NUMBER}, True, id="errors are told of at once"),
        pytest.param({"measured": Measured.SESSIONS, "since": NUMBER}, True, id="so are abnormal requests"),
        pytest.param(
            {"measured": Measured.LOGS, "direction": "low", "since": NUMBER, "logs": 0}, True, id="so is silence"
        ),
        pytest.param({"measured": Measured.LOGS, "since": NUMBER}, False, id="many logs in one minute"),
    ],
)
def test_what_is_told_of(changes: dict[str, object], told: bool) -> None:  # noqa: FBT001 - as the table has it
    assert told == replace(SLOW, **changes).is_told(3)  # type: ignore[arg-type]
