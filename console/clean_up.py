"""`sre clean-up`: what the settings do not keep goes, now."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from console.given import settings, store
from console.output import json_option, say, show_json


@click.command(epilog="Example: sre clean-up --dry-run")
@click.option("--dry-run", is_flag=True, help="Say what would go; change nothing.")
@json_option
@click.pass_context
def clean_up(ctx: click.Context, *, dry_run: bool, as_json: bool) -> None:
    """Drop logs, closed incidents, changes and the ledger's old end, as `store.keep_…` says; open incidents stay."""
    from tasks.keeping import clean, preview  # noqa: PLC0415 - keeps `sre --help` fast

    tree = settings(ctx)
    work = preview if dry_run else clean
    gone = work(store(tree), tree.store, now=datetime.now(UTC))
    if as_json:
        logs = gone.logs
        show_json(
            {
                "dry_run": dry_run,
                "logs_before": logs.before.isoformat(),
                "logs": logs.logs,
                "bytes": logs.size,
                "files": logs.files,
                "dead_letters": logs.letters,
                "incidents": gone.incidents,
                "changes": gone.changes,
                "ledger_entries": gone.links,
            }
        )
        return
    say(f"{'would go' if dry_run else 'gone'}: {gone}")
