"""Times as people give them to a page: as to a command."""

from __future__ import annotations

from datetime import datetime

import click

from console.times import moment
from domain.errors import BadInput


def asked_moment(text: str, now: datetime) -> datetime:
    """`30m` is half an hour ago, `14:30` the last such time; in UTC. Raises BadInput."""
    try:
        return moment(text.strip(), now)
    except click.BadParameter as error:
        raise BadInput(error.message) from error
    except OverflowError as error:
        raise BadInput(f"{text[:40]!r} is longer than time is counted; write 30m, 24h or 7d") from error
