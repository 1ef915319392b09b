"""Calls to a provider: each within its time, of a bounded size, to nobody else, its failures in our words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from adapters.bounded_answers import PLAIN, bound, quiet
from adapters.deadline import within
from adapters.trust import hint, trusted
from domain.errors import Refused, Unavailable, Unreadable
from domain.openid import Begun, ended
from domain.openid_settings import OpenIdSettings

Result = TypeVar("Result")

SECONDS = 10.0  # a person waits
LONGEST_ANSWER = 262_144  # bytes that are read of an answer
SETTING = "http.openid.issuer"
HEADERS = {"Accept": "application/json", "Accept-Encoding": PLAIN}
BASIC, IN_BODY, NONE = "client_secret_basic", "client_secret_post", "none"
# What a provider says where it does not know us, which only an admin can mend (RFC 6749, 5.2).
UNKNOWN_CLIENT = frozenset({"invalid_client", "unauthorized_client"})


def document(where: str, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON object at an address. Raises Unavailable and Unreadable; `where`: the provider's name in errors."""

    async def get() -> bytes:
        async with _client(where) as client:
            answer = await client.request("GET", url, withhold_token=True, headers={**HEADERS, **(headers or {})})
            if answer.status_code != httpx2.codes.OK:
                raise Unavailable(f"{where}: HTTP status {answer.status_code} (see {SETTING})")
            return bytes(answer.content)

    found = _asked(where, get)
    try:
        said = json.loads(found)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Unreadable(f"{where}: what came back is no JSON object (see {SETTING})")
    return said


def tokens(where: str, settings: OpenIdSettings, url: str, method: str, begun: Begun, code: str) -> dict[str, Any]:
    """What the code of a login is exchanged for; `method`: how we say who we are.

    Raises Refused where the provider does not take the code or us, Unavailable and Unreadable.
    """
    name, secret = settings.client_id, settings.client_secret.get_secret_value()
    if method == BASIC:  # both are encoded as in a form before they are put together (RFC 6749, 2.3.1)
        name, secret = quote(name, safe=""), quote(secret, safe="")

    async def exchange() -> dict[str, Any]:
        async with _client(where, client_id=name, client_secret=secret, token_endpoint_auth_method=method) as client:
            found = await client.fetch_token(
                url,
                grant_type="authorization_code",
                code=code,
                code_verifier=begun.verifier,
                redirect_uri=begun.redirect,
            )
            return dict(found)

    return _asked(where, exchange)


def _client(where: str, **more: str) -> AsyncOAuth2Client:
    quiet("authlib")
    return AsyncOAuth2Client(
        verify=trusted(),
        follow_redirects=False,
        timeout=None,  # the deadline is all
        headers=HEADERS,
        event_hooks={"response": [bound(where, LONGEST_ANSWER)]},
        **more,
    )


def _asked(where: str, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """What `work` returns, cut at the deadline however slowly the bytes come; foreign errors are ours then."""

    async def in_time() -> Result:
        async with asyncio.timeout(SECONDS):
            return await work()

    def once() -> Result:
        try:
            return asyncio.run(in_time())
        except TimeoutError:
            raise Unavailable(f"{where}: no answer within {SECONDS:g} s (see {SETTING})") from None
        except OAuthError as error:
            raise Refused(f"{where}: {_refused(str(error.error))}") from None
        except httpx2.HTTPStatusError as error:
            raise Unavailable(f"{where}: HTTP status {error.response.status_code}") from None
        except httpx2.ConnectError as error:
            raise Unavailable(f"{where}: cannot be reached{hint(error) or f' (see {SETTING})'}") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Unavailable(f"{where}: {type(error).__name__} (see {SETTING})") from None
        except (ValueError, TypeError, OverflowError) as error:  # what Authlib makes of an answer of another shape
            raise Unreadable(f"{where}: what came back is no answer") from error

    # A name that is looked up for long is left to itself soon after.
    return within(SECONDS + 1, once, where, SETTING)


def _refused(code: str) -> str:
    if code in UNKNOWN_CLIENT:
        return f"it does not know these pages (http.openid.client_id and client_secret): {code}"
    if code == "invalid_grant":
        return f"the login was used before or is too old, begin again ({code})"
    return ended(code)
