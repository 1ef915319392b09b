"""What is over with the repair of another incident, where it was one of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.incidents import Kind, Route, State
from domain.inventory import Inventory, Service
from domain.symptoms import symptoms
from tests.parts.incidents_part import an_incident
from tests.parts.logs_part import NOON, SECOND

CALLS = Inventory({"api": Service("api", "supervisord", "api", dependencies=("web",))})
SHOWN: dict[str, Any] = {"id": 2, "service": "api", "route": Route.HUMAN, "playbook": "", "template": "checkout failed"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, True, id="a-caller-that-is-silent-since"),
        pytest.param({"last_at": NOON + 31 * SECOND}, False, id="a-caller-that-goes-on"),
        pytest.param({"service": "mail"}, False, id="a-service-that-does-not-call-it"),
        pytest.param({"route": Route.PLAYBOOK, "playbook": "mend-it"}, False, id="what-has-a-playbook-of-its-own"),
        pytest.param({"template": "no space left on disk"}, False, id="what-is-broken-itself"),
        pytest.param({"acked_at": NOON}, False, id="what-a-person-has"),
        pytest.param({"state": State.VERIFYING}, False, id="what-somebody-works-on"),
        pytest.param({"kind": Kind.OWN}, False, id="what-is-about-the-agent"),
    ],
)
def test_what_came_of_a_repaired_fault(changes: dict[str, Any], expected: bool) -> None:  # noqa: FBT001
    other = an_incident(**(SHOWN | changes))
    found = symptoms(an_incident(), [other], CALLS, silent_since=NOON + timedelta(seconds=30))
    assert ([other] if expected else []) == found
