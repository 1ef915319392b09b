"""What every request passes first: limits on how often, how long and how much, and headers on every answer."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.http.answers import failure
from console.http.pages import POLICY
from domain.addresses import is_loopback
from domain.http_settings import HttpSettings

# A whole request must be here after so long.
READ_SECONDS = 10.0
MOST_REQUESTS = 200  # at once, live pages included
HEALTH = ("/healthz", "/readyz")  # asked for often, by whoever keeps the service running
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}


class Guard:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, settings: HttpSettings) -> None:
        self.app = app
        self.settings = settings
        self.limiter = FixedWindowRateLimiter(MemoryStorage())
        self.limit = RateLimitItemPerMinute(settings.per_minute)
        self.running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope, send = _as_get(scope, send)
        answer = _with_headers(send)
        if refusal := self._refusal(scope):
            await refusal(scope, receive, answer)
            return
        self.running += 1
        try:
            await self.app(scope, _limited(receive, self.settings.most_bytes), answer)
        finally:
            self.running -= 1

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        own = scope["path"] in HEALTH and is_loopback(address(scope))
        if not own and not self.limiter.hit(self.limit, address(scope)):
            text = f"more than {self.settings.per_minute} requests in a minute (http.per_minute)"
            return failure(scope["path"], 429, text, "wait a minute", {"Retry-After": "60"})
        if not own and self.running >= MOST_REQUESTS:
            text = f"{MOST_REQUESTS} requests are being answered, and no more can be at once"
            return failure(scope["path"], 503, text, "try again in some seconds", {"Retry-After": "5"})
        length = Headers(scope=scope).get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            return failure(scope["path"], 400, "Content-Length is no number", "send the length of the body")
        if int(length[:20]) > self.settings.most_bytes:
            return failure(scope["path"], 413, _too_long(self.settings.most_bytes), "send less at once")
        return None


def address(scope: Scope) -> str:
    """Whose requests are counted together: an IPv4 address, or a network of 64 bits, which one household has."""
    host = scope["client"][0] if scope.get("client") else ""
    try:
        found = ip_address(host)
    except ValueError:
        return str(host)
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else host


def _too_long(most: int) -> str:
    return f"the body is longer than {most:,} bytes (http.most_bytes)"


def _limited(receive: Receive, most: int) -> Receive:
    """The same, but not for longer and not more than allowed, whatever the request says of its length."""
    deadline = asyncio.get_running_loop().time() + READ_SECONDS
    read, whole = 0, False

    async def limited() -> Message:
        nonlocal read, whole
        if whole:  # what comes now is only that whoever asked has gone, and that may take as long as it likes
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError as error:
            raise HTTPException(408, f"the request was not here within {READ_SECONDS:g} s") from error
        read += len(message.get("body", b""))
        if read > most:
            raise HTTPException(413, _too_long(most))
        whole = not message.get("more_body", False)
        return message

    return limited


def _as_get(scope: Scope, send: Send) -> tuple[Scope, Send]:
    """HEAD is asked as GET, and answered without the body; what would go on for ever ends with the head."""
    if scope["method"] != "HEAD":
        return scope, send

    async def head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b""})

    return {**scope, "method": "GET"}, head


def _with_headers(send: Send) -> Send:
    async def answer(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)  # pages of the console have a policy of their own
        await send(message)

    return answer
