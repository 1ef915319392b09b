"""Who may send alerts and logs: whoever has the token; without one this machine's own programs."""

from __future__ import annotations

import hmac
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from console.http.service import Ours
from domain.addresses import is_loopback

CHALLENGE = {"WWW-Authenticate": "Bearer"}
ALLOWED: dict[int | str, dict[str, Any]] = {
    400: {"description": "it cannot be read; the answer says where and why"},
    401: {"description": "the token is missing or wrong"},
    403: {"description": "without a token, from elsewhere or from a browser"},
    503: {"description": "it could not be stored: send it again"},
}


def allowed(request: Request, service: Ours) -> None:
    """Raises HTTPException 401 or 403."""
    token = service.settings.token.get_secret_value()
    if token:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise HTTPException(401, "the token is missing or wrong", CHALLENGE)
        return
    # A page of a browser can post to this machine as well; it always says where it comes from.
    if "origin" in request.headers or not (request.client and is_loopback(request.client.host)):
        raise HTTPException(403, "without http.token only programs of this machine may send this")


Sender = Annotated[None, Depends(allowed)]
