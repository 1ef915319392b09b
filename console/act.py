"""`sre act PLAN… --dry-run`: what would be done to the real targets, without doing it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from console.given import settings
from console.output import json_option, say, show
from domain.errors import BadInput, BadSettings

if TYPE_CHECKING:
    from adapters.store.database import Engine
    from domain.plans import Plan
    from domain.settings import Settings
    from tasks.judging import Knowledge

NOT_HERE = (
    "`sre act` only shows. Carrying out belongs to on-call, through the gate: with mitigation.acting on it begins by"
    " itself, or after `sre approve NUMBER PLAN`. Add --dry-run to see what would be done"
)


@click.command(epilog="Example: sre act connection-pool-exhausted@web 17 --dry-run")
@click.argument("plans", nargs=-1, required=True, metavar="PLAN...")
@click.option("--dry-run", is_flag=True, help="Look at the real targets and show what would be done.")
@json_option
@click.pass_context
def act(ctx: click.Context, plans: tuple[str, ...], *, dry_run: bool, as_json: bool) -> None:
    """Show what each PLAN would do now: PLAYBOOK@SERVICE, or the number of an incident that has a plan.

    Exit code 1 when an action would be refused.
    """
    from tasks.bootstrap import knowledge  # noqa: PLC0415 - keeps `sre --help` fast

    if not dry_run:
        raise BadInput(NOT_HERE)
    tree = settings(ctx)
    known = knowledge(tree)
    for flaw in known.flaws:
        say(f"warning: {flaw}", err=True)
    rows = [row for name in plans for row in _rows(tree, known, name)]
    show(rows, as_json=as_json)
    if any(row["refused"] for row in rows):
        sys.exit(1)


def _rows(tree: Settings, known: Knowledge, name: str) -> list[dict[str, object]]:
    from adapters.executing import Given  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.executors import EXECUTORS  # noqa: PLC0415
    from tasks.bootstrap import home  # noqa: PLC0415
    from tasks.preview import preview  # noqa: PLC0415

    given = Given(tree, _engine(tree), home())
    plan = _plan(tree, known, name)
    return [
        {
            "plan": name,
            "action": one.action.told,
            "risk": one.action.risk.name.lower(),
            "by": one.executor,
            "would": one.would,
            "refused": one.problem,
        }
        for one in preview(plan, known.inventory, lambda executor: EXECUTORS[executor](given))
    ]


def _engine(tree: Settings) -> Engine | None:
    """The store, where there is one: a preview needs none."""
    from console.given import store  # noqa: PLC0415 - beside its only use

    try:
        return store(tree)
    except BadSettings:
        return None


def _plan(tree: Settings, known: Knowledge, name: str) -> Plan:
    from adapters.store import answers  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.store.database import transaction  # noqa: PLC0415
    from console.given import store  # noqa: PLC0415
    from tasks.preview import plan_of  # noqa: PLC0415

    playbook, at, service = name.partition("@")
    if at:
        return plan_of(known, playbook, service)[0]
    if not name.isdecimal():
        raise BadInput(f"{name!r} is neither PLAYBOOK@SERVICE nor the number of an incident")
    with transaction(store(tree)) as connection:
        found = answers.read(connection, int(name))
    if found is None or found.plan is None:
        raise BadInput(f"incident {name} {'has no plan' if found else 'does not exist'}")
    return found.plan
