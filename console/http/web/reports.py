"""`/reports`: which pages were worth it, as the flow `report` found, and what would have saved the others."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from adapters.store.noise_reports import KeptReport, kept_report, listed_reports
from console.http.service import Ours, Service
from console.http.web.callers import Asking
from console.http.web.forms import Number
from console.http.web.render import shown
from console.http.web.tables import Table, lines, table
from domain.access import Caller
from domain.noise_report import Section, title

router = APIRouter(include_in_schema=False)
MOST = 40
NONE = "no report yet: the deployment `report` makes one every morning, and `sre report` shows one at once"


@router.get("/reports")
def newest(service: Ours, caller: Asking) -> Response:
    """The newest report, and the ones before it."""
    return _shown(service, caller, kept_report(service.engine))


@router.get("/reports/{number}")
def one(number: Number, service: Ours, caller: Asking) -> Response:
    """One report."""
    found = kept_report(service.engine, number)
    if found is None:
        raise HTTPException(404, f"there is no report {number}; /reports lists them")
    return _shown(service, caller, found)


def _shown(service: Service, caller: Caller, found: KeptReport | None) -> Response:
    return shown(
        service,
        caller,
        "reports.html",
        title=title(found.since, found.until) if found else "Reports",
        here="reports",
        headline=found.headline if found else NONE,
        parts=[_part(each, service) for each in found.sections] if found else [],
        others=_others(service),
    )


def _part(section: Section, service: Service) -> tuple[str, Table | None, tuple[str, ...]]:
    """A section: its title, its table where it is one, its sentences otherwise."""
    rows = [dict(zip(section.columns, row, strict=True)) for row in section.rows]
    shown_rows = replace(table("", rows, service.mask), beside=True) if section.columns else None
    return section.title, shown_rows, lines(section.sentences, service.mask)


def _others(service: Service) -> Table:
    rows = [
        {"report": each.number, "from": each.since, "to": each.until, "what": each.headline}
        for each in listed_reports(service.engine, MOST)
    ]
    return table("All reports", rows, service.mask, links={"report": lambda number: f"/reports/{number}"})
