"""What new words about a group of somebody else's alerts mean for its incident."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from domain.incidents import Incident, Kind, Severity, State
from domain.outside_alerts import Change, OutsideAlert, Status, change, come_back, opened, updated
from tests.parts.incidents_part import an_incident
from tests.parts.logs_part import NOON

MINUTE = timedelta(minutes=1)
QUIET = 10 * MINUTE
OPEN = an_incident(kind=Kind.ALERT)
RESOLVED = an_incident(kind=Kind.ALERT, state=State.RESOLVED, resolved_at=NOON)


def an_alert(status: Status = Status.FIRING, at: datetime = NOON, name: str = "f", **labels: str) -> OutsideAlert:
    said = {"alertname": "Slow", "service": "web", "severity": "warning"} | labels
    return OutsideAlert(name, "g", status, said, {"summary": "it is slow", "runbook_url": "http://x"}, at)


OVER = an_alert(Status.RESOLVED)


@pytest.mark.parametrize(
    ("expected", "alerts", "incident"),
    [
        pytest.param(Change.OPEN, [an_alert()], None, id="what fires for the first time opens one"),
        pytest.param(Change.NOTHING, [OVER], None, id="what was over before anybody heard of it opens none"),
        pytest.param(Change.UPDATE, [an_alert()], OPEN, id="what goes on firing is news of it"),
        pytest.param(Change.UPDATE, [OVER, an_alert(name="g")], OPEN, id="one that fires keeps it open"),
        pytest.param(Change.CLOSE, [OVER, OVER], OPEN, id="all over, it is over"),
        pytest.param(Change.NOTHING, [OVER], RESOLVED, id="what is over stays over"),
        pytest.param(Change.REOPEN, [an_alert(at=NOON + MINUTE)], RESOLVED, id="soon again it is the same"),
        pytest.param(Change.OPEN, [an_alert(at=NOON + 11 * MINUTE)], RESOLVED, id="late again it is another"),
        pytest.param(
            Change.OPEN, [an_alert()], an_incident(state=State.MERGED), id="what became part of another is not reopened"
        ),
    ],
)
def test_change(expected: Change, alerts: list[OutsideAlert], incident: Incident | None) -> None:
    assert expected is change(alerts, incident, quiet=QUIET)


def test_an_incident_is_about_the_worst_alert_that_fires() -> None:
    alerts = [an_alert(), an_alert(name="g", service="db", severity="critical"), an_alert(Status.RESOLVED, name="h")]
    made = opened(alerts, now=NOON)
    assert ("db", Severity.CRITICAL, 2, 2) == (made.service, made.severity, made.logs, made.services)
    assert "Slow: it is slow; runbook_url: http://x" == made.evidence[0].message


def test_a_source_whose_clock_is_ahead_opens_nothing_in_the_future() -> None:
    assert NOON == opened([an_alert(at=NOON + MINUTE)], now=NOON).opened_at


def test_severity_does_not_fall_while_it_is_open() -> None:
    incident = opened([an_alert(severity="critical")], now=NOON)
    updated(incident, [an_alert()], now=NOON + MINUTE)
    assert (Severity.CRITICAL, NOON + MINUTE) == (incident.severity, incident.last_at)


def test_what_comes_back_begins_anew() -> None:
    incident = an_incident(kind=Kind.ALERT, state=State.RESOLVED, resolved_at=NOON, acked_at=NOON, told=3, page_key="k")
    come_back(incident, [an_alert(at=NOON + MINUTE)], now=NOON + 2 * MINUTE)
    assert (State.REOPENED, 2, 1, 0, "") == (
        incident.state,
        incident.episode,
        incident.returns,
        incident.told,
        incident.page_key,
    )
    assert (None, None, NOON + MINUTE) == (incident.acked_at, incident.resolved_at, incident.came_back_at)
