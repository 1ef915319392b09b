"""`/metrics`: the agent's own figures, for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.responses import Response

from console.http.routes.senders import ALLOWED, allowed
from console.http.service import Ours

router = APIRouter(tags=["health"], dependencies=[Depends(allowed)])


@router.get("/metrics", responses=ALLOWED, response_class=Response)
def metrics(service: Ours) -> Response:
    """Lag, rates, latencies by stage, pages, actions, the promise; with the bearer token where there is one."""
    return Response(service.exposition.latest(), media_type=CONTENT_TYPE_PLAIN_0_0_4)
