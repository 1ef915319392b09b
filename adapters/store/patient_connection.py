"""A connection of psycopg that gives a silent server up.

Limits of TCP notice a network that drops packets, but not a server that is stopped, or a proxy that forwards no
more: there the packets are acknowledged, and no answer ever comes.
"""

from __future__ import annotations

import time
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

Answer = TypeVar("Answer")
INTERVAL_SECONDS = 0.1


class PatientConnection(psycopg.Connection[Any]):
    """Raises OperationalError, and is closed, where the server says nothing for `answer_seconds`; 0 waits for ever."""

    answer_seconds: float = 0

    def wait(self, gen: PQGen[Answer], interval: float = INTERVAL_SECONDS, timeout: float | None = None) -> Answer:
        """As psycopg's own, which looks at each interval whether there is something to read."""
        return super().wait(self._limited(gen) if self.answer_seconds else gen, interval, timeout)

    def _limited(self, gen: PQGen[Answer]) -> PQGen[Answer]:
        heard = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    heard = time.monotonic()
                elif time.monotonic() - heard > self.answer_seconds:
                    self.close()
                    raise psycopg.OperationalError(f"the database said nothing for {self.answer_seconds:g} s")
                wanted = gen.send(ready)
        except StopIteration as end:
            answer: Answer = end.value
            return answer
