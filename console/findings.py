"""`sre findings`: what was not as usual about services, minute by minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from console.given import settings, store
from console.output import json_option, show_json, show_table
from console.times import moment
from domain.findings import OF_TEXTS
from domain.words import printable

if TYPE_CHECKING:
    from adapters.store.minute_findings import StoredFinding


@click.command(epilog="Example: sre findings --since 6h --service web")
@click.option("--service", help="Only of this service.")
@click.option("--since", default="24h", show_default=True, help="From then on: 30m, 24h, 7d, 2026-01-05T14:30.")
@json_option
@click.pass_context
def findings(ctx: click.Context, service: str | None, since: str, *, as_json: bool) -> None:
    """Show volume, silence, errors, metrics and texts of services that were not as usual, the newest first, in UTC."""
    from adapters.store.minute_findings import stored_findings  # noqa: PLC0415 - keeps `sre --help` fast

    begin = moment(since, datetime.now(UTC))
    engine = store(settings(ctx))
    found = stored_findings(engine, since=begin, service=service)
    if any(one.finding.measured in OF_TEXTS for one in found):
        from tasks.templates import Templates  # noqa: PLC0415 - as above

        known = Templates.of(engine)
        found = [replace(one, finding=known.worded(one.finding)) for one in found]
    if as_json:
        show_json([one.as_json() for one in found])
        return
    show_table([_row(one) for one in found], empty=f"nothing unusual since {since}; see `sre status` for what is read")


def _row(one: StoredFinding) -> dict[str, Any]:
    what = one.finding
    return {
        "minute": f"{what.begins_at:%Y-%m-%d %H:%M}",
        "since": f"{one.since_at:%H:%M}",
        "service": printable(what.service),
        "what": printable(what.told),
        "by chance": f"{what.p_value:.1g}" + (" (fitted tail)" if what.fitted else ""),
        "sure": f"{what.confidence:.2f}",
        "incident": one.incident_id or "",
    }
