"""`sre why page|action|not|minute`: why something was decided, or was not, from what is stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from console.given import NotFound, settings, store
from console.output import json_option, say, show_json
from console.times import moment
from console.why import why as why_log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.store.database import Engine
    from domain.findings import MinuteFinding
    from domain.whys import Rules

MINUTE = timedelta(minutes=1)


class Whys(click.Group):
    """A group whose every other word is taken for a request id."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The named question, or the one about a log."""
        return super().get_command(ctx, cmd_name) or why_log

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The same; the id of a log stays an argument."""
        if args and args[0] in self.commands:
            return super().resolve_command(ctx, args)
        return "log", why_log, args

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Options of the question about a log may come before its id."""
        if args and args[0] == "--json":
            args = [*args[1:], args[0]]
        return super().parse_args(ctx, args)


@click.group(
    cls=Whys,
    epilog="Example: sre why req_40fe641a6ba2; sre why page 17; sre why not web --at 14:30",
)
def why() -> None:
    """Say why a log, a page, an action or a minute was judged so, or why nobody was paged."""


why.add_command(why_log, "log")


def _rules(ctx: click.Context) -> Rules:
    from adapters.store.decisions import rules_of  # noqa: PLC0415 - keeps `sre --help` fast

    return rules_of(settings(ctx).model_dump(mode="json"))


def _worded(engine: Engine, found: list[MinuteFinding]) -> list[MinuteFinding]:
    """The same, texts by their words and not by their numbers."""
    from domain.findings import OF_TEXTS  # noqa: PLC0415 - keeps `sre --help` fast

    if not any(one.measured in OF_TEXTS for one in found):
        return found
    from tasks.templates import Templates  # noqa: PLC0415 - as above

    known = Templates.of(engine)
    return [known.worded(one) for one in found]


def _tell(words: Sequence[str], document: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(document | {"words": list(words)})
        return
    say(*words)


@why.command(epilog="Example: sre why page 17")
@click.argument("number", type=int)
@json_option
@click.pass_context
def page(ctx: click.Context, number: int, *, as_json: bool) -> None:
    """Say why page NUMBER was sent, to whom, and by what that was decided."""
    from adapters.store.decisions import page_decided, page_with_incident  # noqa: PLC0415 - keeps `sre --help` fast
    from domain.why_page import of_page  # noqa: PLC0415 - as above

    engine = store(settings(ctx))
    found = page_with_incident(engine, number)
    if found is None:
        raise NotFound(f"there is no page {number}; `sre incident N` lists the pages of an incident")
    row, incident = found
    by = page_decided(engine, row, incident, _rules(ctx))
    known = incident and incident | {"findings": _worded(engine, incident.pop("findings"))}
    _tell(of_page(row, known, by), {"page": row, "incident": incident, "decided_by": by.digest}, as_json=as_json)


@why.command(epilog="Example: sre why action 3")
@click.argument("number", type=int)
@json_option
@click.pass_context
def action(ctx: click.Context, number: int, *, as_json: bool) -> None:
    """Say why action NUMBER was carried out or was not, and what came of it."""
    from adapters.store.decisions import action_decided, action_with_incident  # noqa: PLC0415 - keeps `sre --help` fast
    from domain.whys import of_action  # noqa: PLC0415 - as above

    engine = store(settings(ctx))
    found = action_with_incident(engine, number)
    if found is None:
        raise NotFound(f"there is no action {number}; `sre incident N` lists the actions of an incident")
    row, incident = found
    by = action_decided(engine, row, incident, _rules(ctx))
    _tell(of_action(row, incident, by), {"action": row, "incident": incident, "decided_by": by.digest}, as_json=as_json)


@why.command("not", epilog="Example: sre why not web --at 14:30 --around 10m")
@click.argument("service")
@click.option("--at", "when", default="5m", show_default=True, help="About that time: 30m, 14:30, 2026-01-05T14:30.")
@click.option("--around", default="5m", show_default=True, help="So long before and after it.")
@json_option
@click.pass_context
def not_paged(ctx: click.Context, service: str, when: str, around: str, *, as_json: bool) -> None:
    """Say why nobody was paged about SERVICE at a time, and what would have changed that."""
    from adapters.store.seen_of_services import heard  # noqa: PLC0415 - keeps `sre --help` fast
    from console.score import span  # noqa: PLC0415 - as above
    from domain.why_not import why_nobody  # noqa: PLC0415

    at, wide = moment(when, datetime.now(UTC)), span(around)
    engine, today = store(settings(ctx)), _rules(ctx)
    found = heard(engine, service, since=at - wide, until=at + wide, otherwise=today)
    worded = _worded(engine, [one for one, _ in found.findings])
    found = replace(found, findings=[(one, of) for one, (_, of) in zip(worded, found.findings, strict=True)])
    document = {
        "service": service,
        "since": found.since,
        "until": found.until,
        "logs": found.logs,
        "anomalous": found.anomalous,
        "alerts": found.alerts,
        "pages": found.pages,
    }
    _tell(why_nobody(found, today), document, as_json=as_json)


@why.command(epilog="Example: sre why minute web 14:30")
@click.argument("service")
@click.argument("when")
@json_option
@click.pass_context
def minute(ctx: click.Context, service: str, when: str, *, as_json: bool) -> None:
    """Say what SERVICE did in the minute of WHEN, and what was made of it."""
    from adapters.store.seen_of_services import findings_of, minute_of  # noqa: PLC0415 - as above
    from domain.whys import of_minute  # noqa: PLC0415 - as above

    at = moment(when, datetime.now(UTC)).replace(second=0, microsecond=0)
    engine = store(settings(ctx))
    seen = minute_of(engine, service, at)
    found = [one for one in findings_of(engine, service, since=at) if at <= one.begins_at < at + MINUTE]
    found = _worded(engine, found)
    document = {
        "service": service,
        "minute": at,
        "numbers": {one.name: {"value": one.value, "usual": one.usual} for one in seen},
        "findings": [{"what": one.subject, "value": one.value, "normal": one.normal} for one in found],
    }
    _tell(of_minute(service, at, seen, found), document, as_json=as_json)
