"""`sre quality`: what the input was like, and which expectations it did not meet."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from console.given import NotFound, settings, store
from console.output import json_option, say, show_json, show_table
from console.score import span
from domain.shown_texts import printable


@click.command(epilog="Example: sre quality --since 1h --failed")
@click.option("--since", default="24h", show_default=True, help="How far back to look: 30m, 24h, 7d.")
@click.option("--failed", is_flag=True, help="Only stretches that were not as expected.")
@click.option("--docs", type=click.Path(file_okay=False, path_type=Path), help="Write Great Expectations' pages there.")
@json_option
@click.pass_context
def quality(ctx: click.Context, since: str, docs: Path | None, *, failed: bool, as_json: bool) -> None:
    """Show how the input was, a line for each stretch of batches, and what of it was not as `quality.*` expects."""
    from adapters.store.quality_rows import results  # noqa: PLC0415 - keeps `sre --help` fast

    tree = settings(ctx)
    found = results(store(tree), since=datetime.now(UTC) - span(since), failed_only=failed)
    if docs is not None:
        from adapters.expectations import write_docs  # noqa: PLC0415 - takes seconds to import

        if not found:
            raise NotFound(f"no batch was checked in the last {since}; there is nothing to write")
        say(f"open {write_docs([row['summary'] for row in found], tree.quality, docs)}")
        return
    if as_json:
        show_json(found)
        return
    title = f"The input of the last {since}, the newest first"
    show_table([_row(row) for row in found], title=title, empty=f"no batch was checked in the last {since}")


def _row(row: dict[str, Any]) -> dict[str, object]:
    summary = row["summary"]
    return {
        "at": row["at"],
        "messages": row["messages"],
        "unreadable": f"{summary['rejected_percent']:.1f} %",
        "median age": f"{summary['late_seconds']:.0f} s",
        "not as expected": printable("; ".join(row["failures"])) or "nothing",
    }
