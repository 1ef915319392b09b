"""Who acknowledges while somebody else is being told: each waits for the other in one order, on PostgreSQL."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.store import escalations, outbox
from adapters.store.closing import acknowledge
from adapters.store.database import Engine, transaction
from domain.pages import PageReason
from tasks import timers
from tests.parts.desk_part import Desk
from tests.parts.roster_part import FixedRoster

HOUR, MINUTE = 3600.0, 60.0
# Long enough that the other one came as far as it can.
A_WHILE = 0.4


@pytest.fixture
def desk(store: Engine) -> Desk:
    if store.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    return Desk(store, rosters=FixedRoster())


def test_an_acknowledgement_while_a_further_page_is_expanded(desk: Desk) -> None:
    number = desk.incident()
    desk.deliver()
    desk.again(number, PageReason.INEFFECTIVE)
    (page,) = desk.claim()
    with ThreadPoolExecutor(1) as pool:
        with transaction(desk.engine) as connection:
            escalations.read(connection, number, lock=True)
            given = pool.submit(acknowledge, desk.engine, number, by="ann", now=desk.now)
            time.sleep(A_WHILE)
            assert outbox.settle(connection, page, state="sending", expanded_at=desk.now)
        assert given.result()
    assert desk.read(number).acked_at is not None


def test_an_acknowledgement_while_the_one_before_expires(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    number = desk.incident()
    desk.deliver()
    acknowledge(desk.engine, number, by="ann", now=desk.now)
    desk.forward(4 * HOUR)
    desk.fire()
    desk.forward(30 * MINUTE)
    still_ours = escalations.still_ours

    def slowly(*given: object) -> bool:
        found = still_ours(*given)  # type: ignore[arg-type]
        time.sleep(A_WHILE * 2)
        return found

    monkeypatch.setattr(escalations, "still_ours", slowly)
    with ThreadPoolExecutor(1) as pool:
        expired = pool.submit(timers.fire_due, desk.pager, "one")
        time.sleep(A_WHILE)
        assert acknowledge(desk.engine, number, by="bob", now=desk.now)
        assert ["what ann said is void"] == expired.result()
    assert desk.read(number).acked_at is not None, "bob has it"
    with transaction(desk.engine) as connection:
        one = escalations.read(connection, number)
    assert one is not None
    assert (escalations.Phase.ACKNOWLEDGED, "bob") == (one.phase, one.by)
