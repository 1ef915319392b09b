"""`/healthz`: the process answers; `/readyz`: so does the store."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from adapters.store.responses import is_reachable
from console.http.service import Ours

router = APIRouter(tags=["health"])
AWAY: dict[int | str, dict[str, Any]] = {503: {"description": "the store does not answer"}}


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """Whether the process answers."""
    return {"status": "up"}


@router.get("/readyz", responses=AWAY)
def readyz(service: Ours) -> dict[str, str]:
    """Whether the store answers, too; 503 when it does not."""
    is_reachable(service.engine)
    return {"status": "ready"}
