"""`sre approve N [PLAN]`, `sre reject N [PLAN]`: an approver's word about exactly one plan."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from console.given import as_option, person, settings, store
from console.output import json_option, say, show_json
from domain.people import Role


@click.command(epilog="Example: sre approve 17 3f2a90c1b7de")
@click.argument("number", type=click.IntRange(min=1))
@click.argument("plan", default="")
@as_option
@json_option
@click.pass_context
def approve(ctx: click.Context, number: int, plan: str, *, as_json: bool) -> None:
    """Allow PLAN of incident NUMBER; without PLAN the one that waits now. Page and `sre incident NUMBER` name it."""
    _say(ctx, number, plan, granted=True, as_json=as_json)


@click.command(epilog="Example: sre reject 17 3f2a90c1b7de")
@click.argument("number", type=click.IntRange(min=1))
@click.argument("plan", default="")
@as_option
@json_option
@click.pass_context
def reject(ctx: click.Context, number: int, plan: str, *, as_json: bool) -> None:
    """Refuse PLAN of incident NUMBER, without PLAN the one that waits now: a human takes over."""
    _say(ctx, number, plan, granted=False, as_json=as_json)


def wall_clock() -> datetime:
    """Now."""
    return datetime.now(UTC)


def _say(ctx: click.Context, number: int, plan: str, *, granted: bool, as_json: bool) -> None:
    from adapters.store import answers  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.store.database import transaction  # noqa: PLC0415
    from domain.actions import Approval  # noqa: PLC0415
    from domain.plan_documents import digest  # noqa: PLC0415

    who = person(ctx, Role.APPROVER)
    said = Approval(granted=granted, by=who.name, at=wall_clock(), role=who.role)
    with transaction(store(settings(ctx))) as connection:
        meant = answers.allow(connection, number, plan, said)
    verb = "allowed" if granted else "refused"
    if as_json:
        show_json({"incident": number, "plan": digest(meant), verb: True, "by": who.name, "role": who.role})
    else:
        say(f"plan {digest(meant)} of incident {number} {verb} by {who.name} ({who.role}): {meant.told}")
