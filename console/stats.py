"""`sre stats`: logs in numbers, by service and hour."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from console.given import services_meant, settings, store
from console.output import json_option, say, show_json, show_table
from console.times import moment
from domain.amounts import counted, measured
from domain.shown_texts import cut, printable

if TYPE_CHECKING:
    from adapters.store.log_statistics import Hour

LONGEST_TEMPLATE = 100


@click.command(epilog="Example: sre stats --service web --since 24h")
@click.option("--service", "services", multiple=True, help="Only of this service; may be given several times.")
@click.option("--since", default="24h", show_default=True, help="From that hour on: 30m, 24h, 7d, 2026-01-05T14:30.")
@click.option("--templates", default=3, show_default=True, type=click.IntRange(0, 100), help="Most messages an hour.")
@json_option
@click.pass_context
def stats(ctx: click.Context, services: tuple[str, ...], since: str, templates: int, *, as_json: bool) -> None:
    """Show logs by level, anomalies, metrics and the most frequent messages of each service and hour, in UTC."""
    from adapters.store.log_look_ups import log_totals  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.store.log_statistics import statistics  # noqa: PLC0415 - as above

    engine = store(settings(ctx))
    begin = moment(since, datetime.now(UTC))
    found = statistics(engine, since=begin, services=services_meant(engine, services, begin), templates=templates)
    if as_json:
        show_json([asdict(hour) | {"anomaly_rate": round(hour.anomaly_rate, 6)} for hour in found])
        return
    if not found and not log_totals(engine)["logs"]:
        say("no log is stored yet; `sre status` says what is read")
        return
    show_table([_row(hour) for hour in found], empty=f"no log since {since}; a longer --since looks further back")
    _show_metrics(found)
    _show_templates(found)


def _row(hour: Hour) -> dict[str, object]:
    return {
        "service": hour.service,
        "hour": f"{hour.hour:%Y-%m-%d %H:00}",
        "logs": f"{hour.logs:,}",
        "levels": ", ".join(f"{count:,} {name}" for name, count in hour.levels.items()),
        "anomalies": f"{hour.anomalies:,} ({hour.anomaly_rate:.1%})",
    }


def _show_metrics(found: list[Hour]) -> None:
    rows = [
        {
            "service": hour.service,
            "hour": f"{hour.hour:%Y-%m-%d %H:00}",
            "metric": name,
            "values": f"{told['values']:,.0f}",
            **{share: measured(name, told[share]) for share in ("mean", "p50", "p95", "p99")},
        }
        for hour in found
        for name, told in hour.metrics.items()
    ]
    if rows:
        say("", "Metrics; p50, p95 and p99 are within 2 % of the true value")
        show_table(rows)


def _show_templates(found: list[Hour]) -> None:
    told = [hour for hour in found if hour.templates]
    if told:
        say("", "Most frequent messages; counts of many are estimated from a sample")
    for hour in told:
        say(f"{printable(hour.service)}, {hour.hour:%Y-%m-%d %H:00}")
        for template, logs in hour.templates:
            say(f"  {counted(logs, 'log')}: {cut(printable(template), LONGEST_TEMPLATE)}")
