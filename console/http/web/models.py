"""`/models`: what decides and how it was judged, what playbooks earned and lost; who may, chooses another version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from adapters.store import experience
from adapters.store.database import transaction
from adapters.store.service_levels import samples
from adapters.store.watch_signs import said_of
from console.autonomy import NO_CHANGE, change_row, trust_row
from console.http.desk import Models
from console.http.service import Ours, Service
from console.http.web.callers import Asking, must_be_allowed, must_be_ours
from console.http.web.forms import Form, whole
from console.http.web.render import shown
from console.http.web.tables import Table, lines, table, to_incident
from console.models import LATELY, NONE, comparison_rows, comparison_title, seen_live, version_row
from console.slo import level_row
from deployments.answering_report import alarms_told, drift_told
from domain.access import Deed, refusal
from domain.errors import BadInput, SreError
from domain.masking import masked_urls
from domain.service_levels import service_levels
from ml.model_comparison import Comparison
from tasks.model_changes import promoted, rolled_back
from tasks.shadow import CHALLENGER
from tasks.trust import elsewhere, everyone, untried

router = APIRouter(include_in_schema=False)
A_WEEK = timedelta(days=7)
MOST_CHANGES = 50


@router.get("/models")
def models(service: Ours, caller: Asking) -> Response:
    """Champion against challenger, what was promised against what came, and what playbooks earned and lost."""
    now, tree, engine = service.clock(), service.desk.tree, service.engine
    found, trouble = _models(service)
    levels = service_levels(samples(engine, since=now - A_WEEK, now=now), tree.slo)
    kept = (alarms_told(engine, tree.detection, now=now), drift_told(engine, now=now))
    return shown(
        service,
        caller,
        "models.html",
        title="Models",
        here="models",
        listed=table("", [version_row(one) for one in found.versions], service.mask, empty=trouble or NONE),
        compared=_compared(service, found.comparisons),
        may_promote=[one.version for one in found.versions if one.version != found.champion]
        if not refusal(caller, Deed.PROMOTE, service.people)
        else [],
        may_go_back=0 if refusal(caller, Deed.ROLL_BACK, service.people) else found.before,
        live=lines(_live(service, found), service.mask),
        promise=lines(filter(None, kept), service.mask),
        levels=table(
            "Targets of the last seven days",
            [dict(level_row(one)) for one in levels],
            service.mask,
            empty="no incident was confirmed or paged",
        ),
        earned=_earned(service),
    )


def _models(service: Service) -> tuple[Models, str]:
    """The versions, and why they are not known, in words: the registry may be away."""
    try:
        return service.desk.models(service.clock()), ""
    except SreError as error:
        return Models([], [], 0), f"the versions are not known: {masked_urls(str(error))}"


def _compared(service: Service, found: Sequence[Comparison]) -> tuple[Table, ...]:
    """What challenger and champion would have done about later logs, each beside what decided then."""
    made = (table(comparison_title(one), comparison_rows(one), service.mask) for one in found)
    return tuple(replace(one, beside=True) for one in made)


def _live(service: Service, found: Models) -> list[str]:
    """What members of `watch` say of the challenger."""
    said = said_of(service.engine, CHALLENGER, since=service.clock() - LATELY)
    return [f"{member}: {seen}" for one in found.versions for member, seen in seen_live(one, said).items()]


def _earned(service: Service) -> tuple[Table, ...]:
    """How far playbooks may go where they were tried, and how that changed."""
    now, mask = service.clock(), service.mask
    known = service.desk.knowledge(now)
    with transaction(service.engine) as connection:
        found = [*everyone(connection, known, now=now), *elsewhere(connection, known, now=now)]
        tried = [one for one in found if one.tried]
        changes = experience.changes(connection, limit=MOST_CHANGES)
    return (
        table("How far playbooks may go", [trust_row(one) for one in tried], mask, empty=untried(known)),
        table(
            "Earned and lost, the newest first",
            [change_row(one) for one in changes],
            mask,
            empty=NO_CHANGE,
            links={"incident": to_incident},
        ),
    )


# --- another version decides: asked first on a page of its own, which needs no script ---------------------


@router.get("/models/promote")
def ask_to_promote(service: Ours, caller: Asking, version: str = "") -> Response:
    """What promoting that version would change, and the button. Raises Unavailable while the registry is away."""
    must_be_allowed(service, caller, Deed.PROMOTE)
    service.desk.forget_models()
    found, wanted = service.desk.models(service.clock()), whole("version", version)
    if wanted not in [one.version for one in found.versions]:
        raise BadInput(f"there is no version {wanted}; /models lists what there is")
    if wanted == found.champion:
        raise BadInput(f"version {wanted} decides already; /models lists the others")
    return _ask(service, caller, found, wanted, "promote")


@router.get("/models/rollback")
def ask_to_roll_back(service: Ours, caller: Asking) -> Response:
    """Which version would decide again, and the button. Raises Unavailable while the registry is away."""
    must_be_allowed(service, caller, Deed.ROLL_BACK)
    service.desk.forget_models()
    found = service.desk.models(service.clock())
    if not found.before:
        raise BadInput("no version was champion before, so there is none to go back to; /models lists what there is")
    return _ask(service, caller, found, found.before, "rollback")


def _ask(service: Service, caller: Asking, found: Models, wanted: int, what: str) -> Response:
    rows = [version_row(one) for one in found.versions if one.version in (wanted, found.champion)]
    return shown(
        service,
        caller,
        "model_change.html",
        title=f"{'Promote' if what == 'promote' else 'Go back to'} version {wanted}?",
        here="models",
        what=what,
        wanted=wanted,
        champion=found.champion,
        seconds=service.desk.tree.detection.refresh_seconds,
        listed=table("", rows, service.mask),
        compared=_compared(service, [one for one in found.comparisons if one.version == wanted]),
    )


@router.post("/models/promote")
def promote(request: Request, form: Form, service: Ours, caller: Asking) -> Response:
    """Make a version champion."""
    must_be_ours(request, service, caller, form)
    must_be_allowed(service, caller, Deed.PROMOTE)
    version, champion = (whole(name, form.get(name, "")) for name in ("version", "champion"))
    tree, now = service.desk.tree, service.clock()
    promoted(tree, version, by=caller.person, now=now, ledger=service.engine, shown=champion)
    return _changed(service)


@router.post("/models/rollback")
def roll_back(request: Request, form: Form, service: Ours, caller: Asking) -> Response:
    """Make that version champion again which was it before."""
    must_be_ours(request, service, caller, form)
    must_be_allowed(service, caller, Deed.ROLL_BACK)
    champion, tree, now = whole("champion", form.get("champion", "")), service.desk.tree, service.clock()
    rolled_back(tree, by=caller.person, now=now, ledger=service.engine, shown=champion)
    return _changed(service)


def _changed(service: Service) -> Response:
    service.desk.forget_models()
    return RedirectResponse("/models", 303)
