"""What changes reaches every page that listens; the store is asked once for all of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from adapters.store.database import Engine, transaction
from adapters.store.incident_rows import insert_incidents
from adapters.store.ledger_rows import note
from console.http.starting import server
from console.http.web import live
from console.http.web.live import Feed
from deployments.ports import unused
from domain.errors import Unavailable
from domain.ledger import LedgerKind
from tests.parts.browser_part import serving
from tests.parts.console_part import a_desk
from tests.parts.http_part import put
from tests.parts.incidents_part import an_incident
from tests.parts.judged_part import NOW


@pytest.fixture
def engine(engine: Engine) -> Engine:
    put(engine)
    return engine


def say(engine: Engine, incident: int) -> None:
    with transaction(engine) as connection:
        note(connection, LedgerKind.COMMENTED, incident, {"by": "ann", "text": "x"}, now=NOW)


def told(event: str) -> Any:
    """The data of an event that is about an incident; None for others."""
    kind, _, data = event.partition("\ndata: ")
    return orjson.loads(data) if kind == "event: incident" else None


async def following(stream: AsyncIterator[str]) -> Any:
    async with asyncio.timeout(20):
        async for event in stream:
            if found := told(event):
                return found
    raise AssertionError("nothing was told")


async def test_every_listener_hears_of_a_change_and_of_nothing_before(engine: Engine) -> None:
    say(engine, 7)
    feed = Feed(engine, poll_seconds=0.01)
    streams = [feed.listen("ann") for _ in range(3)]
    for one in streams:
        assert "event: ready" in await anext(one)
    say(engine, 1)
    assert [1, 1, 1] == [(await following(one))["id"] for one in streams]


async def test_the_store_is_asked_by_one_task_however_many_listen(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    real = live.touched_since

    def counted(*args: Any, **named: Any) -> Any:
        asked.append(threading.get_ident())
        return real(*args, **named)

    monkeypatch.setattr(live, "touched_since", counted)
    feed = Feed(engine, poll_seconds=0.01)
    streams = [feed.listen(f"user {one}") for one in range(20)]
    for one in streams:
        await anext(one)
    assert feed.task is not None
    tasks = [one for one in asyncio.all_tasks() if one is feed.task]
    before = len(asked)
    say(engine, 1)
    for one in streams:
        await following(one)
    assert 1 == len(tasks)
    assert len(asked) - before < len(streams)


async def test_when_nobody_listens_any_more_nobody_asks(engine: Engine) -> None:
    feed = Feed(engine, poll_seconds=0.01)
    stream = feed.listen("ann")
    await anext(stream)
    task = feed.task
    await stream.aclose()
    assert task is not None
    await asyncio.wait_for(task, 20)
    assert not feed.listeners
    again = feed.listen("ann")
    await anext(again)
    assert feed.task is not task


async def test_a_store_that_is_away_ends_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Feed(engine, poll_seconds=0.01)
    stream = feed.listen("ann")
    await anext(stream)
    real, failed = live.touched_since, threading.Event()

    def away(*args: Any, **named: Any) -> Any:
        if not failed.is_set():
            failed.set()
            raise Unavailable("store: away")
        return real(*args, **named)

    monkeypatch.setattr(live, "touched_since", away)
    say(engine, 1)
    assert 1 == (await following(stream))["id"]
    assert failed.is_set()


async def test_whoever_does_not_read_is_not_waited_for(engine: Engine) -> None:
    feed = Feed(engine, poll_seconds=0.01)
    slow, quick = feed.listen("ann"), feed.listen("ann")
    await anext(slow)
    await anext(quick)
    for number in range(live.MOST_WAITING + 20):
        feed._tell(live._event("incident", {"id": number, "digest": number}))
        assert number == (await following(quick))["id"]


async def test_silence_is_broken_so_that_the_dead_are_noticed(engine: Engine) -> None:
    stream = Feed(engine, poll_seconds=0.01).listen("ann", beat_seconds=0.01)
    await anext(stream)
    assert (await anext(stream)).startswith(": ")


@pytest.mark.slow
def test_a_new_incident_reaches_a_page_over_a_real_connection(engine: Engine, tmp_path: Path) -> None:
    port = unused()
    serving = server(a_desk(engine, tmp_path), "127.0.0.1", port)
    thread = threading.Thread(target=serving.run, daemon=True)
    thread.start()
    try:
        while not serving.started:
            assert thread.is_alive()
            thread.join(0.01)
        url = f"http://127.0.0.1:{port}/events"
        with httpx.stream("GET", url, headers={"Accept": "text/event-stream"}, timeout=30) as answer:
            assert "text/event-stream" in answer.headers["content-type"]
            lines = answer.iter_lines()
            assert any("event: ready" in line for line in lines)
            with transaction(engine) as connection:
                insert_incidents(connection, [an_incident(id=2, service="db", template="new")], now=NOW)
                note(connection, LedgerKind.OPENED, 2, {}, now=NOW)
            found = next(orjson.loads(line[6:]) for line in lines if line.startswith('data: {"id"'))
            assert 2 == found["id"]
    finally:
        serving.should_exit = True
        thread.join(20)
    assert not thread.is_alive()


async def test_one_person_cannot_take_the_places_of_everybody(engine: Engine) -> None:
    """One viewer with many streams made everybody's list silently dead."""
    feed = Feed(engine, poll_seconds=0.01)
    mine = [feed.listen("ann") for _ in range(live.MOST_OF_ONE + 20)]
    heard = [await anext(one) for one in mine]
    assert live.MOST_OF_ONE == sum("event: ready" in one for one in heard)
    assert 20 == sum("event: full" in one for one in heard)
    assert "event: ready" in await anext(feed.listen("bob"))
    assert "of yours" in feed.refusal("ann")
    await mine[0].aclose()
    assert not feed.refusal("ann")


async def test_all_places_are_bounded(engine: Engine) -> None:
    feed = Feed(engine, poll_seconds=0.01)
    streams = [feed.listen(f"user {one}") for one in range(live.MOST_LISTENERS)]
    for one in streams:
        await anext(one)
    assert feed.refusal("bob")


@pytest.mark.slow
def test_a_stream_too_many_is_refused_over_real_connections(engine: Engine, tmp_path: Path) -> None:
    with serving(a_desk(engine, tmp_path)) as address, ExitStack() as held:
        url, timeout = f"{address}/events", 30
        streams = [held.enter_context(httpx.stream("GET", url, timeout=timeout)) for _ in range(live.MOST_OF_ONE)]
        texts = [one.iter_text() for one in streams]  # kept: an iterator that is gone ends its stream
        assert all("event: ready" in next(one) for one in texts)
        refused = httpx.get(url, timeout=timeout)
        assert (503, "10") == (refused.status_code, refused.headers["retry-after"])
        assert "of yours" in refused.text
