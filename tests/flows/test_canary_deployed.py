"""The canary on the deployed agent and real Kafka: the whole way works, and a miss reaches people by another way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any

import psutil
import pytest

from adapters.store import canary_rows
from adapters.store.look_ups import list_incidents
from domain.canary import MISSED, SERVICE, Outcome, Stage
from tests.flows.conftest import Deployed, deployed_agent, until
from tests.parts.judged_part import rows

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.prefect, pytest.mark.timeout(1_800)]


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    yield from deployed_agent(SRE_CANARY__ENABLED="true")


def flown(deployed: Deployed) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(deployed.stack.sre("canary", "--json", check=False))
    return found


def mails(deployed: Deployed, said: str) -> list[str]:
    """Subjects of what people were sent that says so somewhere."""
    found = [message_from_bytes(mail, policy=policy.default) for mail in deployed.mails()]
    return [str(one["Subject"]) for one in found if said in one.as_string()]


def own(deployed: Deployed) -> list[str]:
    query = "SELECT state FROM incidents WHERE kind = 'own' AND template = :template ORDER BY id"
    return [row["state"] for row in rows(deployed.engine, query, template=MISSED)]


def test_the_whole_way_and_a_miss(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = psutil.Process(int(str(until(lambda: deployed.pid("run of watch"), "a run of watch"))))
    found = flown(deployed)
    assert Outcome.PASSED == found["outcome"], found
    reached = {name for name, took in found["seconds"].items() if took is not None}
    assert {stage.name.lower() for stage in Stage} == reached
    assert [] == mails(deployed, SERVICE)
    line = json.loads((deployed.home.folder / "canary.jsonl").read_text().splitlines()[0])
    assert SERVICE == line["incident"]["service"]

    watch.suspend()
    try:
        monkeypatch.setitem(deployed.stack.environ, "SRE_CANARY__SECONDS", "3")
        missed = flown(deployed)
    finally:
        watch.resume()
    assert Outcome.MISSED == missed["outcome"]
    assert "see the run of `watch`" in missed["why"]
    until(lambda: mails(deployed, MISSED), "a page to people about the miss")

    monkeypatch.delitem(deployed.stack.environ, "SRE_CANARY__SECONDS")
    until(lambda: flown(deployed)["outcome"] == Outcome.PASSED, "a known fault that comes through again")
    assert {"resolved"} == set(own(deployed))
    shown = list_incidents(deployed.engine, only_open=False, limit=50)
    assert SERVICE not in {one["service"] for one in shown}
    assert "canary" in deployed.stack.sre("status", check=False)


def test_the_deployment_does_the_same_by_itself(deployed: Deployed) -> None:
    before = canary_rows.last_run(deployed.engine)
    deployed.stack.prefect("deployment", "run", "canary/canary")

    def another() -> bool:
        last = canary_rows.last_run(deployed.engine)
        return last is not None and (before is None or last.run != before.run)

    until(another, "a run of the deployment canary")
    last = canary_rows.last_run(deployed.engine)
    assert last is not None
    assert Outcome.PASSED is last.outcome, last
