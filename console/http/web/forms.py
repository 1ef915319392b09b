"""What a form says, as texts."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

MOST_FIELDS = 10


async def texts(request: Request) -> dict[str, str]:
    """The texts of the form that was sent; of a field that is there twice the last one."""
    async with request.form(max_files=0, max_fields=MOST_FIELDS) as sent:
        return {name: value for name, value in sent.items() if isinstance(value, str)}


Form = Annotated[dict[str, str], Depends(texts)]
