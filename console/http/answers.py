"""How the service says that something went wrong: a page under `/i/`, JSON elsewhere; what, and what to do."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from console.http.hints import DO_PEOPLE, guide, hint
from console.http.mistakes import in_path, in_words
from console.http.pages import page
from domain.answer_links import Flaw, NotTaken
from domain.errors import BadInput, BadSettings, SreError, Unavailable
from domain.masking import masked_urls

log = logging.getLogger(__name__)
PEOPLE = "/i/"
STATUS: Mapping[Flaw, int] = {
    Flaw.FORGED: 403,
    Flaw.EXPIRED: 410,
    Flaw.REPLAYED: 409,
    Flaw.WRONG_VERB: 403,
    Flaw.WRONG_PERSON: 403,
    Flaw.DISABLED: 403,
    Flaw.EARLIER_EPISODE: 410,
    Flaw.OTHER_PLAN: 409,
    Flaw.CLOSED: 409,
    Flaw.UNKNOWN: 404,
    Flaw.UNREADABLE: 400,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Whose fault an error of ours is, and what to do: a program, and a person at a page."""

    kind: type[SreError]
    status: int
    program: str
    person: str


# The first that fits counts.
FAULTS: tuple[Fault, ...] = (
    Fault(BadSettings, 400, "`sre config` shows the settings", "`sre config` shows the settings"),
    Fault(
        BadInput,
        400,
        "",  # as the guide of what was asked says
        "go back, and say it otherwise: nothing was changed",
    ),
    Fault(
        Unavailable,
        503,
        "send it again in a few seconds; `sre status` says what is down",
        "try it again in a few seconds; `sre status` says what is down",
    ),
    Fault(SreError, 400, "it will not be taken as it is", "it will not be taken as it is"),
)
# How the adapter of the store begins its errors: behind that come sockets, hosts and statements.
STORE = "store: "


def failure(
    path: str, status: int, error: str, do: str, headers: Mapping[str, str] | None = None, *, browser: bool = False
) -> Response:
    """An answer for whoever asked at that path, a page for people."""
    if browser or path.startswith(PEOPLE):
        found: Response = page("refused.html", status, title=HTTPStatus(status).phrase, why=error, do=[do], commands=[])
    else:
        found = JSONResponse({"error": error, "do": do}, status)
    found.headers.update(headers or {})
    return found


def install(app: FastAPI) -> None:
    """Let errors be answered so."""
    app.add_exception_handler(SreError, _ours)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


def _ours(request: Request, error: Exception) -> Response:
    if isinstance(error, NotTaken):
        do = "look at the page that you have"
        return failure(request.url.path, STATUS[error.flaw], str(error), do, browser=_by_browser(request))
    fault = next(one for one in FAULTS if isinstance(error, one.kind))
    headers = {"Retry-After": "5"} if isinstance(error, Unavailable) else None
    text, browser = _told(error), _by_browser(request)
    do = fault.person if browser else fault.program or guide(request)
    return failure(request.url.path, fault.status, text, do, headers, browser=browser)


def _told(error: Exception) -> str:
    """What an error says to whoever asks, who may be anybody: what the store says stays in our own log."""
    text = masked_urls(str(error))[:2_000]
    if not text.startswith(STORE):
        return text
    log.warning("http.store-error", extra={"error": text})
    return "the database does not answer" if isinstance(error, Unavailable) else "the database does not take it"


def _by_browser(request: Request) -> bool:
    """Whether whoever asks reads pages."""
    return "text/html" in request.headers.get("accept", "")


def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    browser = _by_browser(request)
    if browser and error.status_code == 401 and request.method in ("GET", "HEAD"):  # noqa: PLR2004 - HTTP's number
        return RedirectResponse(f"/login?{urlencode({'next': request.url.path})}", 303)
    do = hint(error, browser=browser)
    return failure(request.url.path, error.status_code, str(error.detail), do, error.headers, browser=browser)


def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    mistakes, browser = error.errors(), _by_browser(request)
    status = 404 if in_path(mistakes) else 400
    do = DO_PEOPLE[404] if browser else guide(request)
    return failure(request.url.path, status, in_words(mistakes, request.url.path), do, browser=browser)
