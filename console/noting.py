"""`sre note N`: what caused an incident that is over, and what helped; `sre resolve N` takes the same at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import click

from console.given import as_option, caller, people, settings, store
from console.output import json_option, say, show_json
from domain.resolution_notes import Findings, Verdict, found_out, verdict_of

Command = Callable[..., Any]


def finding_options(command: Command) -> Command:
    """What somebody may have found out; `as_findings` takes it."""
    options = (
        click.option("--cause", metavar="TEXT", help="What caused it."),
        click.option("--helped", metavar="TEXT", help="What helped."),
        click.option("--origin", metavar="SERVICE", help="The service at fault."),
        click.option("--analysis", type=click.Choice([one.value for one in Verdict]), help="Was the analysis right?"),
    )
    for option in reversed(options):
        command = option(command)
    return command


def as_findings(said: Mapping[str, str | None]) -> Findings:
    """What the options say. Raises BadInput where a text is too long, or the analysis is judged otherwise."""
    verdict = verdict_of(said["analysis"] or "")
    return found_out(said["cause"] or "", said["helped"] or "", said["origin"] or "", verdict)


@click.command(epilog='Example: sre note 17 --cause "the pool was too small" --helped "set it to 40"')
@click.argument("number", type=click.IntRange(min=1))
@finding_options
@as_option
@json_option
@click.pass_context
def note(ctx: click.Context, /, number: int, *, as_json: bool, **said: str | None) -> None:
    """Say what caused incident NUMBER, which is closed, and what helped."""
    from tasks.noting import note_closed  # noqa: PLC0415 - keeps `sre --help` fast

    by, findings = caller(ctx), as_findings(said)
    now = datetime.now(UTC)
    outcome = note_closed(store(settings(ctx)), number, findings, by=by, people=people(ctx), now=now)
    if as_json:
        show_json({"incident": number, "by": by, "outcome": outcome})
    else:
        say(outcome)
