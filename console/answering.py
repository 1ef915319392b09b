"""`sre ack N` and what else people may say about an incident; the same answers come by link and by button."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from console.given import as_option, caller, people, settings, store
from console.noting import as_findings, finding_options
from console.output import json_option, say, show_json
from domain.errors import BadInput
from domain.resolution_notes import NOTHING, Findings
from domain.responses import Response, Verb, Via

if TYPE_CHECKING:
    from domain.roster import Roster
    from domain.settings import Settings

SPAN = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

number_argument = click.argument("number", type=click.IntRange(min=1))


@click.command(epilog="Example: sre ack 17")
@number_argument
@as_option
@json_option
@click.pass_context
def ack(ctx: click.Context, number: int, *, as_json: bool) -> None:
    """Acknowledge incident NUMBER: nobody else is told, and nothing is done about it automatically, for four hours."""
    _say(ctx, number, Verb.ACKNOWLEDGE, as_json=as_json)


@click.command(epilog='Example: sre resolve 17 --cause "the pool was too small" --helped "set it to 40"')
@number_argument
@finding_options
@as_option
@json_option
@click.pass_context
def resolve(ctx: click.Context, /, number: int, *, as_json: bool, **said: str | None) -> None:
    """Close incident NUMBER by hand; whoever was paged is told.

    What caused it and what helped is found when something like it comes again.
    """
    _say(ctx, number, Verb.RESOLVE, as_json=as_json, findings=as_findings(said))


@click.command(epilog="Example: sre snooze 17 2h")
@number_argument
@click.argument("span")
@as_option
@json_option
@click.pass_context
def snooze(ctx: click.Context, number: int, span: str, *, as_json: bool) -> None:
    """Tell nobody of incident NUMBER for SPAN (30m, 2h, 1d), then begin its policy anew."""
    _say(ctx, number, Verb.SNOOZE, str(seconds(span)), as_json=as_json)


@click.command(epilog="Example: sre reassign 17 ann; sre reassign 17 team ops")
@number_argument
@click.argument("whom", nargs=-1, required=True, metavar="[user|schedule|team] NAME")
@as_option
@json_option
@click.pass_context
def reassign(ctx: click.Context, number: int, whom: tuple[str, ...], *, as_json: bool) -> None:
    """Give incident NUMBER to a user, to whoever is on call by a schedule, or to a team.

    A name alone is enough where it names one of them.
    """
    _say(ctx, number, Verb.REASSIGN, " ".join(whom), as_json=as_json)


@click.command(epilog="Example: sre escalate 17")
@number_argument
@as_option
@json_option
@click.pass_context
def escalate(ctx: click.Context, number: int, *, as_json: bool) -> None:
    """Tell the next ones of incident NUMBER's policy now."""
    _say(ctx, number, Verb.ESCALATE, as_json=as_json)


@click.command(epilog='Example: sre comment 17 "the disk is being swapped"')
@number_argument
@click.argument("text")
@as_option
@json_option
@click.pass_context
def comment(ctx: click.Context, number: int, text: str, *, as_json: bool) -> None:
    """Say TEXT about incident NUMBER to everybody who was paged for it."""
    _say(ctx, number, Verb.COMMENT, text, as_json=as_json)


def seconds(span: str) -> float:
    """`90s`, `30m`, `2h`, `1d` in seconds. Raises BadInput."""
    found = SPAN.fullmatch(span.strip())
    if found is None:
        raise BadInput(f"{span!r} is no span of time; write 90s, 30m, 2h or 1d")
    return float(found[1]) * SECONDS[found[2]]


def _named(tree: Settings) -> Roster:
    """Whom the file names that says who is on call; nobody without one. Whether each can be paged is not asked."""
    from adapters.answering_users import AnsweringUsers  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.parts_file import PROJECT  # noqa: PLC0415 - as above

    return AnsweringUsers(PROJECT / tree.paging.on_call if tree.paging.on_call else None).current()


def _say(
    ctx: click.Context, number: int, verb: Verb, argument: str = "", *, as_json: bool, findings: Findings = NOTHING
) -> None:
    from tasks.responding import respond  # noqa: PLC0415 - keeps `sre --help` fast

    by, tree = caller(ctx), settings(ctx)
    answer = Response(number, 0, verb, by, Via.COMMAND, argument, findings=findings)
    outcome = respond(store(tree), answer, people(ctx), now=datetime.now(UTC), roster=_named(tree))
    if as_json:
        show_json({"incident": number, "verb": verb, "by": by, "outcome": outcome})
    else:
        say(outcome)
