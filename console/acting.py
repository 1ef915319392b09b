"""`sre pause` and `sre resume`: whether anything is carried out at all."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from console.given import as_option, may, settings, store
from console.output import json_option, say, show_json
from domain.people import Role


def _switch(ctx: click.Context, *, on: bool, as_json: bool) -> None:
    from adapters.store.switches import set_pause  # noqa: PLC0415 - keeps `sre --help` fast

    tree, who = settings(ctx), may(ctx, Role.RESPONDER)
    set_pause(store(tree), on=on, by=who, now=datetime.now(UTC))
    if as_json:
        show_json({"paused": on, "acting": tree.mitigation.acting, "by": who})
        return
    text = "every action is stopped at its last check, until `sre resume`" if on else "actions are allowed again"
    off = "" if tree.mitigation.acting else " (acting is off by settings: mitigation.acting)"
    say(text + off)


@click.command(epilog="Example: sre pause")
@as_option
@json_option
@click.pass_context
def pause(ctx: click.Context, *, as_json: bool) -> None:
    """Stop every action at its last check; holds over restarts until `sre resume`."""
    _switch(ctx, on=True, as_json=as_json)


@click.command(epilog="Example: sre resume")
@as_option
@json_option
@click.pass_context
def resume(ctx: click.Context, *, as_json: bool) -> None:
    """Allow actions again after `sre pause`."""
    _switch(ctx, on=False, as_json=as_json)
