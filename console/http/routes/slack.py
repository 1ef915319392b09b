"""`/slack/actions`: the buttons of Slack's messages."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import APIRouter, BackgroundTasks, Request
from starlette.responses import JSONResponse

from adapters.channels.slack import answers as slack_answers
from adapters.channels.slack.answers import Press
from console.http.answering import NEXT, answer, refused
from console.http.service import Body, Ours, Service
from domain.answer_links import Flaw, NotTaken, argument_of
from domain.errors import BadInput, Unavailable
from domain.responses import Response, Via
from domain.shown_texts import printable

router = APIRouter(tags=["answers"])
log = logging.getLogger(__name__)
FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["payload"],
                    "properties": {"payload": {"type": "string", "description": "JSON of a block_actions payload"}},
                }
            }
        },
    }
}
SIGNED: dict[int | str, dict[str, Any]] = {
    400: {"description": "it cannot be read"},
    401: {"description": "it is not signed"},
}


@router.post("/slack/actions", openapi_extra=FORM, responses=SIGNED)
def actions(request: Request, body: Body, service: Ours, later: BackgroundTasks) -> JSONResponse:
    """Answer by a button; Slack wants to hear within three seconds, so that it is read is all it hears."""
    if not slack_answers.signed(service.slack_secret, body, request.headers, now=service.clock()):
        service.refusals.note(Flaw.FORGED, Via.SLACK, now=service.clock())
        do = "set paging.slack.signing_secret to the app's" if not service.slack_secret else "send it as Slack signs it"
        return JSONResponse({"error": "not signed by Slack within the last five minutes", "do": do}, 401)
    press = slack_answers.read(body)
    if press is None:
        return JSONResponse({"status": "not a button"})
    text = _text(service, press)
    later.add_task(_tell, press.answer_url, text)
    return JSONResponse({"response_type": "ephemeral", "replace_original": False, "text": text})


def _text(service: Service, press: Press) -> str:
    """What whoever pressed is told."""
    user = next((one for one in service.roster().users.values() if one.slack_id == press.user), None)
    person = user.name if user else printable(press.user_name)[:200]
    response = _response(press, person)
    about = f"Incident {press.incident_id}, {press.verb}"
    try:
        if user is None:
            raise refused(service, Flaw.WRONG_PERSON, response)
        answer(service, response, press.plan)
    except NotTaken as error:
        instead = f"`sre incident {press.incident_id}` shows it"
        unknown = "" if user else f" (no user has the slack id {printable(press.user)})"
        return f"{about}: not taken, because {error}{unknown}. {instead}."
    return f"{about}: {NEXT}."


def _response(press: Press, person: str) -> Response:
    known = (press.incident_id, press.episode, press.verb, person, Via.SLACK)
    if press.verb in slack_answers.TYPED:
        raise BadInput(f"{press.verb} needs words that no button carries")
    return Response(*known, argument_of(press.verb, slack_answers.AN_HOUR, press.plan), press.nonce)


def _tell(url: str, text: str) -> None:
    try:
        slack_answers.tell(url, text)
    except Unavailable as error:
        log.warning("slack.not-told", extra={"error": str(error)})
