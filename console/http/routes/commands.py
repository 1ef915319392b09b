"""`/api/commands`: a command of `sre` from another machine, for whoever has a token."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from console.helping import asks_for_help, listed
from console.http.commands import Answer, answered, helped, prepare, root_of, run
from console.http.mistakes import in_words
from console.http.routes.bodies import json_body
from console.http.running import Runs
from console.http.service import Body, Ours, Service
from console.http.web.callers import must_be_allowed, program
from console.main import cli
from console.sent import Sink
from domain.access import LOOKING, Caller, Scope, least, refusal
from domain.afar import SENT
from domain.errors import BadInput
from domain.responses import Via

router = APIRouter(tags=["commands"])
JSON = "application/json"
MOST_WORDS, LONGEST_WORD, LONGEST_ALTOGETHER = 200, 20_000, 100_000
Program = Annotated[Caller, Depends(program)]


class Sent(BaseModel):
    """What is sent."""

    model_config = ConfigDict(strict=True, extra="forbid")

    words: list[Annotated[str, StringConstraints(max_length=LONGEST_WORD)]] = Field(
        min_length=1, max_length=MOST_WORDS, description="the command as it is typed behind `sre`, a word each"
    )
    width: int = Field(160, ge=20, le=1_000, description="of the terminal, in letters")
    colour: bool = False
    once: str = Field("", pattern="^[A-Za-z0-9_-]{0,64}$", description="what is sent twice under it runs once")


SAYS: dict[int | str, dict[str, Any]] = {
    200: {"description": "the command ran or was wrongly typed: `out`, `err` and the exit code `exit`"},
    400: {"description": "it cannot be read"},
    401: {"description": "the token is missing or wrong"},
    403: {"description": "role or scope do not suffice"},
    415: {"description": "it is no JSON"},
    429: {"description": "too many commands run at once: send it again after Retry-After"},
    504: {"description": "it was not over in time"},
}


@router.post("/api/commands", openapi_extra=json_body("a command", Sent.model_json_schema()), responses=SAYS)
def commands(request: Request, body: Body, service: Ours, caller: Program) -> JSONResponse:
    """Run one command as whom the token belongs to."""
    sent = _read(request, body)
    sink = Sink(sent.width, sent.colour, service.mask)
    answer = _answer(request.app.state.runs, service, caller, sent, sink)
    return JSONResponse({"out": answer.out, "err": answer.err, "exit": answer.exit})


@router.get("/api/commands")
def list_commands(service: Ours, caller: Program) -> JSONResponse:
    """Each command that can be sent: what it needs, whether the caller may, and its help."""
    helps = listed(cli, root_of(service, caller, Sink(80, colour=False, mask=service.mask)))
    found = [
        {
            "command": name,
            "needs_role": least(deed),
            "needs_scope": Scope.READ if deed in LOOKING else Scope.ANSWER,
            "refused": refusal(caller, deed, service.people),
            "help": helps[name],
        }
        for name, deed in SENT.items()
    ]
    return JSONResponse({"commands": found})


def _read(request: Request, body: bytes) -> Sent:
    """Raises HTTPException 415, which keeps forms of browsers out, and BadInput."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise HTTPException(415, f"a command is sent as {JSON}")
    try:
        sent = Sent.model_validate_json(body)
    except ValidationError as error:
        raise BadInput(f"no command can be read: {in_words(error.errors())}") from error
    if sum(map(len, sent.words)) > LONGEST_ALTOGETHER:
        raise BadInput(f"the words are longer than {LONGEST_ALTOGETHER:,} letters altogether")
    if any("\0" in word for word in sent.words):
        raise BadInput("a word holds NUL, which no text of the store can")
    return sent


def _answer(runs: Runs, service: Service, caller: Caller, sent: Sent, sink: Sink) -> Answer:
    root = root_of(service, caller, sink)
    if asks_for_help(sent.words):
        return helped(root, sent.words, sink)
    ready = []
    allow = partial(must_be_allowed, service, caller, via=Via.COMMAND)
    wrong = answered(lambda: ready.append(prepare(root, sent.words, allow)), sink)
    if not ready:
        return wrong
    do = partial(run, ready[0], root, sink)
    if LOOKING.issuperset(ready[0].deeds):
        return runs.look(do, sink)
    once = (caller.name, sent.once, tuple(sent.words)) if sent.once else None
    return runs.change(once, do, sink)
