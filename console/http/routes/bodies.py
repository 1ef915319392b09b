"""What routes that read the body themselves say about it in the description of the service."""

from __future__ import annotations

from typing import Any


def json_body(what: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    """A JSON body for `openapi_extra`."""
    content = {"application/json": {"schema": (schema or {"type": "object"}) | {"description": what}}}
    return {"requestBody": {"required": True, "content": content}}
