"""Who may send alerts and logs: whoever has the token; without one this machine's own programs."""

from __future__ import annotations

import hmac
from typing import Annotated, Any

from fastapi import Depends, Request

from console.http.hints import Hinted
from console.http.service import Ours
from domain.addresses import is_loopback, name_in

SEND_OURS = "send the token as `Authorization: Bearer …` (http.token)"
HERE_ALONE = "without http.token only programs of this machine may do this, and read under a loopback address"
CHALLENGE = {"WWW-Authenticate": "Bearer"}
ALLOWED: dict[int | str, dict[str, Any]] = {
    400: {"description": "it cannot be read; the answer says where and why"},
    401: {"description": "the token is missing or wrong"},
    403: {"description": "without a token, from elsewhere or from a browser"},
    503: {"description": "it could not be stored: send it again"},
}


def allowed(request: Request, service: Ours) -> None:
    """Raises Hinted 401 or 403."""
    token = service.settings.token.get_secret_value()
    if token:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise Hinted(401, "the token is missing or wrong", SEND_OURS, CHALLENGE)
        return
    if not _by_program_of_here(request):
        raise Hinted(403, HERE_ALONE, "ask under 127.0.0.1 on its machine, or set http.token and send that")


def _by_program_of_here(request: Request) -> bool:
    """A page of a browser can ask this machine as well: it says where it comes from when it posts.

    When it reads, and its name means this machine by now, it says only whom it asks, and that is no loopback address.
    """
    if "origin" in request.headers or not (request.client and is_loopback(request.client.host)):
        return False
    return request.method != "GET" or is_loopback(name_in(request.headers.get("host", "")))


Sender = Annotated[None, Depends(allowed)]
