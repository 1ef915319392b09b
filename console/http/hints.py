"""What to do about an answer that is none: it depends on what was asked, and of whom."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from starlette.exceptions import HTTPException

COMMANDS = "/api/commands"
LOOK = "look at /openapi.json for what there is"
PAGES = "the guide says what the pages take (docs/guides/console.md)"
DO: Mapping[int, str] = {
    403: "ask somebody who may, or send the token of somebody who may",
    404: LOOK,
    405: LOOK,
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


class Hinted(HTTPException):
    """An answer that says itself what to do."""

    def __init__(self, status: int, detail: str, do: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)
        self.do = do


def hint(error: HTTPException, *, browser: bool) -> str:
    """What to do, for a person at a page or for whoever wrote a program."""
    if isinstance(error, Hinted) and not (browser and error.status_code == 401):  # noqa: PLR2004 - HTTP's number
        return error.do
    return (DO_PEOPLE if browser else DO).get(error.status_code, LOOK)


def is_page(request: Request) -> bool:
    """Whether a page was asked for, or a form of one was sent: they are not described to programs."""
    route = request.scope.get("route")
    return route is not None and not getattr(route, "include_in_schema", True)


def guide(request: Request) -> str:
    """Where whoever wrote a program reads how to ask."""
    if request.url.path == COMMANDS:
        return 'send it as the guide says (docs/guides/console.md, "From another machine")'
    return PAGES if is_page(request) else "send it as the guide says (docs/guides/http.md)"
