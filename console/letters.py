"""`sre dead-letters`: which logs could not be read, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from console.given import settings, store
from console.output import json_option, say, show_json, show_table
from console.score import span
from domain.shown_texts import printable

LONGEST = 300


@click.command("dead-letters", epilog="Example: sre dead-letters --since 1h --examples 3")
@click.option("--since", default="24h", show_default=True, help="How far back to look: 30m, 24h, 7d.")
@click.option("--examples", default=1, show_default=True, type=click.IntRange(0, 100), help="Logs shown per reason.")
@json_option
@click.pass_context
def dead_letters(ctx: click.Context, since: str, examples: int, *, as_json: bool) -> None:
    """Say why logs could not be read: each reason with its number of logs and the newest of them."""
    from adapters.store.look_ups import letter_reasons  # noqa: PLC0415 - keeps `sre --help` fast

    begin = datetime.now(UTC) - span(since)
    found = letter_reasons(store(settings(ctx)), since=begin, examples=examples)
    rows = [row | {"examples": [_example(letter) for letter in row["examples"]]} for row in found]
    if as_json:
        show_json(rows)
        return
    told = [{name: value for name, value in row.items() if name != "examples"} for row in rows]
    show_table(told, title=f"Dead letters of the last {since}", empty=f"every log of the last {since} could be read")
    for row in rows:
        for letter in row["examples"]:
            place = f"{letter['topic']}, partition {letter['partition']}, offset {letter['offset']}"
            say(f"{place}: {printable(letter['reason'])}", f"  {printable(letter['body'])[:LONGEST]}")


def _example(letter: dict[str, Any]) -> dict[str, object]:
    """One letter as people can read it; what is not UTF-8 is shown as escapes."""
    kept = {name: letter[name] for name in ("topic", "partition", "offset", "reason", "arrived_at")}
    return kept | {"body": letter["body"].decode(errors="backslashreplace")}
