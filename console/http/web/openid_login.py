"""`/login/openid`: a provider says who somebody is, and that becomes the same cookie as a password does.

Any page may have a browser begin a login here, and gains nothing by it: a login ends in the browser that began it,
which a cookie of its own proves, so nobody is logged in as somebody else. It is a link and no form, as browsers hold
what a form leads to against the policy of its page, which names no provider.
"""

from __future__ import annotations

import secrets

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from adapters.openid.provider import Provider
from adapters.store import openid_logins
from console.http.service import Ours, Service
from console.http.web.callers import where_from
from console.http.web.entering import asking, by_https, let_in, ours
from domain.addresses import is_loopback, name_in
from domain.errors import Refused, Unavailable
from domain.http_settings import scheme
from domain.masking import masked_urls
from domain.openid import Begun, ended, identity
from domain.shown_texts import printable

router = APIRouter(include_in_schema=False)
BEGIN, BACK = "/login/openid", "/login/openid/callback"
BEGUN_COOKIE = "sre_openid"
STRANGE = (
    "this login was not begun in this browser under this address, or more than ten minutes ago, "
    "or it was ended before: begin again"
)


@router.get(BEGIN)
def begin(request: Request, service: Ours, next: str = "") -> Response:  # noqa: A002 - the parameter's name in links
    """Send the browser to the provider, and keep what its answer must fit."""
    provider, now = _provider(request), service.clock()
    begun = Begun(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        redirect=_redirect(request, service),
        following=ours(next),
    )
    try:
        address = provider.address(begun, now=now)
    except (Unavailable, Refused) as error:
        return _refused(request, service, str(error), begun.following, status=503)
    secret = openid_logins.begin(service.engine, begun, now=now)
    sent = RedirectResponse(address, 303)
    age, secure = int(openid_logins.GOOD_FOR.total_seconds()), by_https(request, service)
    sent.set_cookie(BEGUN_COOKIE, secret, max_age=age, path=BEGIN, httponly=True, samesite="lax", secure=secure)
    return sent


@router.get(BACK)
def end(request: Request, service: Ours) -> Response:
    """Take the provider's answer: a login, or why it is none."""
    provider, now = _provider(request), service.clock()
    said = {name: request.query_params.get(name, "") for name in ("state", "code", "error", "iss")}
    browser = request.cookies.get(BEGUN_COOKIE, "")
    begun = openid_logins.take(service.engine, said["state"], browser, now=now)
    if begun is None:
        return _refused(request, service, STRANGE)
    if said["error"] or not said["code"]:
        return _forget(_refused(request, service, ended(said["error"] or "no code"), begun.following))
    try:
        claims = provider.claims(begun, said["code"], said["iss"], now=now)
        user = openid_logins.user_of(service.engine, identity(claims, provider.settings), now=now)
    except (Refused, Unavailable) as error:
        status = 503 if isinstance(error, Unavailable) else 403
        return _forget(_refused(request, service, str(error), begun.following, status=status))
    return _forget(let_in(request, service, user, begun.following))


def _provider(request: Request) -> Provider:
    found: Provider | None = request.app.state.openid
    if found is None:
        raise HTTPException(404, "nobody logs in by OpenID Connect here (http.openid.issuer)")
    return found


def _redirect(request: Request, service: Service) -> str:
    """Where the provider sends the browser back: as the settings say, or as this machine was asked.

    Raises HTTPException 403: a name that a stranger chose leads elsewhere.
    """
    if service.settings.public_url:
        return service.settings.public_url.rstrip("/") + BACK
    host = request.headers.get("host", "")
    if not is_loopback(name_in(host)):
        raise HTTPException(403, "it is not known where logins come back to: an admin sets http.public_url")
    return f"{scheme(service.settings)}://{host}{BACK}"


def _refused(request: Request, service: Service, why: str, following: str = "", *, status: int = 403) -> Response:
    """The login page with the reason, which is in the ledger as well; passwords go on working."""
    told = printable(masked_urls(why))
    service.refusals.note_login("", where_from(request), told, by="OpenID Connect", now=service.clock())
    return asking(service, following, why=told, status=status)


def _forget(answer: Response) -> Response:
    answer.delete_cookie(BEGUN_COOKIE, path=BEGIN, httponly=True, samesite="lax")
    return answer
