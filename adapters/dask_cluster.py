"""A cluster of Dask as a pool of processes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from domain.errors import BadSettings, Unavailable

MISSING = "detection.training_scheduler needs prefect-dask: install requirements-dask.txt, or leave it empty"
PATIENCE_SECONDS = 10


@contextmanager
def cluster(address: str) -> Iterator[tuple[Executor, int]]:
    """A pool over the workers of a scheduler, and how many there are.

    Raises BadSettings without Dask, Unavailable where nobody answers, no worker is there, or one dies again and again.
    """
    try:
        from distributed import Client, KilledWorker  # noqa: PLC0415 - an extra, and a second
    except ModuleNotFoundError as error:
        raise BadSettings(MISSING) from error
    try:
        client = Client(address, timeout=PATIENCE_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise Unavailable(f"detection.training_scheduler: {address} does not answer: {error}") from error
    try:
        workers = len(client.ncores())
        if not workers:
            raise Unavailable(f"detection.training_scheduler: {address} has no worker")
        yield client.get_executor(), workers
    except KilledWorker as error:
        raise Unavailable(f"a worker of {address} died again and again: {error}") from error
    finally:
        client.close()
