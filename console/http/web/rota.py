"""`/on-call`: who is on call now, who the week through, and what people took over."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from adapters.store import overrides
from adapters.store.database import transaction
from console.http.service import Ours, Service
from console.http.web.callers import Asking, must_be_allowed, must_be_ours
from console.http.web.forms import Form, Number
from console.http.web.render import shown
from console.http.web.tables import Table, table
from console.on_call import AHEAD, WEEK, local, override_row, standing_row, wanted_override, week_rows
from domain.access import Deed, refusal
from domain.errors import BadInput, BadSettings
from domain.roster import Override, Roster

router = APIRouter(include_in_schema=False)
NO_FILE = "no file says who is on call (paging.on_call): everybody whom the settings name is paged at once"


@router.get("/on-call")
def rota(service: Ours, caller: Asking) -> Response:
    """Each schedule now and for seven days."""
    now = service.clock()
    roster, trouble = _roster(service, now)
    with transaction(service.engine) as connection:
        taken = overrides.taken(connection, now, now + AHEAD)
        held = overrides.between(connection, now, now + AHEAD)
    return shown(
        service,
        caller,
        "on_call.html",
        title="On call",
        here="on-call",
        trouble=trouble,
        tables=_tables(service, roster, taken, now),
        held=[(one, table("", [_shown(one)], service.mask)) for one in held],
        schedules=sorted(roster.schedules),
        people=sorted(roster.users),
        may_take=bool(roster.schedules) and not refusal(caller, Deed.TAKE, service.people),
    )


def _roster(service: Service, now: datetime) -> tuple[Roster, str]:
    """The roster, and what is wrong with it in words."""
    try:
        found = service.desk.roster(now)
    except BadSettings as error:
        return Roster(), str(error)
    return (Roster(), NO_FILE) if found is None else (found, "; ".join(found.warnings))


def _tables(service: Service, roster: Roster, taken: object, now: datetime) -> tuple[Table, ...]:
    schedules = list(roster.schedules.values())
    zones = {one.zone for one in schedules}
    zone = zones.pop() if len(zones) == 1 else "UTC"  # one for a table, so that its times can be compared
    said: dict[str, Any] = {"as_json": False, "zone": zone}
    today = [standing_row(one, roster, taken, now, **said) for one in schedules]  # type: ignore[arg-type]
    week = [row for one in schedules for row in week_rows(one, taken, now, **said)]  # type: ignore[arg-type]
    empty = "no schedule is known"
    return (
        table(f"Now, in the time of {zone}", today, service.mask, empty=empty),
        table(f"The next {WEEK.days} days, in the time of {zone}", week, service.mask, empty=empty),
    )


def _shown(one: Override) -> dict[str, object]:
    return override_row(one) | {"from": local(one.begins, "UTC"), "to": local(one.ends, "UTC")}


@router.post("/on-call/overrides")
def take(request: Request, form: Form, service: Ours, caller: Asking) -> Response:
    """Let somebody take a time of a schedule."""
    must_be_ours(request, service, caller, form)
    must_be_allowed(service, caller, Deed.TAKE)
    now = service.clock()
    given = {name: form.get(name, "").strip() for name in ("schedule", "person", "begins", "ends", "why")}
    roster, _ = _roster(service, now)
    overrides.add(service.engine, wanted_override(given, roster, caller.person, now), now=now)
    return RedirectResponse("/on-call", 303)


@router.post("/on-call/overrides/{number}/remove")
def give_back(request: Request, number: Number, form: Form, service: Ours, caller: Asking) -> Response:
    """Take an override back."""
    must_be_ours(request, service, caller, form)
    must_be_allowed(service, caller, Deed.TAKE)
    if overrides.remove(service.engine, number, by=caller.person, now=service.clock()) is None:
        raise BadInput(f"override {number} does not exist or is over")
    return RedirectResponse("/on-call", 303)
