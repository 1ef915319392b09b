"""`/logs` and `/templates`: what services say, by text, level and time, and without what varies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from adapters.store import look_ups
from adapters.store.database import Engine
from adapters.store.log_reader import Asked
from adapters.store.log_search import around, search
from adapters.store.shown_services import meant
from adapters.store.template_counts import template_counts
from adapters.store.wanted_logs import Wanted
from console.http.pages import LONGEST
from console.http.service import Ours, Service
from console.http.web.callers import Asking
from console.http.web.render import shown
from console.http.web.tables import table
from console.http.web.times import asked_moment
from console.logs import LEVELS, around_incident
from console.templates import count_row, told_row
from domain.answer_links import Flaw, NotTaken
from domain.errors import BadInput
from domain.logs import level_of
from domain.shown_texts import printable

router = APIRouter(include_in_schema=False)
MOST_LOGS, MOST_TEMPLATES = 200, 200


@router.get("/logs")
def logs(  # noqa: PLR0913, PLR0917 - what a form asks for
    ours: Ours,
    caller: Asking,
    q: str = "",
    service: str = "",
    since: str = "1h",
    until: str = "",
    level: str = "",
    incident: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
) -> Response:
    """The newest two hundred that are wanted, the newest last; or those of an incident."""
    now, given = ours.clock(), {"q": q, "service": service.strip(), "since": since, "until": until, "level": level}
    if level and level not in LEVELS:
        raise BadInput(f"{level[:40]!r} is no level; levels are {', '.join(LEVELS)}")
    begin, end = None if incident else asked_moment(since or "1h", now), asked_moment(until, now) if until else None
    wanted = Wanted(
        since=begin,
        until=end,
        services=_meant(ours, service, Asked(begin, end)),
        least=level_of(level or "trace"),
        text=q,
        mask=ours.mask,
    )
    found = _of_incident(ours.engine, wanted, incident) if incident else search(ours.engine, wanted, MOST_LOGS)
    rows: list[tuple[datetime, str, str, str, int | None]] = [
        (
            row["timestamp"],
            str(row["level"]),
            ours.mask(printable(row["service"])),
            ours.mask(printable(row["message"])),
            row["incident_id"],
        )
        for row in found
    ]
    return shown(
        ours,
        caller,
        "logs.html",
        title="Logs",
        here="logs",
        given=given,
        levels=LEVELS,
        logs=rows,
        incident=incident,
        more=len(rows) == MOST_LOGS,
        long=any(len(message) > LONGEST for _, _, _, message, _ in rows),
    )


def _meant(ours: Service, name: str, asked: Asked) -> list[str] | None:
    """The services that a field names as these pages show them; None for all."""
    return meant(ours.engine, [name.strip()] if name.strip() else (), ours.mask, asked)


def _of_incident(engine: Engine, wanted: Wanted, number: int) -> list[dict[str, Any]]:
    found = look_ups.one_incident(engine, number)
    if found is None:
        raise NotTaken(Flaw.UNKNOWN)
    timed = around_incident(wanted, found)
    return around(engine, timed, number, MOST_LOGS)


@router.get("/templates")
def templates(ours: Ours, caller: Asking, service: str = "", since: str = "24h", new: bool = False) -> Response:  # noqa: FBT001, FBT002 - a form's fields
    """The templates of messages with their counts, the most frequent first."""
    now = ours.clock()
    begin = asked_moment(since or "24h", now)
    known = {one.id: one for one in ours.desk.templates(ours.engine, now).miner.templates()}
    counts = template_counts(ours.engine, since=begin, services=_meant(ours, service, Asked(begin)))
    rows = [row for row in (count_row(one, known, begin) for one in counts) if row["new"] or not new]
    listed = table("", [told_row(row) for row in rows[:MOST_TEMPLATES]], ours.mask, empty="no such template")
    given = {"service": service.strip(), "since": since, "new": new}
    more = len(rows) > MOST_TEMPLATES
    return shown(
        ours, caller, "templates.html", title="Templates", here="templates", given=given, listed=listed, more=more
    )
