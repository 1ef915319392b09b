"""`/i/{token}`: opening a link only shows; a button acts, as scanners of mail open links and press none."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response as Answer

from adapters.store import look_ups, responses, users
from adapters.store.responses import Answered
from console.http.answering import NEXT, answer, refused
from console.http.answers import STATUS
from console.http.incident_view import buttons, view
from console.http.pages import page
from console.http.service import Ours, Service
from console.http.web.forms import Form
from domain.amounts import clock
from domain.answer_links import MEANING, AnswerLink, Asked, Flaw, NotTaken, argument_of
from domain.errors import BadInput
from domain.responses import Response, Verb, Via

router = APIRouter(tags=["answers"])
TEXT = {"type": "string"}
FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["token", "verb"],
                    "properties": {"token": TEXT, "verb": {"enum": [*Verb]}, "argument": TEXT},
                }
            }
        },
    }
}
REFUSED: dict[int | str, dict[str, Any]] = {
    status: {"description": ", or ".join(MEANING[flaw] for flaw in Flaw if STATUS[flaw] == status)}
    for status in sorted(set(STATUS.values()))
}


@router.get("/i/{token}", responses=REFUSED)
def show(token: str, service: Ours) -> Answer:
    """Show the incident of a link; nothing changes."""
    try:
        link = service.verifier.verify(token, now=service.clock())
        return _shown(service, link, token, [])
    except NotTaken as error:
        return _refusal(service, token, error.flaw)


@router.post("/i/{token}", responses=REFUSED, openapi_extra=FORM)
def act(token: str, form: Form, service: Ours) -> Answer:
    """Answer by a button of that page."""
    try:
        link = _proven(service, token, form)
        response = _response(service, link, form)
        answer(service, response, link.plan)
    except NotTaken as error:
        return _refusal(service, token, error.flaw)
    return _shown(service, link, token, [])


def _proven(service: Service, token: str, form: dict[str, str]) -> AnswerLink:
    """The link, which must be in the form as well: no other site knows it. Raises NotTaken, noted."""
    try:
        # Of two tokens that differ, one is not that of the page.
        return service.verifier.verify(token if form.get("token") == token else "", now=service.clock())
    except NotTaken as error:
        link = service.verifier.read(token) if error.flaw is Flaw.EXPIRED else None
        service.refusals.note(
            error.flaw,
            Via.LINK,
            now=service.clock(),
            about=link.nonce if link else "",
            incident_id=link.incident_id if link else None,
            by=link.person if link else "",
        )
        raise


def _response(service: Service, link: AnswerLink, form: dict[str, str]) -> Response:
    """What the form says. Raises NotTaken, noted, for what the link is not good for, and BadInput."""
    said = form.get("verb", "")
    if said not in set(Verb):
        raise BadInput("the form names no verb: use the buttons of the page")
    verb = Verb(said)
    known = (link.incident_id, link.episode, verb, link.person, Via.LINK)
    if verb not in link.verbs:
        raise refused(service, Flaw.WRONG_VERB, Response(*known, nonce=link.nonce))
    return Response(*known, argument_of(verb, form.get("argument", ""), link.plan), link.nonce)


def _shown(service: Service, link: AnswerLink, token: str, notes: list[str]) -> Answer:
    if users.is_disabled(service.engine, link.person):
        raise NotTaken(Flaw.DISABLED)
    found = look_ups.one_incident(service.engine, link.incident_id)
    asked = responses.asked(service.engine, link.incident_id)
    if found is None or asked is None:
        raise NotTaken(Flaw.UNKNOWN)
    if link.episode != asked.episode:
        raise NotTaken(Flaw.EARLIER_EPISODE)
    answered = responses.of_nonce(service.engine, link.nonce)
    shown = view(found, service.mask, now=service.clock())
    return page(
        "incident.html",
        title=shown.title,
        view=shown,
        notes=[*notes, *map(_told, answered)],
        waits=any(one.done_at is None for one in answered),
        buttons=_offered(link, asked, answered),
        person=link.person,
        token=token,
        here=token,  # relative, as a proxy may serve it below a path of its own
    )


def _offered(link: AnswerLink, asked: Asked, answered: list[Answered]) -> list[Any]:
    return list(buttons(link, asked, frozenset(one.response.verb for one in answered)))


def _told(one: Answered) -> str:
    said = f"Your answer of {clock(one.response.at)}: {one.response.verb} {one.response.argument}".rstrip()
    return f"{said}: {one.outcome}" if one.done_at else f"{said}: {NEXT}"


def _refusal(service: Service, token: str, flaw: Flaw) -> Answer:
    """A page that says why, and what to do instead."""
    do = ["open the link again: it shows what became of your answer"] if flaw is Flaw.REPLAYED else []
    try:
        number = service.verifier.read(token).incident_id
        commands = [(f"sre ack {number}", "takes the incident"), (f"sre incident {number}", "shows it")]
    except NotTaken:
        do = ["use the link of the page as you got it"]
        commands = [("sre incidents --open", "lists what is open")]
    return page("refused.html", STATUS[flaw], title="Not taken", why=MEANING[flaw], do=do, commands=commands)
