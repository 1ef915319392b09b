"""`sre approve N PLAN`, `sre reject N PLAN`: a person's word about exactly one plan."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from console.given import settings, store, who
from console.output import json_option, show_json


@click.command(epilog="Example: sre approve 17 3f2a90c1b7de")
@click.argument("number", type=click.IntRange(min=1))
@click.argument("plan")
@json_option
@click.pass_context
def approve(ctx: click.Context, number: int, plan: str, *, as_json: bool) -> None:
    """Allow PLAN of incident NUMBER, which waits for it; page and `sre incident NUMBER` name the plan."""
    _say(ctx, number, plan, granted=True, as_json=as_json)


@click.command(epilog="Example: sre reject 17 3f2a90c1b7de")
@click.argument("number", type=click.IntRange(min=1))
@click.argument("plan")
@json_option
@click.pass_context
def reject(ctx: click.Context, number: int, plan: str, *, as_json: bool) -> None:
    """Refuse PLAN of incident NUMBER: a human takes over."""
    _say(ctx, number, plan, granted=False, as_json=as_json)


def _say(ctx: click.Context, number: int, plan: str, *, granted: bool, as_json: bool) -> None:
    from adapters.store import answers  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.store.database import transaction  # noqa: PLC0415

    with transaction(store(settings(ctx))) as connection:
        answers.allow(connection, number, plan, granted=granted, by=who(), now=datetime.now(UTC))
    said = "allowed" if granted else "refused"
    if as_json:
        show_json({"incident": number, "plan": plan, said: True, "by": who()})
    else:
        click.echo(f"plan {plan} of incident {number} {said}")
