"""A button beside a service: how far a playbook may go there from now on."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from adapters.store.database import transaction
from console.http.service import Ours
from console.http.web.callers import Asking, must_be_allowed, must_be_ours
from console.http.web.forms import Form
from console.http.web.tables import to_service
from domain.access import Deed
from domain.autonomy import Autonomy, Word, level_of
from domain.errors import BadInput
from tasks.trust import set_by_hand

router = APIRouter(include_in_schema=False)
# Each level of autonomy, and what becomes of a plan there (docs/guides/acting.md).
LEVELS = (
    (Autonomy.OBSERVE.word, "no plan is made"),
    (Autonomy.SUGGEST.word, "a human gets the plan"),
    (Autonomy.ASK.word, "the plan waits for a person"),
    (Autonomy.ACT.word, "the plan runs unattended"),
)


@router.post("/autonomy")
def set_autonomy(request: Request, form: Form, service: Ours, caller: Asking) -> Response:
    """Keep a person's word, with the reason, in the ledger too."""
    must_be_ours(request, service, caller, form)
    must_be_allowed(service, caller, Deed.TRUST)
    playbook, name, level = (form.get(field, "")[:1_000] for field in ("playbook", "service", "level"))
    why = form.get("why", "").strip()
    if level not in dict(LEVELS):
        raise BadInput(f"{level[:40]!r} is none of {', '.join(dict(LEVELS))}")
    if not why:
        raise BadInput("say why: whoever reads the ledger wonders")
    now = service.clock()
    said = Word(level_of(level), caller.person, why, now)
    with transaction(service.engine) as connection:
        set_by_hand(connection, service.desk.knowledge(now), playbook, name, said)
    return RedirectResponse(f"{to_service(name)}#trust", 303)
