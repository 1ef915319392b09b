"""A model that never answers keeps the analyses waiting, and no page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.channels import CHANNELS
from adapters.llm import with_model
from adapters.store import analyses
from adapters.store.closing import reread
from adapters.store.database import Engine, transaction
from benchmarks.evals.behaviours import silent
from benchmarks.evals.minds import honest
from benchmarks.evals.scripted import Server, serve
from domain.incidents import State
from domain.llm_settings import LlmSettings
from domain.pages import PageReason
from domain.paging_settings import EmailSettings, PagingSettings, Security
from domain.settings import CallSettings, Settings
from flows import long_lived, on_call
from flows.analyse_incident import AT_ONCE, Analysing
from flows.long_lived import Subflows
from flows.on_call import Way, page_round
from flows.supervision import Supervisor
from tasks.analysing import Analyst, breaker_of
from tasks.held import Means
from tasks.on_call import SEEN_BY, Rounds
from tasks.paging import Pager
from tests.contracts.smtp_part import Inbox, smtp_server
from tests.parts.desk_part import store_incident
from tests.parts.judged_part import known, rows

PAGES, PATIENCE_SECONDS = 50, 120
WAITING = "SELECT count(*) AS n FROM analyses WHERE state = 'due' AND done_at IS NULL"
SENT = "SELECT count(*) AS n FROM deliveries WHERE state = 'sent'"


def rounds(engine: Engine, inbox: Inbox, server: Server) -> Rounds:
    mail = EmailSettings(host="127.0.0.1", port=inbox.port, security=Security.NONE, recipients=("ann@example.org",))
    llm = LlmSettings(base_url=server.url, call_seconds=600)
    tree = Settings(paging=PagingSettings(email=mail), llm=llm)
    means = Means(engine, known(llm=llm.model_dump(exclude={"api_key"}, exclude_defaults=True)))
    analyst = Analyst(means, with_model(llm, CallSettings(max_retries=0)), breaker_of(tree))
    return Rounds(means, Pager(tree, engine), (), analyst)


def escalated(engine: Engine) -> None:
    """Incidents that humans have: each with a page and an analysis that are due."""
    told: dict[str, Any] = {"severity": 4, "reason": PageReason.CRITICAL, "state": State.ESCALATED}
    for number in range(PAGES):
        now = datetime.now(UTC)
        incident = reread(engine, store_incident(engine, now=now, service=f"svc-{number}", **told))
        assert incident is not None
        with transaction(engine) as connection:
            analyses.queue(connection, incident, now=now - analyses.SETTLING)


@asynccontextmanager
async def at_work(made: Rounds, server: Server) -> AsyncIterator[tuple[Analysing, dict[str, Way]]]:
    """Everything that looks into incidents and pages; whoever still waits in the end is let go."""
    supervisor = Supervisor(made.pager.engine, SEEN_BY)
    analysing = Analysing(made.analyst, supervisor, Subflows())
    found = {str(kind): Way(made, supervisor, str(kind)) for kind in CHANNELS}
    try:
        yield analysing, found
    finally:
        server.stopped.set()
        await asyncio.gather(*analysing.in_hand, *(task for way in found.values() for task in way.in_hand))
        analysing.pool.shutdown()
        for way in found.values():
            way.pool.executor.shutdown()


async def no_prefect() -> bool:
    return False


async def test_no_page_waits_for_an_analysis(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_call, "is_healthy", no_prefect)
    monkeypatch.setattr(long_lived, "is_healthy", no_prefect)
    escalated(store)
    with smtp_server() as inbox, serve(honest, behaviour=silent) as server:
        made = rounds(store, inbox, server)
        async with at_work(made, server) as (analysing, ways), asyncio.timeout(PATIENCE_SECONDS):
            while len(server.requests) < AT_ONCE:
                await analysing.round()
                await asyncio.sleep(0.02)
            while len(inbox.mails) < PAGES or ways["email"].in_hand:
                await analysing.round()
                await page_round(made, ways)
                await asyncio.sleep(0.02)
            assert len(analysing.in_hand) == len(server.requests) == AT_ONCE, "they wait, and no further one is begun"
            assert [PAGES] == [row["n"] for row in rows(store, WAITING)]
            assert [PAGES] == [row["n"] for row in rows(store, SENT)]
