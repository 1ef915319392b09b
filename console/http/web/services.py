"""`/services`: what is seen of each service, how far playbooks may go there, and what is held back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from fastapi import APIRouter
from starlette.responses import Response

from adapters.store import incident_list, minute_series, mutes, switches
from adapters.store.database import transaction
from adapters.store.minute_findings import stored_findings
from console.autonomy import trust_row
from console.findings import finding_row
from console.http.service import Ours, Service
from console.http.web.callers import Asking
from console.http.web.evidence import latest
from console.http.web.render import shown
from console.http.web.tables import Table, table, to_incident, to_service
from console.http.web.trusting import LEVELS
from console.inventory import inventory_row
from console.muting import mute_row
from domain.access import Deed, refusal
from domain.amounts import counted, number, share
from domain.errors import BadInput
from domain.muting import Mute, MuteKind, Phase, phase
from tasks.trust import everyone

router = APIRouter(include_in_schema=False)
LATELY = timedelta(minutes=15)
A_DAY = timedelta(days=1)
MOST_FINDINGS = 50


@router.get("/services")
def services(service: Ours, caller: Asking, name: str = "") -> Response:
    """Every service that the inventory names, that logged lately, or that an incident is about; or the named one."""
    if name:
        return one_service(name, service, caller)
    now = service.clock()
    return shown(
        service,
        caller,
        "services.html",
        title="Services",
        here="services",
        listed=_listed(service, now),
        mutes=_mutes(service, "", now),
        paused=switches.is_paused(service.engine),
        acting=service.desk.tree.mitigation.acting,
        may_mute=not refusal(caller, Deed.MUTE, service.people),
        may_pause=not refusal(caller, Deed.PAUSE, service.people),
    )


def _listed(service: Service, now: datetime) -> Table:
    engine = service.engine
    minute = int(now.timestamp()) // 60
    seen = minute_series.volumes(engine, minute - int(LATELY.total_seconds()) // 60, minute)
    open_now, known = incident_list.open_by_service(engine), service.desk.knowledge(now).inventory.services
    rows = [
        {
            "service": name,
            "open incidents": open_now.get(name, 0) or "",
            "logs in 15 min": number(seen[name][0]) if name in seen else "none seen",
            "errors": share(round(seen[name][1] / seen[name][0], 4)) if seen.get(name, (0, 0))[0] else "",
            "owner": known[name].owner if name in known else "",
            "acted on by": known[name].executor if name in known else "",
        }
        for name in sorted({*seen, *open_now, *known}, key=lambda name: (-open_now.get(name, 0), name))
    ]
    links = {"service": to_service}
    return table("", rows, service.mask, empty="no service is known yet; `sre status` says what is read", links=links)


def _mutes(service: Service, name: str, now: datetime) -> tuple[tuple[Mute, Table], ...]:
    """The rules that are in force or to come; with a name those that can be about that service."""
    held = mutes.held_back(service.engine)
    found = [one for kind in MuteKind for one in mutes.all_mutes(service.engine, kind)]
    return tuple(
        (one, table("", [_muted(one, now, held)], service.mask))
        for one in found
        if phase(one, now) is not Phase.ENDED and (not name or _may_be_about(one, name))
    )


def _muted(one: Mute, now: datetime, held: object) -> dict[str, object]:
    row = mute_row(one, now, held)  # type: ignore[arg-type]
    return {"rule": one.name} | {label: value for label, value in row.items() if label != one.kind.value}


def _may_be_about(one: Mute, name: str) -> bool:
    about = [matcher for matcher in one.matchers if matcher.label == "service"]
    return all(matcher.matches({"service": name}) for matcher in about)


@router.get("/services/{name:path}")
def one_service(name: str, service: Ours, caller: Asking) -> Response:
    """One service: its last hour, its incidents, what was found about it, and what may be done there."""
    if not name or len(name) > 1_000:  # noqa: PLR2004 - nobody calls a service so
        raise BadInput("which service? /services lists them")
    now, mask = service.clock(), service.mask
    known = service.desk.knowledge(now)
    with transaction(service.engine) as connection:
        trusted = [one for one in everyone(connection, known, now=now) if one.service == name]
    open_now = incident_list.open_by_service(service.engine).get(name, 0)
    entry = known.inventory.services.get(name)
    worded = service.desk.templates(service.engine, now).worded
    findings = stored_findings(service.engine, since=now - A_DAY, services=[name])[:MOST_FINDINGS]
    tables = (
        table(
            "Inventory", [inventory_row(entry)] if entry else [], mask, empty="not in the inventory: nothing is done"
        ),
        table(
            "Not as usual in the last 24 hours",
            [finding_row(replace(one, finding=worded(one.finding))) for one in findings],
            mask,
            empty="nothing of its minutes was unusual",
            links={"incident": to_incident},
        ),
    )
    return shown(
        service,
        caller,
        "service.html",
        title=mask(name),
        here="services",
        name=name,
        open_now=counted(open_now, "open incident"),
        pictures=latest(service.engine, name, now),
        tables=tables,
        trust=table(
            "How far playbooks may go", [trust_row(one) for one in trusted], mask, empty="no playbook acts here"
        ),
        may_trust=[] if refusal(caller, Deed.TRUST, service.people) else [one.playbook for one in trusted],
        levels=LEVELS,
        mutes=_mutes(service, name, now),
        may_mute=not refusal(caller, Deed.MUTE, service.people),
    )
