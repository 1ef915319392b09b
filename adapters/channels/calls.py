"""One HTTP call of a channel: within its deadline, tried again where that may help, its failures in our words.

No text of a receiver, and no address, stands in an error: either may hold a password.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote, urlsplit

import httpx
import stamina

from adapters.deadline import within
from adapters.trust import hint, trusted
from domain.contacts import Contact
from domain.errors import Later, Refused, Unavailable
from domain.paging_settings import PagingSettings
from domain.reachable import contact_problem

Result = TypeVar("Result")

TRIES = 3
FIRST_PAUSE, LONGEST_PAUSE, JITTER = 0.1, 1.0, 0.2  # seconds
LONGEST_ANSWER = 65_536  # bytes that are read of an answer
LONGEST_WAIT = 3_600.0  # seconds that a receiver may ask us to wait
JSON = "application/json"
SETTING = "paging.send_seconds"  # how long one delivery may take


class Passing(Unavailable):
    """What may be over in a moment: the same call is made again within the deadline."""


@dataclass(frozen=True, slots=True)
class Call:
    """One POST."""

    receiver: str  # how it is called in errors
    setting: str  # which setting says where it is, or gets us in
    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def fields(self) -> dict[str, object]:
        """Its JSON object; empty where it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def post(call: Call, seconds: float, heard: Callable[[Answer], None] = lambda _answer: None) -> Answer:
    """The answer that accepts it; `heard` is told of each answer.

    Raises Later, Refused, and Unavailable after a few tries in so many seconds.
    """
    until = time.monotonic() + seconds

    def once() -> Answer:
        answer = exchange(call, until)
        heard(answer)
        return judged(call, answer)

    return within(seconds, lambda: again(once, until), call.receiver, SETTING)


def again(once: Callable[[], Result], until: float) -> Result:
    """What `once` returns, tried again while what it raises is Passing and there is time."""
    retrying = stamina.RetryingCaller(
        attempts=TRIES,
        timeout=max(0.0, until - time.monotonic()),
        wait_initial=FIRST_PAUSE,
        wait_max=LONGEST_PAUSE,
        wait_jitter=JITTER,
    )
    return retrying(Passing, once)


def exchange(call: Call, until: float) -> Answer:
    """Whatever is answered. Raises Passing where nothing is, and Unavailable where the call cannot be made."""
    try:
        return asyncio.run(_exchange(call, until - time.monotonic()))
    except TimeoutError:
        raise Unavailable(f"{call.receiver}: no answer in time ({SETTING})") from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
        raise Unavailable(f"{call.receiver}: {type(error).__name__} (see {call.setting})") from None
    except httpx.ConnectError as error:
        why = hint(error) or f" (see {call.setting})"
        raise Passing(f"{call.receiver}: cannot be reached{why}") from None
    except httpx.HTTPError as error:
        raise Passing(f"{call.receiver}: {type(error).__name__}") from None


async def _exchange(call: Call, seconds: float) -> Answer:
    """Cut at the deadline, however slowly the bytes come."""
    async with (
        asyncio.timeout(seconds),
        httpx.AsyncClient(verify=trusted(), follow_redirects=False, timeout=None) as client,  # noqa: S113 - the deadline is all
        client.stream("POST", call.url, content=call.body, headers=dict(call.headers)) as answer,
    ):
        body = b""
        async for piece in answer.aiter_bytes():
            body += piece
            if len(body) >= LONGEST_ANSWER:
                break
        return Answer(answer.status_code, answer.headers, body[:LONGEST_ANSWER])


# Answers that say that a setting is wrong, which somebody can mend; and those after which another try may help.
MISDIRECTED = frozenset({401, 403, 404, 405, 407, 410, 421})
PASSING = frozenset({408, 425})


def judged(call: Call, answer: Answer) -> Answer:
    """The answer if it accepts the call. Raises Later, Passing, Unavailable or Refused."""
    status, told = answer.status, f"{call.receiver}: HTTP status {answer.status}"
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return answer
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        seconds = retry_after(answer.headers, now=datetime.now(UTC))
        if seconds is not None:
            raise Later(f"{told}: it asks to come again in {seconds:.0f} s", seconds)
    if status < HTTPStatus.BAD_REQUEST:
        raise Unavailable(f"{told}: it points elsewhere, which is not followed (see {call.setting})")
    if status in MISDIRECTED:
        raise Unavailable(f"{told} (see {call.setting})")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise Unavailable(told)
    if status in PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Passing(told)
    raise Refused(told)


def retry_after(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """In how many seconds to come again, an hour at most (RFC 9110, 10.2.3); None where nothing of use is said."""
    given = headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit():
        return min(float(given), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(given)
    except ValueError:
        return None
    seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT)


def host_of(url: str) -> str:
    """Host and port of an address: what of it may be shown."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    return f"{host}:{port}" if port else host


def must_be_usable(contact: Contact, paging: PagingSettings) -> None:
    """Raises Unavailable, with the setting that would help, for a contact that the settings do not reach."""
    if problem := contact_problem(contact, paging):
        raise Unavailable(f"{contact}: {problem}")


def ascii_header(text: str) -> str:
    """`text` as the value of a header; another text is another value."""
    return quote(text, safe=" !#$&'()*+,/:;=?@[]~", errors="backslashreplace").strip() or "-"
