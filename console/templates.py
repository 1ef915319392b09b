"""`sre templates`: what the logs say, without what varies: how often, since when, and what is new."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from console.given import services_meant, settings, store
from console.output import json_option, say, show_json, show_table
from console.times import moment
from domain.shown_texts import cut, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.store.template_counts import TemplateCount
    from ml.templates import Template

LONGEST = 120
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FORGOTTEN = "(not remembered any more)"


@click.command(epilog="Example: sre templates --service web --new")
@click.option("--service", "services", multiple=True, help="Only of this service; may be given several times.")
@click.option("--since", default="24h", show_default=True, help="From then on: 30m, 24h, 7d, 2026-01-05T14:30.")
@click.option("--new", is_flag=True, help="Only those that were never seen before that time.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="Most rows.")
@json_option
@click.pass_context
def templates(
    ctx: click.Context, services: tuple[str, ...], since: str, limit: int, *, new: bool, as_json: bool
) -> None:
    """Show the templates of messages with their counts, the most frequent first; minutes that are over, in UTC."""
    from adapters.store.template_counts import template_counts  # noqa: PLC0415 - keeps `sre --help` fast
    from tasks.templates import Templates  # noqa: PLC0415 - as above

    engine = store(settings(ctx))
    begin = moment(since, datetime.now(UTC))
    known = {one.id: one for one in Templates.of(engine).miner.templates()}
    counts = template_counts(engine, since=begin, services=services_meant(engine, services, begin))
    rows = [count_row(one, known, begin) for one in counts]
    shown = [row for row in rows if row["new"] or not new][:limit]
    if as_json:
        show_json(shown)
        return
    show_table([told_row(row) for row in shown], empty=f"no {'new ' if new else ''}template since {since}")
    if len(shown) == limit:
        say(f"the {limit} most frequent ones; --limit shows more")


def count_row(one: TemplateCount, known: Mapping[int, Template], begin: datetime) -> dict[str, object]:
    """A template in numbers, with its text as far as it is remembered."""
    template = known.get(one.id)
    first = EPOCH + timedelta(microseconds=template.first_seen) if template and template.first_seen else one.first_at
    text = template.text if template else FORGOTTEN
    # A message is younger than the minute that it is counted in.
    is_new = template is not None and first >= begin
    return asdict(one) | {"text": text, "first_seen": min(first, one.last_at), "new": is_new}


def told_row(row: Mapping[str, object]) -> dict[str, object]:
    """The same for people."""
    services = row["services"]
    named = ", ".join(map(str, services)) if isinstance(services, tuple) else ""
    return {
        "template": cut(printable(row["text"]), LONGEST),
        "logs": f"{row['logs']:,}",
        "services": cut(printable(named), LONGEST // 3),
        "first seen": f"{row['first_seen']:%Y-%m-%d %H:%M}",
        "last seen": f"{row['last_at']:%Y-%m-%d %H:%M}",
        "": "new" if row["new"] else "",
    }
