"""Who asks: by cookie, by token, or as the only one who can; and whether a form is one of ours."""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from adapters.store import users
from console.given import who
from console.http.guards import address
from console.http.hints import Hinted
from console.http.refusals import Refusals
from console.http.service import Ours, Service
from domain.access import Caller, Deed, Login, Way, is_over, refusal
from domain.answer_links import Flaw
from domain.http_settings import HttpSettings, unguarded_problem
from domain.people import Role
from domain.responses import Verb, Via

COOKIE = "sre_login"
SEND_A_USERS = (
    "send a user's token as `Authorization: Bearer TOKEN`; `sre users token NAME --scope read` on its machine makes one"
)
ADD_ONE = "`sre users add NAME --role responder` on its machine adds a user"
# What the forms of whoever needs no login carry: it is known to nobody else, and made anew with the process.
_OF_THIS_PROCESS = secrets.token_urlsafe(32)


class NotLoggedIn(Hinted):
    """Whoever asks must log in first; a browser is sent to do so."""

    def __init__(self) -> None:
        super().__init__(401, "log in first", SEND_A_USERS, {"WWW-Authenticate": "Bearer"})


def _caller(request: Request, service: Ours) -> Caller:
    """Raises NotLoggedIn, and HTTPException where there is nobody who could log in."""
    if given := request.headers.get("authorization", ""):
        return _by_token(service, given)
    if secret := request.cookies.get(COOKIE, ""):
        found = users.login_of(service.engine, secret, now=service.clock())
        if found is not None and not ended(found[0], service):
            login, user = found
            return Caller(user.name, user.person, user.role, Way.LOGIN, csrf=login.csrf)
    return _unguarded(request, service)


def program(request: Request, service: Ours) -> Caller:
    """Who asks with a token, or from this machine while there is no user; a cookie counts for nothing here.

    So no page of a browser can do it: it sends cookies by itself, and no token. Raises as for pages, and
    HTTPException 403, noted in the ledger, for a page of elsewhere.
    """
    if given := request.headers.get("authorization", ""):
        return _by_token(service, given)
    found = _unguarded(request, service)
    if "origin" in request.headers:
        _note(service.refusals, service, Flaw.FORGED, found, "command", None, Via.COMMAND)
        raise Hinted(403, "a page of a browser sends no commands", "send it by `sre` or another program")
    return found


def _unguarded(request: Request, service: Service) -> Caller:
    """Whoever is on this machine, while there is no user."""
    if service.settings.openid.issuer or users.any_user(service.engine):
        raise NotLoggedIn
    host = request.headers.get("host", "")
    if problem := unguarded_problem(service.settings, request.client.host if request.client else "", host):
        raise Hinted(403, problem, ADD_ONE)
    return Caller(who(), who(), Role.ADMIN, Way.UNGUARDED, csrf=_OF_THIS_PROCESS)


def _by_token(service: Service, given: str) -> Caller:
    kind, _, secret = given.partition(" ")
    found = users.token_of(service.engine, secret.strip(), now=service.clock()) if kind.lower() == "bearer" else None
    if found is None:
        raise NotLoggedIn
    scopes, user = found
    return Caller(user.name, user.person, user.role, Way.TOKEN, scopes)


def ended(login: Login, service: Service) -> bool:
    """Whether a login is over by the settings."""
    limits = service.settings
    idle, longest = timedelta(hours=limits.session_idle_hours), timedelta(hours=limits.session_hours)
    return is_over(login, service.clock(), idle=idle, longest=longest)


Asking = Annotated[Caller, Depends(_caller)]


def looks_at_settings(caller: Asking, service: Ours) -> Caller:
    """Raises HTTPException 403 where the role does not suffice."""
    if why := refusal(caller, Deed.LOOK_AT_SETTINGS, service.people):
        raise HTTPException(403, why)
    return caller


def must_be_allowed(
    service: Service, caller: Caller, deed: Deed | Verb, *, incident_id: int | None = None, via: Via = Via.CONSOLE
) -> None:
    """Raises HTTPException 403, noted in the ledger, where the caller may not."""
    if why := refusal(caller, deed, service.people):
        _note(service.refusals, service, Flaw.WRONG_PERSON, caller, deed, incident_id, via)
        raise HTTPException(403, why)


def must_be_ours(request: Request, service: Service, caller: Caller, form: dict[str, str]) -> None:
    """Raises HTTPException 403, noted in the ledger, for a form that another site may have sent.

    A token needs none of this: a browser sends a cookie by itself, and no token.
    """
    if caller.way is Way.TOKEN:
        return
    given = form.get("csrf", "")
    if not hmac.compare_digest(given.encode(), caller.csrf.encode()) or not same_site(request, service.settings):
        _note(service.refusals, service, Flaw.FORGED, caller, form.get("verb", ""), None)
        raise HTTPException(403, "the form is none of this page, or of an earlier login: load the page again")


def same_site(request: Request, settings: HttpSettings) -> bool:
    """Whether a request comes from a page of ours, as far as the browser says so."""
    origin = request.headers.get("origin")
    if origin is None:
        return True
    ours = {request.headers.get("host", ""), urlsplit(settings.public_url).netloc} - {""}
    return urlsplit(origin).netloc in ours


def _note(  # noqa: PLR0913, PLR0917 - what is known of the answer
    refusals: Refusals,
    service: Service,
    flaw: Flaw,
    caller: Caller,
    deed: str,
    incident_id: int | None,
    via: Via = Via.CONSOLE,
) -> None:
    refusals.note(
        flaw,
        via,
        now=service.clock(),
        about=f"{caller.name} {deed}",
        incident_id=incident_id,
        by=caller.person,
        verb=str(deed),
    )


def where_from(request: Request) -> str:
    """The address that tries of one caller are counted by."""
    return address(request.scope)
