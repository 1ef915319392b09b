"""`sre report`: which pages were acted upon, and what would have saved the others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from console.given import settings as settings_of
from console.given import store
from console.output import json_option, say, show_json, show_text
from console.times import moment

if TYPE_CHECKING:
    from domain.noise_report import Report


@click.command(epilog="Example: sre report --since 7d")
@click.option("--since", default="7d", show_default=True, help="From then on: 24h, 7d, 2026-01-05T14:30.")
@click.option("--until", default="0s", show_default="now", help="To before that, written alike.")
@click.option("--workers", type=click.IntRange(0), default=0, help="Processes that score logs; 0: one per processor.")
@json_option
@click.pass_context
def report(ctx: click.Context, *, since: str, until: str, workers: int, as_json: bool) -> None:
    """Count pages by reason, service and hour, and try by replay which change would have saved some.

    A change is recommended only where nothing is missed that somebody acted upon.
    """
    now = datetime.now(UTC)
    begin, end = moment(since, now), moment(until, now)
    if begin >= end:
        raise click.UsageError("--since must be before --until")
    tree = settings_of(ctx)
    from domain.noise_report import markdown  # noqa: PLC0415 - keeps `sre --help` fast
    from tasks.reporting import replayed  # noqa: PLC0415
    from tasks.reporting import report as report_on  # noqa: PLC0415

    again = replayed(tree, begin, end, workers=workers)
    found = report_on(store(tree), tree, begin, end, again, lambda told: say(f"tries {told}", err=True))
    show_json(document(found)) if as_json else show_text("\n".join([*markdown(found), ""]))


def document(found: Report) -> dict[str, Any]:
    """The report for programs."""
    return {
        "since": found.since,
        "until": found.until,
        "pages": [
            {
                "page": one.number,
                "at": one.at,
                "incident": one.incident,
                "service": one.about.service,
                "reason": one.reason,
                "acted": one.acted.value,
                "acted_upon": one.acted.upon,
            }
            for one in found.pages
        ],
        "tried": [
            {
                "change": one.candidate.told,
                "pages_saved": one.saved,
                "incidents_missed": list(one.missed),
                "recommended": one.recommended,
            }
            for one in found.trials
        ],
        "doubts": list(found.doubts),
    }
