"""What every login has in common: the page that asks, the cookie that it ends with, and where it leads to."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from adapters.store import users
from adapters.store.users import User
from console.http.service import Service
from console.http.web.callers import COOKIE, where_from
from console.http.web.render import shown
from domain.http_settings import scheme


def asking(service: Service, following: str, *, why: str = "", given: str = "", status: int = 200) -> Response:
    """The login page; `why`: what kept the one before from being one, in words."""
    openid = service.settings.openid
    by_openid = bool(openid.issuer)
    return shown(
        service,
        None,
        "login.html",
        status=status,
        title="Log in",
        why=why,
        unneeded=not by_openid and not users.any_user(service.engine),
        by_openid=openid.label if by_openid else "",
        by_password=not by_openid or users.any_password(service.engine),
        next=ours(following),
        given=given,
    )


def let_in(request: Request, service: Service, user: User, following: str) -> Response:
    """A new login, under a cookie that nobody had before; one that this browser had ends."""
    longest = timedelta(hours=service.settings.session_hours)
    if old := request.cookies.get(COOKIE, ""):
        users.log_out(service.engine, old)
    secret = users.log_in(service.engine, user, now=service.clock(), longest=longest, address=where_from(request))
    done = RedirectResponse(ours(following), 303)
    age, secure = int(longest.total_seconds()), by_https(request, service)
    done.set_cookie(COOKIE, secret, max_age=age, httponly=True, samesite="lax", secure=secure)
    return done


def ours(path: str) -> str:
    """Where a login leads to: a path of ours, whatever a link says."""
    parts = urlsplit(path)
    good = path.startswith("/") and not path.startswith(("//", "/\\")) and not (parts.scheme or parts.netloc)
    return path if good and path.isprintable() and "\\" not in path else "/incidents"


def by_https(request: Request, service: Service) -> bool:
    """Whether browsers reach us by HTTPS alone."""
    https = service.settings.public_url.startswith("https://") or scheme(service.settings) == "https"
    return https or request.url.scheme == "https"
