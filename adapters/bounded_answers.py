"""Answers of others over httpx2: as long as they may be, not compressed, and not told of in our log."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import httpx2

from domain.errors import Unreadable

# They tell what they send, some of it at DEBUG: only their warnings may reach a log.
_TALKERS = ("httpx2", "httpcore2")
PLAIN = "identity"


def quiet(*more: str) -> None:
    """Let only warnings of these libraries, and of what they talk by, reach our log."""
    for name in (*_TALKERS, *more):
        logging.getLogger(name).setLevel(logging.WARNING)


def bound(where: str, longest: int) -> Callable[[httpx2.Response], Awaitable[None]]:
    """A hook for the answers of a client, at most so many bytes each; `where`: how the other is called in errors.

    What reads an answer raises Unreadable then.
    """

    async def hold(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", PLAIN) != PLAIN:
            raise Unreadable(f"{where}: what came back is no answer: it is compressed, which was not asked for")
        response.stream = _Bounded(response, where, longest)

    return hold


class _Bounded(httpx2.AsyncByteStream):
    """The body of an answer as long as it is not too long."""

    def __init__(self, response: httpx2.Response, where: str, longest: int) -> None:
        self._stream = cast("httpx2.AsyncByteStream", response.stream)
        self._where = where
        self._longest = longest

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Its pieces. Raises Unreadable."""
        read = 0
        async for piece in self._stream:
            read += len(piece)
            if read > self._longest:
                raise Unreadable(
                    f"{self._where}: what came back is no answer: it is longer than {self._longest:,} bytes"
                )
            yield piece

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()
