"""Which services somebody means who sees their names masked: what is compared is what a mask leaves of them."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow.compute as pc
import sqlalchemy as sa

from adapters.store.database import snapshot
from adapters.store.log_counts import counted
from adapters.store.log_reader import Asked, read_again
from adapters.store.tables.counted import minute_findings, session_findings
from adapters.store.tables.found import alerts, changes, incidents
from domain.quoted import MASK, Mask

NAMING = (incidents, alerts, changes, minute_findings, session_findings)


def meant(engine: sa.Engine, names: Collection[str], mask: Mask | None, asked: Asked | None = None) -> list[str] | None:
    """The services that these names mean; None for all of them, where no name is given.

    Behind a mask, whoever types a name with a secret means what they would see of it, so right and wrong guesses get
    the same answer. `asked`: the time whose logs are looked at, too, for names that a mask changes.
    """
    if not names:
        return None
    if mask is None:
        return list(names)
    wanted = {mask(name) for name in names}
    # A mask leaves its letters wherever it takes something away: without them a name is that of one service.
    if all(MASK not in name for name in wanted):
        return sorted(wanted)
    return sorted(wanted | {name for name in _known(engine, asked) if mask(name) in wanted})


@read_again
def _known(engine: sa.Engine, asked: Asked | None) -> set[str]:
    """Every service that logs of that time, or anything else that is kept, are about."""
    with snapshot(engine) as connection:
        logged = pc.unique(counted(connection, asked)["service"]).to_pylist() if asked else []
        named = [connection.scalars(sa.select(table.c.service).distinct()).all() for table in NAMING]
    return {*logged, *(name for some in named for name in some)}
