"""`sre changes`, `sre change SERVICE WHAT`: deploys and other changes; systems tell of them by `POST /changes`."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from console.given import as_option, may, services_meant, settings, store
from console.output import json_option, say, show, show_json
from console.times import moment
from domain.changes import AHEAD, Change, ChangeKind, ChangeSource, checked
from domain.people import Role

MOST = 1_000


def _row(change: Change) -> dict[str, object]:
    return {
        "at": change.at,
        "service": change.service,
        "kind": change.kind.value,
        "what": change.what,
        "by": change.by,
        "source": change.source.value,
    }


@click.command(epilog="Example: sre changes --service checkout --since 2h")
@click.option("--service", "services", multiple=True, help="Only of this service; may be given more than once.")
@click.option("--since", default="24h", show_default=True, help="From when on: 30m, 24h, 7d, 14:30, 2026-01-05T14:30.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, MOST), help="Most rows.")
@json_option
@click.pass_context
def changes(ctx: click.Context, services: tuple[str, ...], since: str, limit: int, *, as_json: bool) -> None:
    """List deploys and other changes that somebody told of, newest first."""
    from adapters.store.changes import recent  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.store.database import transaction  # noqa: PLC0415 - as above

    now = datetime.now(UTC)
    begin = moment(since, now)
    engine = store(settings(ctx))
    meant = services_meant(engine, services, begin)
    with transaction(engine) as connection:
        found = recent(connection, meant, begin, now + AHEAD, limit)
    show(
        [_row(one) for one in found],
        as_json=as_json,
        title="Changes",
        empty=f"no changes since {begin:%Y-%m-%d %H:%M} UTC",
    )


@click.command(epilog='Example: sre change checkout "v1.4.2"')
@click.argument("service")
@click.argument("what")
@click.option("--kind", type=click.Choice([kind.value for kind in ChangeKind]), default="deploy", show_default=True)
@click.option(
    "--at", "made_at", default="", help="When it was made: 30m (ago), 14:30, 2026-01-05T14:30; now if not given."
)
@click.option("--by", "made_by", default="", help="Who or what made it; you if not given.")
@as_option
@json_option
@click.pass_context
def change(ctx: click.Context, /, service: str, what: str, *, as_json: bool, **given: str) -> None:
    """Tell of a change of SERVICE: WHAT changed, in a few words."""
    from adapters.store.changes import keep  # noqa: PLC0415 - keeps `sre --help` fast

    now, me = datetime.now(UTC), may(ctx, Role.RESPONDER)
    at = moment(given["made_at"], now) if given["made_at"] else now
    told = Change(at, service, ChangeKind(given["kind"]), what, given["made_by"] or me, ChangeSource.COMMAND)
    made = checked(told, now=now)
    new = keep(store(settings(ctx)), [made], now=now)
    if as_json:
        show_json(_row(made) | {"new": bool(new)})
        return
    again = "" if new else " was known already"
    say(f"{made.kind} of {made.service} at {made.at:%Y-%m-%d %H:%M} UTC{again}: {made.what}")
