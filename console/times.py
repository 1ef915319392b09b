"""Times as people give them to a command."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from console.score import span
from domain.errors import BadInput
from domain.moments import as_moment

DAY = timedelta(days=1)


def moment(text: str, now: datetime) -> datetime:
    """`30m` is half an hour ago, `14:30` the last such time, `2026-01-05T14:30` that moment; in UTC.

    Raises click.BadParameter.
    """
    try:
        return now - span(text)
    except click.BadParameter:
        pass
    try:
        return as_moment(text, after=now - DAY)
    except BadInput as error:
        raise click.BadParameter(f"{text!r} is no time; write 30m, 24h, 7d, 14:30 or 2026-01-05T14:30") from error
