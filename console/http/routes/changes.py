"""`/changes`: deploys and other changes that systems tell of; told that they are stored only once they are."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends
from starlette.responses import JSONResponse

from adapters.formats_in.changes import MOST_CHANGES, read
from adapters.store.changes import keep
from console.http.routes.bodies import json_body
from console.http.routes.senders import ALLOWED, allowed
from console.http.service import Body, Ours
from domain.changes import LONGEST, ChangeKind

router = APIRouter(tags=["intake"], dependencies=[Depends(allowed)])
TEXT = {"type": "string", "minLength": 1, "maxLength": LONGEST}
CHANGE: dict[str, Any] = {
    "type": "object",
    "required": ["service", "what"],
    "additionalProperties": False,
    "properties": {
        "service": TEXT,
        "kind": {"enum": list(ChangeKind), "default": ChangeKind.DEPLOY},
        "what": TEXT,
        "by": {"type": "string", "maxLength": LONGEST},
        "at": {"type": "string", "format": "date-time"},
    },
}
ONE_OR_MORE = {"anyOf": [CHANGE, {"type": "array", "items": CHANGE, "minItems": 1, "maxItems": MOST_CHANGES}]}


@router.post("/changes", openapi_extra=json_body("one change, or a list of them", ONE_OR_MORE), responses=ALLOWED)
def changes(body: Body, service: Ours) -> JSONResponse:
    """Take one change or a list: all of them, or none. Without `at` it was made now."""
    now = service.clock()
    told = read(body, now=now)
    return JSONResponse({"stored": len(told), "new": keep(service.engine, told, now=now)})
