"""A8: anything but an error of ours killed a background task in silence."""

from __future__ import annotations

import asyncio

import pytest

from adapters.store.database import Engine, connect
from flows.supervision import PAGE_AFTER, Supervisor
from tests.parts.judged_part import rows


@pytest.fixture
def supervisor(store: Engine) -> Supervisor:
    return Supervisor(store, "on-call")


async def broken() -> None:
    raise ZeroDivisionError("in a model of another kind")


async def fine() -> None:
    return None


def conditions(engine: Engine) -> list[tuple[str, bool]]:
    return [(row["part"], bool(row["healthy"])) for row in rows(engine, "SELECT part, healthy FROM conditions")]


async def test_what_nobody_foresaw_is_known_and_the_work_goes_on(supervisor: Supervisor, store: Engine) -> None:
    assert not await supervisor.once("sealing", broken)
    assert [("sealing", False)] == conditions(store)
    (row,) = rows(store, "SELECT detail FROM conditions")
    assert "ZeroDivisionError: in a model of another kind" == row["detail"]
    assert await supervisor.once("sealing", fine)
    assert [("sealing", True)] == conditions(store)


async def test_what_keeps_failing_is_paged_once(supervisor: Supervisor, store: Engine) -> None:
    for _ in range(PAGE_AFTER + 3):
        await supervisor.once("sealing", broken)
    (incident,) = rows(store, "SELECT template, kind FROM incidents")
    assert {"template": "sealing keeps failing", "kind": "own"} == incident
    assert 1 == len(rows(store, "SELECT id FROM pages"))


async def test_a_success_between_failures_is_no_row_of_failures(supervisor: Supervisor, store: Engine) -> None:
    for _ in range(PAGE_AFTER):
        await supervisor.once("sealing", broken)
        await supervisor.once("sealing", fine)
    assert [] == rows(store, "SELECT id FROM incidents")


async def test_whoever_asked_for_the_work_hears_of_its_failure(supervisor: Supervisor) -> None:
    heard: list[Exception] = []

    async def failed(error: Exception) -> None:
        heard.append(error)

    await supervisor.once("answering incident 7", broken, failed=failed)
    assert [ZeroDivisionError] == [type(error) for error in heard]


async def test_only_a_cancellation_ends_what_goes_on_for_ever(supervisor: Supervisor, store: Engine) -> None:
    times = 0

    async def work() -> None:
        nonlocal times
        times += 1
        if times == 1:
            await broken()

    going = asyncio.create_task(supervisor.forever("sealing", work, every=0.0))
    while times < 3:
        await asyncio.sleep(0)
        assert not going.done()
        await asyncio.sleep(0.01)
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    assert [("sealing", True)] == conditions(store)


async def test_a_store_that_is_gone_too_is_survived() -> None:

    assert not await Supervisor(connect("sqlite:////no/such/folder/x.db"), "on-call").once("sealing", broken)
