"""Reports on pages as the flow `report` made them, for whoever looks back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.store.database import Engine, transaction
from adapters.store.tables.running import noise_reports
from domain.noise_report import Section

# Reports that are kept: a year of daily and weekly ones.
MOST = 420


@dataclass(frozen=True, slots=True)
class KeptReport:
    """One report."""

    number: int
    made_at: datetime
    since: datetime
    until: datetime
    headline: str
    sections: tuple[Section, ...] = ()


def keep_report(
    engine: Engine, since: datetime, until: datetime, headline: str, sections: Sequence[Section], *, now: datetime
) -> int:
    """Keep one, and drop what is old; its number."""
    row = {
        "made_at": now,
        "since": since,
        "until": until,
        "headline": headline,
        "sections": list(map(asdict, sections)),
    }
    with transaction(engine) as connection:
        kept: int = connection.execute(noise_reports.insert().values(row).returning(noise_reports.c.id)).scalar_one()
        connection.execute(noise_reports.delete().where(noise_reports.c.id <= kept - MOST))
    return kept


def listed_reports(engine: Engine, most: int) -> list[KeptReport]:
    """The newest ones without their sections, newest first."""
    columns = [column for column in noise_reports.c if column.name != "sections"]
    with transaction(engine) as connection:
        rows = connection.execute(sa.select(*columns).order_by(noise_reports.c.id.desc()).limit(most))
        return [KeptReport(row.id, row.made_at, row.since, row.until, row.headline) for row in rows]


def kept_report(engine: Engine, number: int | None = None) -> KeptReport | None:
    """The one of that number, or the newest; None where there is none."""
    query = sa.select(noise_reports).order_by(noise_reports.c.id.desc()).limit(1)
    if number is not None:
        query = query.where(noise_reports.c.id == number)
    with transaction(engine) as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return KeptReport(row.id, row.made_at, row.since, row.until, row.headline, tuple(map(_section, row.sections)))


def _section(kept: dict[str, Any]) -> Section:
    return Section(**kept)
