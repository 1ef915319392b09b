"""`/pagerduty/webhook`: what people do at PagerDuty about the incidents that we opened there."""

from __future__ import annotations

import logging

import orjson
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from adapters.store import responses
from console.http.answering import answer
from console.http.routes.bodies import json_body
from console.http.routes.slack import SIGNED
from console.http.service import Body, Ours, Service
from domain import pagerduty_events
from domain.answer_links import Flaw, NotTaken, objection
from domain.errors import BadInput
from domain.pagerduty_events import Event
from domain.responses import Via

router = APIRouter(tags=["answers"])
log = logging.getLogger(__name__)
HEADER = "x-pagerduty-signature"


@router.post("/pagerduty/webhook", openapi_extra=json_body("a webhook of version 3"), responses=SIGNED)
def webhook(request: Request, body: Body, service: Ours) -> JSONResponse:
    """Take an event; what is PagerDuty's is always taken, as it would be sent again otherwise."""
    if not pagerduty_events.signed(body, request.headers.get(HEADER, ""), service.pagerduty_secret):
        service.refusals.note(Flaw.FORGED, Via.PAGERDUTY, now=service.clock())
        do = "set paging.pagerduty.webhook_secret to the subscription's secret"
        return JSONResponse({"error": "not signed by PagerDuty", "do": do}, 401)
    try:
        event = pagerduty_events.read(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise BadInput(f"not JSON: {error}") from error
    return JSONResponse({"status": _taken(service, event)}, 202)


def _taken(service: Service, event: Event) -> str:
    """What became of the event, in words."""
    about = pagerduty_events.named(event.key) or responses.answered_before(service.engine, event.prefix)
    if about is None:
        return "left alone: its incident is not ours, or its first event was not seen here"
    response = pagerduty_events.as_response(event, about, service.roster())
    if response is None:
        return f"left alone: {event.kind or 'an event without a kind'} is no answer of a person"
    asked = responses.asked(service.engine, response.incident_id)
    if objection(response.verb, response.episode, "", asked) is Flaw.CLOSED:
        return "left alone: the incident is over"  # that we closed it ourselves comes back as an event, too
    try:
        answer(service, response, "")
    except NotTaken as error:
        log.info("pagerduty.not-taken", extra={"why": str(error), "incident": response.incident_id})
        return f"not taken, because {error}"
    return "taken"
