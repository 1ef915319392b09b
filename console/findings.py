"""`sre findings`: what was not as usual about services, minute by minute, and about requests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from console.given import services_meant, settings, store
from console.output import json_option, say, show_json, show_table
from console.times import moment
from domain.amounts import seconds
from domain.errors import Refused
from domain.findings import OF_TEXTS
from domain.shown_texts import printable

if TYPE_CHECKING:
    from adapters.store.database import Engine
    from adapters.store.minute_findings import StoredFinding
    from domain.sessions import AbnormalSession


@click.command(epilog="Example: sre findings --since 6h --service web")
@click.option("--service", help="Only of this service.")
@click.option("--since", default="24h", show_default=True, help="From then on: 30m, 24h, 7d, 2026-01-05T14:30.")
@json_option
@click.pass_context
def findings(ctx: click.Context, service: str | None, since: str, *, as_json: bool) -> None:
    """Show volume, silence, errors, metrics, texts and requests that were not as usual, the newest first, in UTC."""
    from adapters.store.minute_findings import stored_findings  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.store.session_findings import stored_sessions  # noqa: PLC0415 - as above

    tree = settings(ctx)
    engine, begin = store(tree), moment(since, datetime.now(UTC))
    services = services_meant(engine, [service] if service else (), begin)
    found = stored_findings(engine, since=begin, services=services)
    sessions = stored_sessions(engine, since=begin, services=services)
    if any(one.finding.measured in OF_TEXTS for one in found):
        from tasks.templates import Templates  # noqa: PLC0415 - as above

        known = Templates.of(engine)
        found = [replace(one, finding=known.worded(one.finding)) for one in found]
    if as_json:
        show_json([one.as_json() for one in found] + [one.as_json() | {"measured": "request"} for one in sessions])
        return
    nothing = f"nothing unusual since {since}; see `sre status` for what is read"
    if found or not sessions:
        show_table([finding_row(one) for one in found], empty=nothing)
    if sessions:
        show_table([_of_session(one) for one in sessions], title="requests")
    if tree.detection.session_key:
        say(_learned(engine, tree.detection.session_key))


def _of_session(one: AbnormalSession) -> dict[str, Any]:
    return {
        "over": f"{one.ended:%Y-%m-%d %H:%M:%S}",
        "request": printable(one.key),
        "service": printable(one.service),
        "what": printable(", ".join(one.reasons)),
        "logs": one.logs,
        "took": seconds(one.seconds),
        "by chance": f"{one.p_value:.1g}",
    }


def _learned(engine: Engine, key: str) -> str:
    """How far requests are known."""
    from adapters.store.session_findings import kept_memory  # noqa: PLC0415 - keeps `sre --help` fast
    from ml.session_detector import SessionDetector  # noqa: PLC0415 - as above

    kept = kept_memory(engine)
    if kept is None:
        return f"requests by {key}: none was looked at yet"
    try:
        return f"requests by {key}, as of {kept[0]:%H:%M}: {SessionDetector.in_words(kept[1])}"
    except Refused as error:
        return f"requests by {key}: {error}"


def finding_row(one: StoredFinding) -> dict[str, Any]:
    """What was found, on one line."""
    what = one.finding
    return {
        "minute": f"{what.begins_at:%Y-%m-%d %H:%M}",
        "since": f"{one.since_at:%H:%M}",
        "service": printable(what.service),
        "what": printable(what.told),
        "by chance": f"{what.p_value:.1g}" + (" (fitted tail)" if what.fitted else ""),
        "sure": f"{what.confidence:.2f}",
        "incident": one.incident_id or "",
    }
