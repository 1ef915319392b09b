"""Batches on their way: one is read, one judged and one stored side by side, and their order stays."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import cast

import pytest

from domain.errors import BadBatch, Unavailable
from domain.logs import RawBatch
from domain.settings import Settings
from tasks.batch import Ahead, Batch, take
from tasks.judging import Knowledge, Stopwatch
from tasks.tally import Weighed
from tasks.watching import Watching

PATIENCE_SECONDS = 10


class Line:
    """Stands for a `Watching`: batches of one log, numbered by their offset; says what it is doing."""

    def __init__(self, slow: str = "") -> None:
        self.number = 0
        self.fails_at = -1
        self.slow = slow  # what is done slowly for the batches with an even number
        self.doing: set[str] = set()
        self.twice = False  # one kind of work was done twice at a time
        self.taken: list[int] = []
        self.lock = threading.Lock()
        self.meets: dict[str, int] = {}  # kinds of work, and for which batch they wait for each other
        self.meeting = threading.Barrier(3, timeout=PATIENCE_SECONDS)
        self.met: list[str] = []

    def _do(self, what: str, number: int) -> None:
        with self.lock:
            self.twice |= what in self.doing
            self.doing.add(what)
        if what == self.slow and number % 2 == 0:
            time.sleep(0.05)
        if self.meets.get(what) == number:
            self.meeting.wait()
            self.met.append(what)
        with self.lock:
            self.doing.discard(what)

    def read(self) -> RawBatch:
        number, self.number = self.number, self.number + 1
        self._do("read", number)
        if number == self.fails_at:
            raise Unavailable("kafka: nobody there")
        return RawBatch([1], [0], [number], [b"{}"], {(1, 0): number}, {(1, 0): number + 1})

    def weigh(self, raw: RawBatch) -> Weighed:
        self._do("weigh", raw.offsets[0])
        return Weighed(raw, Knowledge(Settings(), (), None), datetime.now(UTC), None, Stopwatch())

    def take(self, weighed: Weighed) -> None:
        self._do("take", weighed.raw.offsets[0])
        self.taken.append(weighed.raw.offsets[0])


def run(line: Line, work: Callable[[Ahead], Awaitable[None]]) -> None:
    async def whole() -> None:
        ahead = Ahead(cast("Watching", line))
        await work(ahead)
        await ahead.end()

    asyncio.run(asyncio.wait_for(whole(), PATIENCE_SECONDS))


@pytest.mark.parametrize("slow", ["read", "weigh", "take", ""])
def test_batches_are_taken_in_the_order_of_reading_whatever_is_slow(slow: str) -> None:
    line = Line(slow)

    async def work(ahead: Ahead) -> None:
        for number in range(8):
            await take(Batch(ahead.watching, await ahead.next(), number))

    run(line, work)
    assert list(range(8)) == line.taken
    assert not line.twice


def test_while_one_is_stored_the_next_is_judged_and_the_one_after_it_read() -> None:
    line = Line()
    line.meets = {"take": 2, "weigh": 3, "read": 4}

    async def work(ahead: Ahead) -> None:
        for number in range(4):
            await take(Batch(ahead.watching, await ahead.next(), number))

    run(line, work)
    assert sorted(line.met) == ["read", "take", "weigh"]


def test_no_more_than_two_are_on_their_way() -> None:
    line = Line()

    async def work(ahead: Ahead) -> None:
        await ahead.next()
        while line.number < 3:  # noqa: ASYNC110 - what is begun is done by threads
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        assert line.number == 3

    run(line, work)


def test_what_reading_raises_comes_in_its_turn_and_reading_goes_on() -> None:
    line = Line()
    line.fails_at = 2

    async def work(ahead: Ahead) -> None:
        assert [(await ahead.next()).raw.offsets[0] for _ in range(2)] == [0, 1]
        with pytest.raises(Unavailable):
            await ahead.next()
        assert (await ahead.next()).raw.offsets[0] == 3

    run(line, work)


def test_a_batch_is_handed_over_once() -> None:
    line = Line()
    batch = Batch(cast("Watching", line), line.weigh(line.read()), 7)
    assert str(batch) == "batch 7: 1 logs"
    batch.handed_over()
    with pytest.raises(BadBatch, match="batch 7: 1 logs was taken before"):
        batch.handed_over()


def test_the_log_count_is_that_of_the_messages() -> None:
    raw = RawBatch([1, 1], [0, 0], [0, 1], [b"{}", b"{}"], {(1, 0): 0}, {(1, 0): 2})
    assert len(Line().weigh(raw)) == 2
