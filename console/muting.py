"""`sre silence …` and `sre maintenance …`: what is held back, from when until when, and by whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import click

from console.given import NotFound, as_option, may, settings, store
from console.output import json_option, say, show, show_json
from console.score import span
from domain.errors import BadInput
from domain.moments import as_moment
from domain.muting import NAMES, Mute, MuteKind, Phase, in_words, phase, present
from domain.muting_checks import as_matcher
from domain.people import Role

Command = Callable[..., Any]
DOES: Mapping[MuteKind, str] = {
    MuteKind.SILENCE: "Hold back pages of what matches, for a time.",
    MuteKind.MAINTENANCE: "Hold back pages and actions of what matches, for a time.",
}
MATCHERS = """\b
A MATCHER is LABEL=VALUE, or != =~ !~ in place of = (patterns match the whole value).
Labels: service, severity, kind, playbook, template, metric, owner, id. All matchers must match.
An incident of several services is held back only if every one of them matches."""


def _times(given: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime]:
    """Begin and end of the first occurrence. Raises BadInput."""
    begins = as_moment(given["begins"], after=now) if given["begins"] else now
    if bool(given["lasts"]) == bool(given["ends"]):
        raise BadInput("when does it end? Give --for 2h or --until 14:30, one of them")
    try:
        return begins, begins + span(given["lasts"]) if given["lasts"] else as_moment(given["ends"], after=begins)
    except OverflowError as error:
        raise BadInput(f"--for {given['lasts']} is longer than time is counted; write 2h or 7d") from error


def wanted_mute(kind: MuteKind, given: Mapping[str, Any], now: datetime, author: str) -> Mute:
    """The rule that somebody asked for. Raises BadInput."""
    begins, ends = _times(given, now)
    return Mute(
        id=0,
        kind=kind,
        matchers=tuple(map(as_matcher, given["matchers"])),
        starts_at=begins,
        ends_at=ends,
        every=given["every"] or "",
        until=as_moment(given["last"], after=begins) if given["last"] else None,
        author=author,
        comment=given["comment"],
    )


def mute_row(mute: Mute, now: datetime, held: Counter[str]) -> dict[str, object]:
    """One rule; its times are those of the present occurrence, or of the next one."""
    over = phase(mute, now) is Phase.ENDED
    shown = mute.times.first if over else present(mute, now) or mute.times.after(now) or mute.times.first
    texts = (text for text in held.elements() if f"; {mute.name} by " in f"; {text}")
    return {
        mute.kind.value: mute.id,
        "state": phase(mute, now).value,
        "matchers": [str(matcher) for matcher in mute.matchers],
        "from": shown.begins,
        "until": mute.expired_at or shown.ends,
        "every": mute.every,
        "ends": mute.until,
        "by": mute.author,
        "comment": mute.comment,
        "holds_back": sum(1 for _ in texts),
    }


def _add(ctx: click.Context, kind: MuteKind, *, as_json: bool, everything: bool, **given: object) -> None:
    from adapters.store import mutes  # noqa: PLC0415 - keeps `sre --help` fast

    now, by = datetime.now(UTC), may(ctx, Role.RESPONDER)
    added = mutes.add(store(settings(ctx)), wanted_mute(kind, given, now, by), now=now, everything=everything)
    if as_json:
        show_json(mute_row(added, now, Counter()))
        return
    again = f", every {added.every} until {added.until:%Y-%m-%d %H:%M} UTC" if added.every else ""
    begins = "" if phase(added, now) is Phase.ACTIVE else f", from {added.starts_at:%Y-%m-%d %H:%M} UTC"
    say(f"{in_words(added, now)} ({', '.join(map(str, added.matchers))}{begins}{again})")


def _list(ctx: click.Context, kind: MuteKind, *, everything: bool, as_json: bool) -> None:
    from adapters.store import mutes  # noqa: PLC0415 - keeps `sre --help` fast

    engine, now = store(settings(ctx)), datetime.now(UTC)
    held = mutes.held_back(engine)
    found = [one for one in mutes.all_mutes(engine, kind) if everything or phase(one, now) is not Phase.ENDED]
    rows = [mute_row(mute, now, held) for mute in found]
    show(rows, as_json=as_json, title=f"{NAMES[kind]}s".capitalize(), empty=f"no {NAMES[kind]} is active or pending")


def _expire(ctx: click.Context, kind: MuteKind, number: int, *, as_json: bool) -> None:
    from adapters.store import mutes  # noqa: PLC0415 - keeps `sre --help` fast

    now, by = datetime.now(UTC), may(ctx, Role.RESPONDER)
    ended = mutes.expire(store(settings(ctx)), number, kind, by=by, now=now)
    if ended is None:
        raise NotFound(f"{NAMES[kind]} {number} does not exist or is over; `sre {kind} list` lists those that are not")
    if as_json:
        show_json(mute_row(ended, now, Counter()))
    else:
        say(f"{ended.name} ended; what it holds back goes out now unless it is over")


def _adds(command: Command) -> Command:
    """The options of `add`."""
    options = (
        click.argument("matchers", nargs=-1, metavar="MATCHER..."),
        click.option("--comment", required=True, help="Why, for those who wonder later."),
        click.option("--for", "lasts", default="", help="How long: 30m, 2h, 7d."),
        click.option("--until", "ends", default="", help="When it ends: 14:30 or 2026-01-05T14:30, in UTC."),
        click.option("--from", "begins", default="", help="When it begins, written as --until; now if not given."),
        click.option("--every", type=click.Choice(["day", "week"]), help="Again every day or week."),
        click.option(
            "--ends",
            "last",
            default="",
            help="With --every: begins no more after this; else after a year.",
        ),
        click.option("--everything", is_flag=True, help="It is meant to match every incident."),
        as_option,
        json_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


def _group(kind: MuteKind, example: str) -> click.Group:
    """The commands of one kind of rule."""
    name = f"sre {kind}"
    group = click.Group(kind.value, help=DOES[kind], epilog=f"Example: {example}")

    @group.command("add", help=f"{DOES[kind]}\n\n{MATCHERS}", epilog=f"Example: {example}")
    @_adds
    @click.pass_context
    def add(ctx: click.Context, /, *, as_json: bool, everything: bool, **given: object) -> None:
        _add(ctx, kind, as_json=as_json, everything=everything, **given)

    @group.command("list", help=f"List {NAMES[kind]}s, newest first.", epilog=f"Example: {name} list --all --json")
    @click.option("--all", "everything", is_flag=True, help="Also those that are over.")
    @json_option
    @click.pass_context
    def list_(ctx: click.Context, *, everything: bool, as_json: bool) -> None:
        _list(ctx, kind, everything=everything, as_json=as_json)

    @group.command("expire", help=f"End {NAMES[kind]} NUMBER now.", epilog=f"Example: {name} expire 3")
    @click.argument("number", type=click.IntRange(min=1))
    @as_option
    @json_option
    @click.pass_context
    def expire(ctx: click.Context, number: int, *, as_json: bool) -> None:
        _expire(ctx, kind, number, as_json=as_json)

    return group


silence = _group(MuteKind.SILENCE, "sre silence add service=web 'severity=~medium|low' --for 2h --comment 'disk swap'")
maintenance = _group(
    MuteKind.MAINTENANCE,
    "sre maintenance add owner=storage --from 02:00 --for 1h --every day --comment 'nightly backup'",
)
