"""`/settings`: what is in force for the pages, and where it came from."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from console.config import told_value
from console.http.service import Ours
from console.http.web.callers import looks_at_settings
from console.http.web.render import shown
from console.http.web.tables import table
from domain.access import Caller
from domain.masking import shown as without_secret
from domain.settings_keys import values

router = APIRouter(include_in_schema=False)


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
