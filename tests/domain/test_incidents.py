"""When an incident pages by itself."""

from __future__ import annotations

import pytest

from domain.incidents import Incident, Kind, Route, Severity, State, page_reason
from domain.pages import PageReason
from tests.parts.incidents_part import an_incident
from tests.parts.logs_part import NOON


@pytest.mark.parametrize(
    ("incident", "expected"),
    [
        pytest.param(an_incident(), None, id="common"),
        pytest.param(an_incident(route=Route.HUMAN), PageReason.UNCOMMON, id="uncommon"),
        pytest.param(an_incident(severity=Severity.CRITICAL), PageReason.CRITICAL, id="critical"),
        pytest.param(an_incident(kind=Kind.STORM, template=""), PageReason.STORM, id="storm"),
        pytest.param(an_incident(route=Route.HUMAN, confirmed_at=None), None, id="not-confirmed"),
        pytest.param(an_incident(told=3), None, id="told-already"),
        pytest.param(an_incident(told=3, acked_at=NOON), None, id="fault-2-acknowledged"),
        pytest.param(an_incident(told=2), PageReason.WORSE, id="a10-worse"),
        pytest.param(an_incident(told=2, acked_at=NOON), PageReason.WORSE, id="a10-worse-though-acknowledged"),
        pytest.param(an_incident(told=3, severity=Severity.CRITICAL), PageReason.CRITICAL, id="a10-critical-now"),
        pytest.param(
            an_incident(kind=Kind.STORM, told=3, severity=Severity.CRITICAL), PageReason.CRITICAL, id="a10-storm"
        ),
        pytest.param(an_incident(told=1, severity=Severity.MEDIUM), None, id="a10-not-bad-enough"),
        pytest.param(an_incident(kind=Kind.FLEET), PageReason.STORM, id="a11-fleet"),
        pytest.param(an_incident(route=Route.HUMAN, state=State.RESOLVED), None, id="fault-2-closed"),
    ],
)
def test_page_reason(incident: Incident, expected: PageReason | None) -> None:
    assert expected == page_reason(incident)


def test_its_confidence_is_that_of_its_worst_evidence() -> None:
    assert 0.9 == an_incident().confidence
    assert 0.0 == an_incident(evidence=[]).confidence


def test_its_title_names_service_and_playbook_or_template() -> None:
    assert ["web: mend-it", "web: it broke", "web: storm of incidents"] == [
        an_incident().title,
        an_incident(playbook="").title,
        an_incident(kind=Kind.STORM, template="").title,
    ]
