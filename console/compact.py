"""`sre compact`: closed hours of logs into files, now."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import click

from console.given import settings, store
from console.output import json_option, say, show_json


@click.command(epilog="Example: sre compact --dry-run")
@click.option("--dry-run", is_flag=True, help="Say what would be gathered; change nothing.")
@json_option
@click.pass_context
def compact(ctx: click.Context, *, dry_run: bool, as_json: bool) -> None:
    """Gather closed hours of logs into files; interrupt it at any moment, and the next run goes on."""
    from tasks.compacting import preview, run  # noqa: PLC0415 - keeps `sre --help` fast

    tree = settings(ctx)
    work = preview if dry_run else run
    found = work(store(tree), tree.store, now=datetime.now(UTC))
    if as_json:
        show_json(asdict(found) | {"dry_run": dry_run})
    elif dry_run:
        say(
            f"would gather {found.logs:,} logs: {found.blocks:,} blocks and {found.rows:,} single logs",
            tree.store.files,
        )
    else:
        say(str(found))
