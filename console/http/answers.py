"""How the service says that something went wrong: a page under `/i/`, JSON elsewhere; what, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from console.http.pages import page
from domain.answer_links import Flaw, NotTaken
from domain.errors import BadInput, Refused, SreError, Unavailable
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
# Which of our errors is whose fault; the first that fits counts.
FAULTS: tuple[tuple[type[SreError], int, str], ...] = (
    (BadInput, 400, "send it as the guide says (docs/guides/http.md)"),
    (Unavailable, 503, "send it again in a few seconds; `sre status` says what is down"),
    (Refused, 400, "it will not be taken as it is"),
)
DO: Mapping[int, str] = {
    401: "send the token as `Authorization: Bearer …` (http.token)",
    404: "look at /openapi.json for what there is",
    405: "look at /openapi.json for what there is",
    408: "send it again, faster",
    413: "send less at once",
}


def failure(path: str, status: int, error: str, do: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer for whoever asked at that path."""
    if path.startswith(PEOPLE):
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
        return failure(request.url.path, STATUS[error.flaw], str(error), "look at the page that you have")
    status, do = next(((status, do) for kind, status, do in FAULTS if isinstance(error, kind)), (400, ""))
    headers = {"Retry-After": "5"} if isinstance(error, Unavailable) else None
    return failure(request.url.path, status, masked_urls(str(error))[:2_000], do, headers)


def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    do = DO.get(error.status_code, "look at /openapi.json for what there is")
    return failure(request.url.path, error.status_code, str(error.detail), do, error.headers)


def _invalid(request: Request, error: Exception) -> Response:
    return failure(request.url.path, 400, str(error)[:500], "look at /openapi.json for what is expected")
