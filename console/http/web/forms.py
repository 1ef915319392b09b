"""What a form says, as texts."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request

from domain.errors import BadInput

MOST_FIELDS = 10
MOST_DIGITS = 18  # as many as a database takes


async def texts(request: Request) -> dict[str, str]:
    """The texts of the form that was sent, without NUL, which PostgreSQL takes in no text.

    Of a field that is there twice the last one counts.
    """
    async with request.form(max_files=0, max_fields=MOST_FIELDS) as sent:
        return {
            name: value.replace("\0", "\N{REPLACEMENT CHARACTER}")
            for name, value in sent.items()
            if isinstance(value, str)
        }


Form = Annotated[dict[str, str], Depends(texts)]
# A number as a path names it; databases know no larger ones.
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]


def whole(name: str, text: str) -> int:
    """A whole number that a field holds. Raises BadInput."""
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise BadInput(f"{name} is a number, and {text[:40]!r} is none: use the buttons of the page")
    return int(text)
