"""`sre score` says what would be done, by the same steps."""

from __future__ import annotations

import pytest

from domain.incidents import Route
from domain.plans import Risk
from flows.dry_steps import would_answer
from tasks.judging import Knowledge
from tests.parts.answering_part import acting, inventory, risky
from tests.parts.incidents_part import an_incident
from tests.parts.logs_part import NOON, SECOND

POOL = {"template": "connection pool exhausted", "playbook": "connection-pool-exhausted", "level": 4}


@pytest.mark.parametrize(
    ("knowledge", "changes", "expected"),
    [
        (acting(), {}, "restart web"),
        (acting(), {"route": Route.HUMAN}, "a human: no playbook fits"),
        (acting(acting=False), {}, "a human: acting is off, instead of restart web"),
        (acting(playbooks=()), {}, "a human: no playbook fits"),
        (
            acting(playbooks=risky(Risk.MEDIUM, "connection-pool-exhausted")),
            {},
            "restart web, if a person allows it: the risk is too high: risk medium, at most low",
        ),
        (
            acting(services=inventory("db")),
            {},
            "a human: there is nothing of that name to act on: service web, inventory not in it",
        ),
    ],
)
def test_what_would_be_done(knowledge: Knowledge, changes: dict[str, object], expected: str) -> None:
    assert expected == would_answer(knowledge, an_incident(**(POOL | changes)), now=NOON + SECOND)
