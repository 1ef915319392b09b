"""`/models` and `/settings`: what decides, how it keeps its promise, and what is in force."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from adapters.store.service_levels import samples
from adapters.store.watch_signs import said_of
from console.config import told_value
from console.http.service import Ours, Service
from console.http.web.callers import Asking, looks_at_settings
from console.http.web.render import shown
from console.http.web.tables import Table, lines, table
from console.models import LATELY, NONE, seen_live, version_row
from console.slo import level_row
from deployments.answering_report import alarms_told, drift_told
from domain.access import Caller
from domain.errors import SreError
from domain.masking import masked_urls
from domain.masking import shown as without_secret
from domain.service_levels import service_levels
from domain.settings_keys import values
from tasks.shadow import CHALLENGER

router = APIRouter(include_in_schema=False)
A_WEEK = timedelta(days=7)


@router.get("/models")
def models(service: Ours, caller: Asking) -> Response:
    """Champion against challenger, and what was promised against what came."""
    now, tree, engine = service.clock(), service.desk.tree, service.engine
    listed, live = _versions(service)
    levels = service_levels(samples(engine, since=now - A_WEEK, now=now), tree.slo)
    kept = (alarms_told(engine, tree.detection, now=now), drift_told(engine, now=now))
    return shown(
        service,
        caller,
        "models.html",
        title="Models",
        here="models",
        listed=listed,
        live=lines(live, service.mask),
        promise=lines(filter(None, kept), service.mask),
        levels=table(
            "Targets of the last seven days",
            [dict(level_row(one)) for one in levels],
            service.mask,
            empty="no incident was confirmed or paged",
        ),
    )


def _versions(service: Service) -> tuple[Table, list[str]]:
    """The versions, and what `watch` says of the challenger; while the registry is away that is said."""
    now = service.clock()
    try:
        found = service.desk.versions(now)
    except SreError as error:
        return table("", [], service.mask, empty=f"the versions are not known: {masked_urls(str(error))}"), []
    said = said_of(service.engine, CHALLENGER, since=now - LATELY)
    live = [f"{member}: {seen}" for one in found for member, seen in seen_live(one, said).items()]
    return table("", [version_row(one) for one in found], service.mask, empty=NONE), live


@router.get("/settings")
def settings(service: Ours, caller: Annotated[Caller, Depends(looks_at_settings)]) -> Response:
    """Every setting as it is in force here, secrets masked, and where it came from."""
    origins = service.desk.origins
    rows = [
        {
            "setting": key,
            "value": told_value(without_secret(key, value)),
            "from": origins.get(key, "default"),
        }
        for key, value in values(service.desk.tree).items()
    ]
    changed = [row for row in rows if row["from"] != "default"]
    tables = (
        table("Set by somebody", changed, str, empty="nothing: every setting is its default"),
        table("As they are by default", [row for row in rows if row["from"] == "default"], str),
    )
    return shown(service, caller, "settings.html", title="Settings", here="settings", tables=tables)
