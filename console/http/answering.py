"""One answer of one person, whichever way it came: weighed, stored, or refused and noted."""

from __future__ import annotations

from adapters.store import responses, users
from console.http.service import Service
from domain.answer_links import Flaw, NotTaken, may_answer, objection
from domain.assigning import known_target
from domain.responses import Response, Verb

NEXT = "taken; on-call will act on it within seconds"


def answer(service: Service, response: Response, plan: str, *, known: bool = False) -> None:
    """Store the answer for `on-call`. Raises NotTaken, noted in the ledger; Unavailable when the store is away.

    Raises BadInput where it gives the incident to somebody whom the roster does not know.
    `plan`: digest of the plan that the question was about. `known`: whoever answers has logged in, and may.
    """
    asked = responses.asked(service.engine, response.incident_id)
    flaw = objection(response.verb, response.episode, plan, asked)
    may = known or may_answer(response.person, response.verb, service.people, service.roster())
    if asked is not None and not may:
        flaw = Flaw.WRONG_PERSON
    if asked is not None and not known and users.is_disabled(service.engine, response.person):
        flaw = Flaw.DISABLED
    if flaw is not None:
        raise refused(service, flaw, response)
    if response.verb is Verb.REASSIGN:
        known_target(response.argument, service.roster())
    if not responses.insert(service.engine, response, now=service.clock()):
        raise refused(service, Flaw.REPLAYED, response)


def refused(service: Service, flaw: Flaw, response: Response) -> NotTaken:
    """Note the refusal of an answer; the error to raise."""
    service.refusals.note(
        flaw,
        response.via,
        now=service.clock(),
        about=response.nonce,
        incident_id=response.incident_id,
        by=response.person,
        verb=response.verb,
    )
    return NotTaken(flaw)
