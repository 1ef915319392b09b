"""Where a model is, and one call there through OpenAI's client: within its time, of a bounded size, to nobody else."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from openai import APIConnectionError, APIStatusError, AsyncOpenAI, Omit

from adapters.bounded_answers import bound, quiet
from adapters.channels.calls import Answer, Passing, host_of
from adapters.trust import hint, trusted
from domain.errors import BadSettings, Unavailable
from domain.llm_settings import LlmSettings
from domain.settings import CallSettings

OPENAI = "https://api.openai.com/v1"
LONGEST_ANSWER = 1_000_000  # bytes that are read of an answer

MOST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the calls go."""

    where: str  # how it is called in errors
    url: str = field(repr=False)  # may hold a password
    key: str = field(repr=False)
    connect_seconds: float

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be repeated: the key, and a password of the address as it is and as it is sent."""
        user, password = httpx2.URL(self.url).username, httpx2.URL(self.url).password
        sent = b64encode(f"{user}:{password}".encode()).decode() if password else ""
        return tuple(filter(None, (self.key, password, sent)))


def endpoint_of(settings: LlmSettings, calls: CallSettings) -> Endpoint:
    """The endpoint of the settings. Raises BadSettings for an address or a key that no call could be made with."""
    quiet("openai")
    key, url = settings.api_key.get_secret_value().strip(), settings.base_url or OPENAI
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise BadSettings(
            "llm.api_key: a key is printable ASCII without spaces; one of its characters is something else"
        )
    if not _is_address(url):
        raise BadSettings("llm.base_url: no address of a server; one looks like http://127.0.0.1:8080/v1")
    return Endpoint(f"model {settings.model} at {host_of(url)}", url, key, calls.timeout_seconds)


def _is_address(url: str) -> bool:
    """Whether it has a host that could be looked up, and a port that there is."""
    try:
        parts = httpx2.URL(url)
        return bool(parts.host.encode("idna")) and (parts.port is None or 0 < parts.port <= MOST_PORT)
    except (httpx2.InvalidURL, UnicodeError):
        return False


def exchange(endpoint: Endpoint, body: Mapping[str, Any], until: float) -> Answer:
    """Whatever is answered to a chat completion.

    Raises Passing where nothing is, Unavailable where nothing is in time, and Unreadable for more than may be read.
    """
    where = endpoint.where
    try:
        return asyncio.run(_exchange(endpoint, body, until - time.monotonic()))
    except TimeoutError:
        raise Unavailable(f"{where}: no answer in time (llm.call_seconds)") from None
    except APIStatusError as error:
        return Answer(error.status_code, error.response.headers, error.response.content)
    except APIConnectionError as error:
        broke = error.__cause__
        if isinstance(broke, httpx2.ConnectError | httpx2.ConnectTimeout):
            raise Passing(f"{where}: cannot be reached{hint(error) or ' (see llm.base_url)'}") from None
        raise Passing(f"{where}: the call broke off: {type(broke).__name__}") from None


async def _exchange(endpoint: Endpoint, body: Mapping[str, Any], seconds: float) -> Answer:
    """Cut at the deadline, however slowly the bytes come."""
    async with (
        asyncio.timeout(seconds),
        httpx2.AsyncClient(
            verify=trusted(),
            follow_redirects=False,
            timeout=httpx2.Timeout(None, connect=endpoint.connect_seconds),
            event_hooks={"response": [bound(endpoint.where, LONGEST_ANSWER)]},
        ) as http,
        AsyncOpenAI(
            api_key=endpoint.key, base_url=endpoint.url, max_retries=0, http_client=http, _enforce_credentials=False
        ) as client,
    ):
        answer = await client.post(
            "/chat/completions", body=dict(body), cast_to=httpx2.Response, options={"headers": _headers(endpoint)}
        )
        return Answer(answer.status_code, answer.headers, answer.content)


def _headers(endpoint: Endpoint) -> dict[str, str | Omit]:
    """What the settings say, whatever the environment says to the library."""
    headers: dict[str, str | Omit] = {"Accept-Encoding": "identity"}
    headers["Authorization"] = f"Bearer {endpoint.key}" if endpoint.key else Omit()
    if endpoint.url != OPENAI:
        headers |= {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit()}
    return headers
