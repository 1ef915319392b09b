"""`sre autonomy`: how far each playbook may go on each service, and what that rests on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from console.given import as_option, as_shown, person, settings, store
from console.output import json_option, say, show, show_json
from domain.autonomy import moved
from domain.people import Role

if TYPE_CHECKING:
    from adapters.store.experience import Changed
    from tasks.trust import Trusted


NO_CHANGE = "nothing was earned or lost yet: a run must be judged, or a person say so"


def wall_clock() -> datetime:
    """Now."""
    return datetime.now(UTC)


@click.group(invoke_without_command=True, epilog="Example: sre autonomy --service web")
@click.option("--service", default="", help="This service alone.")
@click.option("--playbook", default="", help="This playbook alone.")
@click.option("--all", "everything", is_flag=True, help="Also where nothing was tried yet.")
@json_option
@click.pass_context
def autonomy(ctx: click.Context, *, service: str, playbook: str, everything: bool, as_json: bool) -> None:
    """Show how far playbooks may go by themselves: observe, suggest, ask or act, with the evidence."""
    if ctx.invoked_subcommand:
        return
    from adapters.store.database import transaction  # noqa: PLC0415 - keeps `sre --help` fast
    from tasks.bootstrap import knowledge  # noqa: PLC0415
    from tasks.trust import elsewhere, everyone, untried  # noqa: PLC0415

    tree = settings(ctx)
    with transaction(store(tree)) as connection:
        known, now = knowledge(tree), wall_clock()
        found = [*everyone(connection, known, now=now), *elsewhere(connection, known, now=now)]
    named = as_shown(service)
    rows = [
        trust_row(one)
        for one in found
        if (everything or one.tried) and named in ("", as_shown(one.service)) and playbook in ("", one.playbook)
    ]
    show(rows, as_json=as_json, empty=untried(known))


def trust_row(one: Trusted) -> dict[str, object]:
    """How far a playbook may go on a service, on one line."""
    return {
        "playbook": one.playbook,
        "service": one.service,
        "may": one.trust.level.word,
        "because": one.trust.why,
        "helped": one.helped,
        "did_not_help": one.failed,
    }


def change_row(one: Changed) -> dict[str, object]:
    """What a playbook earned or lost on a service, on one line."""
    return {
        "at": one.at,
        "playbook": one.playbook,
        "service": one.service,
        "change": moved(one.before, one.after),
        "because": one.why,
        "incident": one.incident_id,
    }


@autonomy.command("changes", epilog="Example: sre autonomy changes --limit 10")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="Most rows.")
@json_option
@click.pass_context
def list_changes(ctx: click.Context, limit: int, *, as_json: bool) -> None:
    """Show what playbooks earned and lost, the newest first, with the incident of which it came; in UTC."""
    from adapters.store import experience  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.store.database import transaction  # noqa: PLC0415

    with transaction(store(settings(ctx))) as connection:
        rows = [change_row(one) for one in experience.changes(connection, limit=limit)]
    show(rows, as_json=as_json, empty=NO_CHANGE)


@autonomy.command("set", epilog='Example: sre autonomy set bad-release web ask --why "the pipeline was mended"')
@click.argument("playbook")
@click.argument("service")
@click.argument("level", type=click.Choice(["observe", "suggest", "ask", "act"]))
@click.option("--why", required=True, help="For whoever reads the ledger.")
@as_option
@json_option
@click.pass_context
def set_level(ctx: click.Context, playbook: str, service: str, level: str, *, why: str, as_json: bool) -> None:
    """Set how far PLAYBOOK may go on SERVICE from now on; what was proved before no longer counts.

    Needs the role admin. Limits of settings, playbook and inventory hold all the same.
    """
    from adapters.store.database import transaction  # noqa: PLC0415 - keeps `sre --help` fast
    from domain.autonomy import Word, level_of  # noqa: PLC0415
    from tasks.bootstrap import knowledge  # noqa: PLC0415
    from tasks.trust import set_by_hand  # noqa: PLC0415

    tree, who = settings(ctx), person(ctx, Role.ADMIN)
    said = Word(level_of(level), who.name, why, wall_clock())
    with transaction(store(tree)) as connection:
        now = set_by_hand(connection, knowledge(tree), playbook, service, said)
    if as_json:
        show_json({"playbook": playbook, "service": service, "may": now.level.word, "because": now.why})
    else:
        say(f"{playbook} may {now.level.word} on {service}: {now.why}")
