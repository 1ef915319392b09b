"""A backup of the deployed agent under traffic, restored into a new home on the same Kafka: every log, once."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from adapters import postgres
from adapters.store.log_look_ups import stored_positions
from adapters.store.switches import is_paused
from benchmarks.stack import Stack, running
from tests.flows.conftest import Traffic, log, missing_tools, until
from tests.parts.judged_part import rows

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.prefect, pytest.mark.timeout(1_800)]


@pytest.fixture
def stack() -> Iterator[Stack]:
    if tools := missing_tools():
        pytest.skip(f"real Kafka needs {tools}")
    with running("backup", "--sink") as found:
        yield found


def incidents(stack: Stack) -> list[dict[str, object]]:
    engine = stack.engine()
    found = rows(engine, "SELECT id, service, kind FROM incidents WHERE kind = 'log' ORDER BY id")
    engine.dispose()
    return found


def test_a_restored_agent_goes_on_where_the_backup_stopped(stack: Stack) -> None:
    traffic = Traffic(stack.settings.kafka)
    traffic.say(*(log("mail", "delivery failed", "ERROR") for _ in range(3)))
    until(lambda: incidents(stack), "an incident")
    folder = stack.home / "monday"
    made = json.loads(stack.sre("backup", str(folder), "--json"))
    assert [] == made["left_out"]
    until(lambda: len(stored_positions(stack.engine(), stack.topic)) > made["rows"]["logs"] + 100, "later logs")
    sent, before = traffic.stop(), incidents(stack)
    stack.sre("down")

    other = Stack(stack.home / "other", stack.settings.kafka.bootstrap_servers, stack.topic, {})
    other.environ |= {"SRE_KAFKA__BOOTSTRAP_SERVERS": stack.environ["SRE_KAFKA__BOOTSTRAP_SERVERS"]}
    done = json.loads(other.sre("restore", str(folder), "--json"))
    assert (made["rows"], False) == (done["rows"], done["migrated"])
    try:
        other.sre("up", "--sink")
        engine = other.engine()
        assert is_paused(engine)
        until(lambda: len(stored_positions(engine, other.topic)) >= sent, "every log that was ever sent")
        positions = stored_positions(engine, other.topic)
        assert (sent, sent) == (len(positions), len(set(positions)))
        assert before == incidents(other)
        engine.dispose()
        assert "the chain holds" in other.sre("ledger", "verify")
    finally:
        other.sre("down")
        postgres.remove(other.home)
