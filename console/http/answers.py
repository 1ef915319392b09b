"""How the service says that something went wrong: a page under `/i/`, JSON elsewhere; what, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from console.http.pages import page
from domain.answer_links import Flaw, NotTaken
from domain.errors import BadInput, BadSettings, SreError, Unavailable
from domain.masking import masked_urls

PEOPLE = "/i/"
STATUS: Mapping[Flaw, int] = {
    Flaw.FORGED: 403,
    Flaw.EXPIRED: 410,
    Flaw.REPLAYED: 409,
    Flaw.WRONG_VERB: 403,
    Flaw.WRONG_PERSON: 403,
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
        "send it as the guide says (docs/guides/http.md)",
        "go back, load the page again, and look at what it says now",
    ),
    Fault(
        Unavailable,
        503,
        "send it again in a few seconds; `sre status` says what is down",
        "try it again in a few seconds; `sre status` says what is down",
    ),
    Fault(SreError, 400, "it will not be taken as it is", "it will not be taken as it is"),
)
DO: Mapping[int, str] = {
    401: "send the token as `Authorization: Bearer …` (http.token)",
    404: "look at /openapi.json for what there is",
    405: "look at /openapi.json for what there is",
    408: "send it again, faster",
    413: "send less at once",
    415: "send it as application/json",
    429: "send it again after so many seconds as Retry-After says",
    504: "look what came of it, and ask for less",
}

DO_PEOPLE: Mapping[int, str] = {
    **DO,
    401: "log in at /login, then do it again",
    403: "ask somebody who may, or log in as somebody else",
    404: "begin at /incidents",
    405: "begin at /incidents",
    503: "load the page again in a minute",
}


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
    text, browser = masked_urls(str(error))[:2_000], _by_browser(request)
    do = fault.person if browser else fault.program
    return failure(request.url.path, fault.status, text, do, headers, browser=browser)


def _by_browser(request: Request) -> bool:
    """Whether whoever asks reads pages."""
    return "text/html" in request.headers.get("accept", "")


def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    browser = _by_browser(request)
    if browser and error.status_code == 401 and request.method in ("GET", "HEAD"):  # noqa: PLR2004 - HTTP's number
        return RedirectResponse(f"/login?{urlencode({'next': request.url.path})}", 303)
    do = (DO_PEOPLE if browser else DO).get(error.status_code, "look at /openapi.json for what there is")
    return failure(request.url.path, error.status_code, str(error.detail), do, error.headers, browser=browser)


def _invalid(request: Request, error: Exception) -> Response:
    do = "look at /openapi.json for what is expected"
    return failure(request.url.path, 400, str(error)[:500], do, browser=_by_browser(request))
