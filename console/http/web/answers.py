"""Buttons of an incident's page: an answer becomes a row, on which `on-call` acts; a verdict and a note are rows."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from adapters.store import alarm_verdicts, responses
from console.http.answering import NEXT, answer
from console.http.service import Ours, Service
from console.http.web.callers import Asking, must_be_allowed, must_be_ours
from console.http.web.forms import Form, Number
from console.noting import as_findings
from domain.access import Caller, Deed
from domain.alarm_verdicts import AlarmVerdict
from domain.answer_links import Flaw, NotTaken, argument_of
from domain.errors import BadInput
from domain.resolution_notes import NOTHING, Findings
from domain.responses import Response as Said
from domain.responses import Verb, Via
from tasks.noting import note_closed

router = APIRouter(include_in_schema=False)


@router.post("/incidents/{number}/verdict")
def verdict(request: Request, number: Number, form: Form, service: Ours, caller: Asking) -> Response:
    """Say whether there was a fault."""
    must_be_ours(request, service, caller, form)
    must_be_allowed(service, caller, Deed.VERDICT, incident_id=number)
    said = form.get("verdict", "")
    if said not in set(AlarmVerdict):
        raise BadInput(f"a verdict is one of {', '.join(AlarmVerdict)}")
    alarm_verdicts.give(service.engine, number, AlarmVerdict(said), by=caller.person, now=service.clock())
    return _done(request, number, "verdict kept")


@router.post("/incidents/{number}/note")
def note(request: Request, number: Number, form: Form, service: Ours, caller: Asking) -> Response:
    """Say what caused it and what helped, when it is over."""
    must_be_ours(request, service, caller, form)
    must_be_allowed(service, caller, Deed.NOTE, incident_id=number)
    findings, now = _findings(form), service.clock()
    return _done(
        request,
        number,
        note_closed(service.engine, number, findings, by=caller.person, people=service.people, now=now),
    )


@router.post("/incidents/{number}/{verb}")
def act(request: Request, number: Number, verb: str, form: Form, service: Ours, caller: Asking) -> Response:
    """Answer by a button."""
    if verb not in set(Verb):
        raise BadInput(f"{verb[:40]!r} is none of {', '.join(Verb)}, verdict and note")
    must_be_ours(request, service, caller, form)
    must_be_allowed(service, caller, Verb(verb), incident_id=number)
    response, plan = _response(service, caller, number, Verb(verb), form)
    answer(service, response, plan, known=True)
    return _done(request, number, NEXT)


def _response(service: Service, caller: Caller, number: int, verb: Verb, form: dict[str, str]) -> tuple[Said, str]:
    """What the form says, and the plan that it is about.

    Without an episode it is said of the present one. Raises NotTaken and BadInput.
    """
    asked = responses.asked(service.engine, number)
    if asked is None:
        raise NotTaken(Flaw.UNKNOWN)
    episode, plan = form.get("episode") or str(asked.episode), form.get("plan", "")
    if not episode.isdecimal():
        raise BadInput("the form's episode is no number: use the buttons of the page")
    nonce = form.get("nonce", "")[:64]
    about = (number, int(episode[:9]), verb, caller.person, Via.CONSOLE)
    argument = argument_of(verb, form.get("argument", ""), plan)
    findings = _findings(form) if verb is Verb.RESOLVE else NOTHING
    nonce = f"console {caller.name} {nonce or _once(service)}"
    return Said(*about, argument, nonce, findings=findings), plan


def _findings(form: dict[str, str]) -> Findings:
    """What was found out, by the fields that the command has as options. Raises BadInput."""
    return as_findings({name: form.get(name, "").strip() or None for name in ("cause", "helped", "origin", "analysis")})


def _once(service: Service) -> str:
    """For whoever sends no nonce, each answer is one of its own."""
    return service.clock().isoformat()


def _done(request: Request, number: int, text: str) -> Response:
    """Back to the page, which says what became of it; for programs as JSON."""
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(f"/incidents/{number}#answer", 303)
    return JSONResponse({"incident": number, "status": text}, 202)
