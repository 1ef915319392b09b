"""`sre models`: the versions of the detector, what was found about each, and which one decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from console.given import as_option, may, settings, store
from console.output import json_option, say, show_json, show_table
from domain.amounts import number, share
from domain.people import Role

if TYPE_CHECKING:
    from adapters.store.database import Engine
    from domain.settings import Settings
    from ml.model_comparison import Comparison
    from ml.model_versions import ModelVersion
    from ml.promotion import Record

LATELY = timedelta(hours=1)
NONE = "no version yet: the deployment `retrain` trains the first; until then rules decide"


@click.group(invoke_without_command=True, epilog="Example: sre models && sre models rollback")
@json_option
@click.pass_context
def models(ctx: click.Context, *, as_json: bool) -> None:
    """List the versions of the detector, what champion and challenger were judged by, and what is seen live; in UTC."""
    if ctx.invoked_subcommand:
        return
    from ml.model_comparison import comparisons  # noqa: PLC0415 - keeps `sre --help` fast
    from ml.model_versions import versions  # noqa: PLC0415
    from tasks.retraining import registry  # noqa: PLC0415

    tree = settings(ctx)
    found, judged, live = versions(registry(tree)), comparisons(registry(tree)), beside(tree)
    if as_json:
        by_version = {one.version: asdict(one) for one in judged}
        show_json(
            [asdict(one) | {"judged": by_version.get(one.version), "seen_live": seen_live(one, live)} for one in found]
        )
        return
    show_table([version_row(one) for one in found], empty=NONE)
    for each in judged:
        show_table(comparison_rows(each), title=comparison_title(each))
    say(*(f"{member}: {seen}" for one in found for member, seen in seen_live(one, live).items()))


def beside(tree: Settings) -> dict[str, str]:
    """What each member of `watch` saw of the challenger lately; nothing where there is no store."""
    from adapters.store.watch_signs import said_of  # noqa: PLC0415 - as above
    from tasks.shadow import CHALLENGER  # noqa: PLC0415 - as above

    if not tree.store.url.get_secret_value():
        return {}
    return said_of(store(tree), CHALLENGER, since=datetime.now(UTC) - LATELY)


def seen_live(one: ModelVersion, beside: Mapping[str, str]) -> dict[str, str]:
    """What members of `watch` say of this version as a challenger."""
    return {member: seen for member, seen in beside.items() if seen.startswith(f"version {one.version}:")}


def version_row(one: ModelVersion) -> dict[str, object]:
    """A version, on one line."""
    return {
        "version": one.version,
        "is": one.aliases,
        "trained": f"{one.registered_at:%Y-%m-%d %H:%M}",
        "judgement": one.judgement,
        "champion since": _minute(one.champion_since),
        "until": _minute(one.champion_until),
        "by": one.champion_by,
    }


def comparison_title(one: Comparison) -> str:
    """`Version 8, challenger, beside version 7`."""
    return f"Version {one.version}, {one.alias}, beside {one.against}"


def comparison_rows(one: Comparison) -> list[dict[str, object]]:
    """What a version and what decided then would have done about the same later logs, a measure a line."""
    theirs, ours = _told(one.present), _told(one.candidate)
    then, mine = f"{one.against} (decided then)", f"version {one.version} (candidate)"
    return [{"over later logs": what, then: theirs[what], mine: ours[what]} for what in ours]


def _told(record: Record) -> dict[str, str]:
    """A record in words; what there was nothing of has no number."""
    seconds = "" if record.seconds is None else f"{number(record.seconds)} s"
    return {
        "incidents found": f"{number(record.found)} of {number(record.incidents)}"
        if record.incidents
        else "there was none",
        "pages for nothing": number(record.false_pages),
        "opened for nothing": number(record.false_incidents),
        "median until confirmed": seconds or "none found",
        "flagged of usual logs": f"{share(record.flagged / record.logs)} of {number(record.logs)}"
        if record.logs
        else "there was none",
        "metrics known": f"{number(record.covered)} of {number(record.pairs)}",
    }


def _minute(at: str) -> str:
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M}" if at else ""


@models.command(epilog="Example: sre models drift")
@json_option
@click.pass_context
def drift(ctx: click.Context, *, as_json: bool) -> None:
    """Show what of the last day is otherwise than in the champion's training, and whether that calls for another."""
    from tasks.drifting import check  # noqa: PLC0415 - keeps `sre --help` fast
    from tasks.retraining import registry  # noqa: PLC0415

    tree = settings(ctx)
    found = check(store(tree), tree, registry(tree), now=datetime.now(UTC))
    if as_json:
        show_json(asdict(found))
        return
    show_table([one.row for one in found.compared], empty="too few values to compare; see `sre status`")
    due = "a training is due, which the deployment `drift` starts" if found.started else "no training is due"
    say(f"the last day against the training of version {found.version}; {due}: {found.reason}")


@models.command(epilog="Example: sre models promote 7")
@click.argument("version", type=click.IntRange(1))
@as_option
@json_option
@click.pass_context
def promote(ctx: click.Context, version: int, *, as_json: bool) -> None:
    """Make VERSION champion, whatever was found about it; `watch` takes it up within `detection.refresh_seconds`."""
    from tasks.model_changes import promoted  # noqa: PLC0415 - keeps `sre --help` fast

    who = may(ctx, Role.APPROVER)
    tree, now = settings(ctx), datetime.now(UTC)
    _say(promoted(tree, version, by=who, now=now, ledger=_ledger(tree)), who, as_json=as_json)


@models.command(epilog="Example: sre models rollback")
@as_option
@json_option
@click.pass_context
def rollback(ctx: click.Context, *, as_json: bool) -> None:
    """Make that version champion again which was it before; again goes back further."""
    from tasks.model_changes import rolled_back  # noqa: PLC0415 - keeps `sre --help` fast

    who = may(ctx, Role.RESPONDER)
    tree, now = settings(ctx), datetime.now(UTC)
    _say(rolled_back(tree, by=who, now=now, ledger=_ledger(tree)), who, as_json=as_json)


def _ledger(tree: Settings) -> Engine | None:
    """The store, where there is one: versions can be changed without."""
    return store(tree) if tree.store.url.get_secret_value() else None


def _say(done: str, who: str, *, as_json: bool) -> None:
    if as_json:
        show_json({"done": done, "by": who})
    else:
        say(done)
