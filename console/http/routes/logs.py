"""`/logs`: logs for those without Kafka; into the topic, like all others."""

from __future__ import annotations

from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends
from starlette.responses import JSONResponse

from adapters.formats_in.logs import read
from console.http.routes.senders import ALLOWED, allowed
from console.http.service import Body, Ours
from domain.errors import Later

router = APIRouter(tags=["intake"], dependencies=[Depends(allowed)])
LOG = {"type": "object", "required": ["timestamp", "service"], "properties": {"message": {"type": "string"}}}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"anyOf": [LOG, {"type": "array", "items": LOG}]}},
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    }
}
# A broker that hangs takes so many threads and no more: answers of people need theirs.
AT_ONCE, WAITING = 4, 32
AGAIN_SECONDS = 5
_threads = CapacityLimiter(AT_ONCE)


@router.post("/logs", openapi_extra=BODY, responses=ALLOWED)
async def logs(body: Body, service: Ours) -> JSONResponse:
    """Take one log, a list of logs, or a line each: native JSON, or OTLP/JSON. All of them, or none."""
    if _threads.statistics().tasks_waiting >= WAITING:
        raise Later("kafka: too many requests wait for it; nothing was sent", AGAIN_SECONDS)
    found = await to_thread.run_sync(lambda: read(body, service.kafka))
    await to_thread.run_sync(service.logs.send, found, limiter=_threads)
    return JSONResponse({"sent": len(found)})
