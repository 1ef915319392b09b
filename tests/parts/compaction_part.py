"""A store whose logs are gathered into files, for tests."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa

from adapters.log_archive import Archive
from adapters.log_blocks import STORED
from adapters.store.compaction import closed_hours, compact
from adapters.store.database import Engine, connect, transaction
from adapters.store.log_reader import Asked, whole
from adapters.store.log_writer import BLOCK_FROM
from adapters.store.opening import with_archive
from tests.parts.judged_part import NOW, Feed
from tests.parts.killed_part import Doom
from tests.parts.logs_part import NOON, SECOND, a_log, an_error

LATER = NOW + timedelta(hours=3)
PATIENCE_SECONDS = 60
FILLED_LOGS = 1_030  # of `fill`


def opened(url: str, folder: Path) -> Engine:
    return with_archive(connect(url), Archive(folder))


@contextmanager
def filled_store(url: str, folder: Path) -> Iterator[Engine]:
    """A store with the logs of `fill`, whose files go to the folder."""
    engine = opened(url, folder)
    fill(engine)
    yield engine
    engine.dispose()


def fill(engine: Engine) -> None:
    """Two blocks, some single logs and some of an incident in one hour, and single logs in the next."""
    feed = Feed(engine)
    for second in range(2):
        feed.take(*(_log(number) for number in range(BLOCK_FROM)), now=NOW + second * SECOND)
    feed.take(*(_log(number) for number in range(20)), *(an_error(number) for number in range(3)), now=NOW + 2 * SECOND)
    feed.take(*(_log(number) for number in range(7)), now=NOW + timedelta(hours=1))


def _log(number: int) -> bytes:
    at = (NOON + (number % 60) * SECOND).isoformat()
    service = ("web", "db", "cache")[number % 3]
    return a_log(timestamp=at, service=service, request_id=f"r{number}", metrics={"cpu": number % 7}, attribute=number)


def held(engine: Engine) -> pa.Table:
    """Every log, in the order of Kafka."""
    with transaction(engine) as connection:
        found = whole(connection, Asked(), STORED.names)
    return found.sort_by([(name, "ascending") for name in ("topic", "partition", "offset", "part")])


def places(engine: Engine) -> Counter[tuple[int, ...]]:
    """How often each (topic, partition, offset, part) is there."""
    found = held(engine)
    return Counter(zip(*(found[name].to_pylist() for name in ("topic", "partition", "offset", "part")), strict=True))


def gather(engine: Engine, archive: Archive, until: datetime = LATER) -> list[str]:
    """Gather every hour that ended by then."""
    return [path for hour in closed_hours(engine, until) for path in compact(engine, archive, hour)]


class DoomedArchive(Archive):
    """The real one, with a point on both sides of a write."""

    def __init__(self, where: Path, doom: Doom) -> None:
        super().__init__(where)
        self._doom = doom

    def write(self, path: str, logs: pa.Table, *, level: int = 3) -> int:
        self._doom.point("before a file is written")
        size = super().write(path, logs, level=level)
        self._doom.point("after a file was written")
        return size


def dies(url: str, folder: Path, number: int) -> str:
    """Gather in a process of its own that dies by SIGKILL at a point; where, or nothing: it came to an end."""
    ours, theirs = multiprocessing.Pipe(duplex=False)

    def doomed() -> None:
        engine, doom = opened(url, folder), Doom(number, theirs)
        doom.watch(engine)
        gather(engine, DoomedArchive(folder, doom))
        os._exit(0)

    process = multiprocessing.get_context("fork").Process(target=doomed)
    process.start()
    theirs.close()
    process.join(PATIENCE_SECONDS)
    assert process.exitcode in (0, -signal.SIGKILL), f"it ended by itself: {process.exitcode}"
    return str(ours.recv()) if process.exitcode else ""
