"""Work that ends in time, whatever it waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from domain.errors import SreError, Unavailable

Result = TypeVar("Result")


def within(seconds: float, work: Callable[[], Result], where: str, setting: str) -> Result:
    """What `work` returns or raises, if it does so in time; after that it is left to itself. Raises Unavailable.

    `where`: whom it asks, and `setting`: what says how long, for the error.

    Looking up a name cannot be cut short otherwise, and a thread of its own has no event loop in the way.
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except SreError as error:
            future.set_exception(error)
        finally:
            if not future.done():  # a mistake of ours; the thread's end tells of it
                future.set_exception(Unavailable(f"{where}: the call broke off"))

    threading.Thread(target=run, daemon=True, name=f"asking {where}").start()
    try:
        return future.result(timeout=seconds)
    except TimeoutError:
        raise Unavailable(f"{where}: no answer within {seconds:g} s ({setting})") from None
