"""How many connections there may be, and for how long each may say nothing: idle ones take nobody's place."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from console.http.guards import address
from domain.addresses import is_loopback

HEAD_SECONDS = 10.0
MOST_CONNECTIONS = 800
MOST_OF_AN_ADDRESS = 100  # loopback has all of them: behind a proxy of this machine everybody comes from there


class Patient(H11Protocol):
    """uvicorn's protocol, which by itself waits for ever for the first head.

    Its own limit counts idle connections as requests, so that whoever opens enough of them has everybody refused.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to look, or close it at once where there are too many."""
        super().connection_made(transport)
        if self._is_too_many():
            transport.close()
            return
        self._look_again(waited=False)

    def _is_too_many(self) -> bool:
        if len(self.connections) > MOST_CONNECTIONS:
            return True
        whose = _peer(self)
        if is_loopback(whose):
            return False
        return sum(_peer(one) == whose for one in self.connections) > MOST_OF_AN_ADDRESS

    def _look(self, *, waited: bool) -> None:
        """Close the connection when it still waits for a head that it waited for at the last look."""
        if self.transport.is_closing():
            return
        waits = self.conn.their_state is h11.IDLE
        if waits and waited:
            self.transport.close()
            return
        self._look_again(waited=waits)

    def _look_again(self, *, waited: bool) -> None:
        self.loop.call_later(HEAD_SECONDS / 2, lambda: self._look(waited=waited))


def _peer(one: object) -> str:
    """Whose a connection is, as requests are counted."""
    return address({"client": getattr(one, "client", None)})
