"""`/static/…`: style and script of the pages, from a table."""

from __future__ import annotations

from pathlib import PurePosixPath

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.http.web.render import ASSETS, KINDS

router = APIRouter(include_in_schema=False)
# Its address changes with it.
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


@router.get("/static/{name:path}")
def asset(name: str) -> Response:
    """One file. Raises HTTPException 404 for whatever is not in the table."""
    if name not in ASSETS:
        raise HTTPException(404, "there is no such file")
    return Response(ASSETS[name], media_type=KINDS[PurePosixPath(name).suffix], headers=FOR_EVER)
