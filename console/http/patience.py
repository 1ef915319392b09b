"""A connection that sends no whole request head for long is closed; thousands of them would take all there are."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0


class Patient(H11Protocol):
    """uvicorn's protocol, which by itself waits for ever for the first head."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to look."""
        super().connection_made(transport)
        self._look_again(waited=False)

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
