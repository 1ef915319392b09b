"""`/login` and `/logout`: a password becomes a cookie; wrong ones slow the next try down and are in the ledger."""

from __future__ import annotations

import math
from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from adapters import passwords
from adapters.store import users
from adapters.store.users import User
from console.http.service import Ours, Service
from console.http.web.attempts import Attempts
from console.http.web.callers import COOKIE, Asking, must_be_ours, same_site, where_from
from console.http.web.entering import asking, let_in
from console.http.web.forms import Form
from domain.amounts import lasting
from domain.shown_texts import printable

router = APIRouter(include_in_schema=False)
WRONG = "there is no such user with that password"
LONGEST_NAME = 100


@router.get("/login")
def ask(service: Ours, next: str = "") -> Response:  # noqa: A002 - the parameter's name in links
    """The form."""
    return asking(service, next)


@router.post("/login")
def log_in(request: Request, service: Ours, form: Form) -> Response:
    """Begin a login, under a cookie that nobody had before. Raises HTTPException 403 for a form of elsewhere."""
    if not same_site(request, service.settings):
        raise HTTPException(403, "the form is none of this page: load the page again")
    name, address = printable(form.get("name", "").strip())[:LONGEST_NAME], where_from(request)
    attempts: Attempts = request.app.state.attempts
    keys = (f"name {name}", f"address {address}")
    if wait := attempts.wait(keys):
        _note(service, name, address, "too many wrong passwords came before")
        return _again(service, form, wait)
    user = _proven(service, name, form.get("password", ""))
    if user is None:
        attempts.failure(keys)
        _note(service, name, address, WRONG)
        return _again(service, form)
    attempts.success(keys[0])
    return let_in(request, service, user, form.get("next", ""))


def _proven(service: Service, name: str, password: str) -> User | None:
    """The user whose password it is; each answer takes as long, whether there is such a user or not."""
    user = users.user_named(service.engine, name)
    enabled = user is not None and user.disabled_at is None
    stored = user.password if user is not None and enabled else ""
    return user if passwords.matches(stored, password) else None


@router.post("/logout")
def log_out(request: Request, service: Ours, caller: Asking, form: Form) -> Response:
    """End the login of this browser."""
    must_be_ours(request, service, caller, form)
    if secret := request.cookies.get(COOKIE, ""):
        users.log_out(service.engine, secret)
    done = RedirectResponse("/login", 303)
    done.delete_cookie(COOKIE, httponly=True, samesite="lax")
    return done


def _again(service: Service, form: dict[str, str], wait: timedelta = timedelta(0)) -> Response:
    seconds = math.ceil(wait.total_seconds())
    why = f"too many wrong passwords, try again in {lasting(seconds)}" if wait else WRONG
    given = form.get("name", "")[:LONGEST_NAME]
    made = asking(service, form.get("next", ""), why=why, given=given, status=429 if wait else 403)
    if wait:
        made.headers["Retry-After"] = str(seconds)
    return made


def _note(service: Service, name: str, address: str, why: str) -> None:
    service.refusals.note_login(name, address, why, now=service.clock())
