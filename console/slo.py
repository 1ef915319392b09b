"""`sre slo`: how fast we are, from a log to a person who has it, against what we promise."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from console.given import settings, store
from console.output import json_option, show_json, show_table
from domain.amounts import number, share

if TYPE_CHECKING:
    from domain.service_levels import ServiceLevel


@click.command(epilog="Example: sre slo --days 30 --check")
@click.option("--days", type=click.FloatRange(min=0, min_open=True, max=3650), default=7.0, show_default=True)
@click.option("--check", is_flag=True, help="Exit code 1 when a target is missed.")
@json_option
@click.pass_context
def slo(ctx: click.Context, *, days: float, check: bool, as_json: bool) -> None:
    """Show log to decision, decision to page, and page to acknowledgement, by severity, against `slo.*`."""
    from adapters.store.service_levels import samples  # noqa: PLC0415 - keeps `sre --help` fast
    from domain.service_levels import service_levels  # noqa: PLC0415

    tree, now = settings(ctx), datetime.now(UTC)
    found = service_levels(samples(store(tree), since=now - timedelta(days=days), now=now), tree.slo)
    if as_json:
        show_json([_document(level) for level in found])
    else:
        title = f"the last {number(days)} days; {share(tree.slo.share)} must be within the target"
        show_table([level_row(level) for level in found], title=title, empty="no incident was confirmed or paged")
    sys.exit(1 if check and not all(level.met for level in found) else 0)


def _document(level: ServiceLevel) -> dict[str, object]:
    return asdict(level) | {"stage": level.stage.value, "severity": level.severity.name.lower()}


def level_row(level: ServiceLevel) -> Mapping[str, object]:
    """A stage and severity against its target, on one line."""
    return {
        "stage": level.stage.value,
        "severity": level.severity.name.lower(),
        "count": level.count,
        "median": _time(level.median),
        "p95": _time(level.p95),
        "p99": _time(level.p99),
        "worst": f"{_time(level.worst)}, incident {level.worst_incident}",
        "target": _time(level.target),
        "within": share(round(level.within, 4)),
        "": "met" if level.met else "MISSED",
    }


def _time(seconds: float) -> str:
    """`0.42 s`, `4 min 10 s`."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
