"""A channel that hangs fills its own pool and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from adapters.channels import CHANNELS
from adapters.store.database import Engine
from domain.pages import PageReason
from domain.paging_settings import EmailSettings, PagingSettings, Security
from domain.settings import Settings
from flows import on_call
from flows.on_call import Way, page_round
from flows.supervision import Supervisor
from tasks.analysing import Analyst, breaker_of
from tasks.held import Means
from tasks.on_call import SEEN_BY, Rounds
from tasks.paging import Pager
from tests.contracts.smtp_part import Inbox, smtp_server
from tests.parts.desk_part import store_incident
from tests.parts.judged_part import known, rows
from tests.parts.receivers_part import Hanging, hanging

PAGES, POOL, LONG_SECONDS = 12, 3, 300
PATIENCE_SECONDS = 120


def rounds(engine: Engine, inbox: Inbox, hook: Hanging) -> Rounds:
    mail = EmailSettings(host="127.0.0.1", port=inbox.port, security=Security.NONE, recipients=("ann@example.org",))
    paging = PagingSettings(email=mail, webhook=SecretStr(hook.url), pool=POOL, send_seconds=LONG_SECONDS)
    means, tree = Means(engine, known()), Settings(paging=paging)
    return Rounds(means, Pager(tree, engine), (), Analyst(means, None, breaker_of(tree)))


@asynccontextmanager
async def ways(made: Rounds, hook: Hanging) -> AsyncIterator[dict[str, Way]]:
    """The ways to people; whoever still waits in the end is let go."""
    supervisor = Supervisor(made.pager.engine, SEEN_BY)
    found = {str(kind): Way(made, supervisor, str(kind)) for kind in CHANNELS}
    try:
        yield found
    finally:
        hook.let_go()
        for way in found.values():
            await asyncio.gather(*way.in_hand)
            way.pool.executor.shutdown()


async def no_prefect() -> bool:
    return False


async def test_mails_do_not_wait_for_a_webhook_that_never_answers(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P3: one slow receiver delayed the pages of all channels."""
    monkeypatch.setattr(on_call, "is_healthy", no_prefect)
    for number in range(PAGES):
        now = datetime.now(UTC)
        store_incident(store, now=now, service=f"svc-{number}", severity=4, reason=PageReason.CRITICAL)
    with smtp_server() as inbox, hanging() as hook:
        made = rounds(store, inbox, hook)
        async with ways(made, hook) as found, asyncio.timeout(PATIENCE_SECONDS):
            while len(inbox.mails) < PAGES or len(hook.held) < POOL or found["email"].in_hand:
                await page_round(made, found)
                await asyncio.sleep(0.02)
            assert POOL == len(found["webhook"].in_hand) == len(hook.held), "its own pool is full, and no other"
            assert [PAGES] == [row["n"] for row in rows(store, MAILS)]
            (waiting,) = rows(store, HOOKS)
            assert {"n": PAGES, "in_hand": POOL, "tries": 0} == waiting
            assert ["sent"] * PAGES == [row["state"] for row in rows(store, "SELECT state FROM pages")]


MAILS = "SELECT count(*) AS n FROM deliveries WHERE channel = 'email' AND state = 'sent'"
HOOKS = """
SELECT count(*) AS n, count(lease_until) AS in_hand, sum(attempts) AS tries
FROM deliveries WHERE channel = 'webhook' AND state = 'queued'
"""
