"""A week of a small fleet, decided live minute by minute: a replay of it comes to the same, to the last byte."""

from __future__ import annotations

import random

import pytest

from adapters.store.database import Engine, connect
from tests.parts.judged_part import count
from tests.parts.logs_part import NOON
from tests.parts.replay_part import BEGIN, MINUTE, Live, answer, lines, minutes_of, replayed
from tests.soak.conftest import SOAK

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SOAK, reason="minutes of one core: `make soak` runs it"),
    pytest.mark.timeout(3_600),
]
A_WEEK = 7 * 24 * 60  # minutes


@pytest.fixture
def engine(sqlite_url: str) -> Engine:
    return connect(sqlite_url)


def test_a_week_is_decided_again_to_the_last_decision(engine: Engine) -> None:
    rng, live = random.Random(7), Live(engine)
    for minute in range(A_WEEK):
        live.now = NOON + (minute + 1) * MINUTE
        broken = minute % 2_000 in range(600, 620)
        live.take(minutes_of(rng, minute, broken=broken))
        if rng.random() < 0.02:
            live.take(lines(rng, live.now, rng.randrange(1, 40), faulty=0.5))
        if rng.random() < 0.05:
            answer(rng, live)
        if rng.random() < 0.002:
            live.restart()
    found = replayed(engine, BEGIN, live.now + MINUTE)
    decisions = len(found.stored.decisions)
    print(f"{found.logs:,} logs, {decisions:,} decisions and {count(engine, 'incidents'):,} incidents of a week")  # noqa: T201 - for whoever runs it
    assert decisions > 1_000  # else it was a quiet week
    assert found.differences.none
    assert sorted(one.content for one in found.stored.decisions) == sorted(
        one.content for one in found.decided.decisions
    )
    assert sorted(found.stored.findings, key=str) == sorted(found.decided.findings, key=str)
    assert not found.doubts
    engine.dispose()
