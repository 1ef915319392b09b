"""`/alertmanager`: alerts of others; told that they are stored only once they are."""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Depends
from starlette.responses import JSONResponse

from adapters.formats_in import alertmanager
from adapters.store.outside_alerts import keep
from console.http.routes.bodies import json_body
from console.http.routes.senders import ALLOWED, allowed
from console.http.service import Body, Ours
from domain.errors import BadInput

router = APIRouter(tags=["intake"], dependencies=[Depends(allowed)])
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
ALERT = {
    "type": "object",
    "required": ["status", "labels", "startsAt", "fingerprint"],
    "properties": {
        "status": {"enum": ["firing", "resolved"]},
        "labels": TEXTS,
        "annotations": TEXTS,
        "startsAt": {"type": "string", "format": "date-time"},
        "endsAt": {"type": "string", "format": "date-time"},
        "generatorURL": {"type": "string"},
        "fingerprint": {"type": "string"},
    },
}
WEBHOOK = {
    "type": "object",
    "required": ["version", "groupKey", "alerts"],
    "properties": {
        "version": {"enum": [alertmanager.VERSION]},
        "groupKey": {"type": "string"},
        "alerts": {"type": "array", "items": ALERT},
    },
}


@router.post("/alertmanager", openapi_extra=json_body("Alertmanager's webhook v4", WEBHOOK), responses=ALLOWED)
def webhook(body: Body, service: Ours) -> JSONResponse:
    """Take the alerts of one group."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"not JSON: {error}") from error
    alerts = alertmanager.read(document)
    news = keep(service.engine, alerts, now=service.clock())
    return JSONResponse({"stored": len(alerts), "new": news})
