"""`/incidents`: what is open, then what is over; and one incident with everything that is known of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from adapters.store import incident_list, look_ups
from adapters.store.incident_list import ALL_OPEN, Wanted, place_of
from adapters.store.shown_services import meant
from console import incident_rows
from console.http.service import Ours
from console.http.web.callers import Asking
from console.http.web.forms import Number
from console.http.web.incident_page import incident_page
from console.http.web.render import shown
from console.http.web.tables import Mask, table
from console.output import in_words
from domain.answer_links import Flaw, NotTaken
from domain.incidents import State

router = APIRouter(include_in_schema=False)
# What may be picked, and how it is called.
STATES = {"": "all, open ones first", ALL_OPEN: "all open", "closed": "all closed"} | {one: str(one) for one in State}


@router.get("/")
def begin() -> Response:
    """Where the pages begin."""
    return RedirectResponse("/incidents", 303)


@router.get("/incidents")
def incidents(request: Request, service: Ours, caller: Asking, state: str = "", before: str = "") -> Response:
    """A page of fifty; as JSON for whoever asks for it."""
    named = request.query_params.get("service", "").strip()
    services = meant(service.engine, [named] if named else (), service.mask)
    wanted = Wanted(state, services)
    rows, more = incident_list.page_of_incidents(service.engine, wanted, place_of(before))
    made = [incident_rows.summary(row) for row in rows]
    query = {"state": wanted.state, "service": named}
    following = {name: value for name, value in (query | {"before": str(more or "")}).items() if value}
    if _wants_json(request):
        found = masked([dict(row) for row in made], service.mask)
        return JSONResponse({"incidents": found, "next": f"/incidents?{urlencode(following)}" if more else None})
    listed = table(
        "",
        made,
        service.mask,
        empty="no incident" if any(query.values()) else "no incident yet; `sre status` says what is read",
        links={"incident": lambda number: f"/incidents/{number}"},
    )
    return shown(
        service,
        caller,
        "incidents.html",
        title="Incidents",
        here="incidents",
        live="incidents",
        listed=listed,
        severities=[str(row["severity"]) for row in made],
        query=query,
        states=STATES.items(),
        more=f"/incidents?{urlencode(following)}" if more else "",
    )


@router.get("/incidents/{number}")
def incident(request: Request, number: Number, service: Ours, caller: Asking) -> Response:
    """One incident; as JSON for whoever asks for it."""
    if _wants_json(request):
        found = look_ups.one_incident(service.engine, number)
        if found is None:
            raise NotTaken(Flaw.UNKNOWN)
        return JSONResponse(masked(found, service.mask))
    made = incident_page(service, caller, number)
    title, live = made.title, f"incident-{number}"
    return shown(service, caller, "incident.html", title=title, here="incidents", live=live, page=made)


def _wants_json(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and "text/html" not in accepted


def masked(document: Any, mask: Mask) -> Any:  # noqa: ANN401 - whatever JSON holds
    """The same for programs: times as ISO 8601, what logs say without secrets."""
    if isinstance(document, dict):
        return {str(name): masked(value, mask) for name, value in document.items()}
    if isinstance(document, list | tuple):
        return [masked(value, mask) for value in document]
    if document is None or isinstance(document, bool | int | float):
        return document
    return document.isoformat() if hasattr(document, "isoformat") else mask(in_words(document))
