"""`sre inventory`: which service runs where, what may be done with it, and what its executor sees right now."""

from __future__ import annotations

import sys

import click

from adapters.executing import Given
from adapters.executors import EXECUTORS
from adapters.inventory_files import load
from adapters.parts_file import PROJECT
from console.given import settings
from console.output import json_option, show
from domain.amounts import share
from domain.errors import BadSettings, Refused, Unavailable
from domain.execution import Snapshot, TargetState
from domain.inventory import Inventory, Service
from domain.plans import ActionKind
from domain.settings import Settings

EMPTY = """\
the inventory is empty: no service has a target, so nothing may be acted upon, and every plan goes to a human.
Write one, name it in mitigation.inventory, and call this again:

services:
  checkout:                # as its logs call it
    executor: supervisord
    target: checkout       # as the executor calls it
    owner: team checkout
    dependencies: []"""


@click.command(epilog="Example: sre inventory")
@json_option
@click.pass_context
def inventory(ctx: click.Context, *, as_json: bool) -> None:
    """Show the inventory and what the executors see; exit code 1 when a target is missing or cannot be seen."""
    tree = settings(ctx)
    known = load(PROJECT / tree.mitigation.inventory) if tree.mitigation.inventory else Inventory()
    seen = [(service, *_seen(service, tree)) for service in known.services.values()]
    rows = [_row(service, text, as_json=as_json) for service, text, _ in seen]
    show(rows, as_json=as_json, empty=EMPTY)
    if not all(there for _, _, there in seen):
        sys.exit(1)


def _seen(service: Service, tree: Settings) -> tuple[str, bool]:
    """What the executor sees of the target, in words, and whether it is there."""
    try:
        found = EXECUTORS[service.executor](Given(tree)).snapshot(service.target)
    except (BadSettings, Refused, Unavailable) as error:
        return f"cannot be seen: {error}", False
    return (_words(found), True) if found.processes else ("there is no such target", False)


def _words(found: Snapshot) -> str:
    """How many processes are in which state."""
    states = [process.state for process in found.processes]
    counts = [f"{states.count(state)} {state}" for state in TargetState if state in states]
    pids = f" (pid {', '.join(map(str, found.pids))})" if found.pids else ""
    return ", ".join(counts) + pids


def _share(most: float | None, *, as_json: bool) -> object:
    """How much of its running processes one plan may interrupt."""
    return most if as_json else "as policy allows" if most is None else share(most)


def _row(service: Service, seen: str, *, as_json: bool) -> dict[str, object]:
    return inventory_row(service, as_json=as_json) | {"seen_now": seen}


def inventory_row(service: Service, *, as_json: bool = False) -> dict[str, object]:
    """One service; lists stay lists for programs."""
    actions = [kind.value for kind in ActionKind if kind in service.limits.actions]
    fields: dict[str, object] = {
        "service": service.name,
        "executor": service.executor,
        "target": service.target,
        "actions": actions if as_json else ", ".join(actions) or "none",
        "most_workers": service.limits.workers if as_json or service.limits.workers else "as the platform allows",
        "at_a_time": _share(service.limits.share, as_json=as_json),
        "dependencies": list(service.dependencies) if as_json else ", ".join(service.dependencies),
        "owner": service.owner,
    }
    return fields
