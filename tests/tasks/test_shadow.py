"""A challenger scores live batches beside the champion; it is counted, decides nothing, and nobody waits for it."""

from __future__ import annotations

import threading
from datetime import timedelta

import numpy as np

from adapters.store.batches import Judged
from adapters.store.database import Engine
from ml.detectors.service_deviation import Deviation, ServiceDeviation
from ml.scoring import Champion
from tasks.shadow import Seen, Shadow
from tests.parts.judged_part import Feed
from tests.parts.logs_part import NOON, SECOND, an_error
from tests.tasks.test_model_judging import BLIND, GOOD, at, deciding, normal

NOW = NOON + timedelta(hours=1)


def judged(store: Engine, model: ServiceDeviation | None = BLIND) -> Judged:
    """Ten logs, of which the champion knows none for odd; two have a queue of 500, and one says that it failed."""
    feed = Feed(store, deciding(model))
    return feed.judged([*normal(range(7)), at(8, 500), at(9, 500), an_error(10)], now=NOW)


def shadow() -> tuple[Shadow, list[str]]:
    told: list[str] = []
    return Shadow(told.append), told


def looked(over: Shadow, batch: Judged, challenger: ServiceDeviation, *, version: int = 3, after: int = 0) -> None:
    looking = over.look(batch, Champion(challenger, version), now=NOW + after * SECOND)
    assert looking is not None
    looking.join()


def test_what_a_challenger_would_flag_is_counted_beside_what_decides(store: Engine) -> None:
    over, told = shadow()
    looked(over, judged(store), GOOD)
    assert Seen(3, NOW, logs=10, flagged=3, alone=2) == over.seen
    words = "version 3: would flag 3 of 10 logs since 2026-01-05 13:00 UTC, 2 of them not flagged by what decides"
    assert [f"{words}; it would miss 0 that are"] == told


def test_what_it_would_have_missed_is_counted(store: Engine) -> None:
    over, _ = shadow()
    looked(over, judged(store, GOOD), BLIND)
    assert Seen(3, NOW, logs=10, flagged=1, missed=2) == over.seen


def test_it_is_told_of_every_half_a_minute_and_another_version_begins_anew(store: Engine) -> None:
    over, told = shadow()
    batch = judged(store)
    for after in (0, 10, 29, 30):
        looked(over, batch, GOOD, after=after)
    assert 2 == len(told)
    assert "of 40 logs" in told[-1]
    looked(over, batch, GOOD, version=4, after=31)
    assert "version 4: would flag 3 of 10 logs" in over.words
    assert over.look(batch, None, now=NOW) is None
    assert "" == over.words


def test_a_slow_challenger_holds_nothing_up(store: Engine) -> None:
    going_on = threading.Event()

    class Slow(ServiceDeviation):
        def measure(self, codes: np.ndarray, columns: dict[str, np.ndarray]) -> Deviation:  # type: ignore[type-arg]
            going_on.wait(60)
            return super().measure(codes, columns)

    slow = Slow()
    slow.__dict__.update(GOOD.__dict__)
    over, _ = shadow()
    batch = judged(store)
    first = over.look(batch, Champion(slow, 3), now=NOW)
    assert first is not None
    assert over.look(batch, Champion(slow, 3), now=NOW) is None
    assert over.seen is not None
    assert 10 == over.seen.passed_over
    going_on.set()
    first.join()


def test_a_challenger_that_fails_is_passed_over_with_the_reason(store: Engine) -> None:
    class Broken(ServiceDeviation):
        def measure(self, *_: object) -> Deviation:  # type: ignore[override]
            raise ArithmeticError("no such number")

    broken = Broken()
    broken.__dict__.update(GOOD.__dict__)
    over, told = shadow()
    looked(over, judged(store), broken)
    assert told[0].endswith("10 logs passed over; model 3: it raised ArithmeticError")
