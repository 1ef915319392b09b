"""`sre encryption`: what is sealed with which key, and sealing it anew."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from console.given import settings, store
from console.output import json_option, say, show_json, show_table
from domain.rotation import SIGNING_KEY

if TYPE_CHECKING:
    from domain.rotation import Found, Passing, Target
    from domain.settings import Settings


@click.group(epilog="Example: sre encryption rotate && sre encryption status")
def encryption() -> None:
    """Show and change the keys of what the agent writes to disk."""


@encryption.command(epilog="Example: sre encryption status --json")
@json_option
@click.pass_context
def status(ctx: click.Context, *, as_json: bool) -> None:
    """Show what is sealed with which key, and what is still plain."""
    tree = settings(ctx)
    places: list[Target | Passing] = [*_targets(tree), *_passing(tree)]
    found = [one for place in places for one in place.found()]
    first, others = _keys()
    if as_json:
        told = [
            {"place": one.place, "values": one.values, "plain": one.plain, "sealed": dict(one.sealed)} for one in found
        ]
        show_json({"enabled": tree.encryption.enabled, "seals": first, "keys": others, "places": told})
        return
    say(f"new values are sealed with {first}" if first else "encryption is off: new values are written plain")
    say(f"keys that are given: {', '.join(others) or 'none'}")
    show_table([_row(one) for one in found if one.values], empty="nothing is stored yet")
    missing = sorted({name for one in found for name in one.sealed} - {SIGNING_KEY, *others})
    for name in missing:
        say(f"the key {name} is not there: what it sealed cannot be read until it is given again", err=True)


def _row(one: Found) -> Mapping[str, object]:
    sealed = [f"{name}: {number:,}" for name, number in one.sealed.items()]
    return {"what": one.place, "values": f"{one.values:,}", "plain": f"{one.plain:,}", "sealed with": sealed}


@encryption.command(epilog="Example: sre encryption rotate --vacuum")
@click.option("--vacuum", is_flag=True, help="Rewrite the tables afterwards, each locked meanwhile.")
@json_option
@click.pass_context
def rotate(ctx: click.Context, *, vacuum: bool, as_json: bool) -> None:
    """Seal everything with the first key, what is plain too; interrupt it at any moment, and it goes on.

    With encryption off, and with the keys given, it writes everything plain again.
    """
    tree = settings(ctx)
    targets = _targets(tree)
    done = {target.name: _reseal(target, quiet=as_json) for target in targets}
    changed = [name for name, number in done.items() if number]
    if vacuum and changed:
        from adapters.store.rotation import vacuum as rewrite  # noqa: PLC0415 - keeps `sre --help` fast

        rewrite(store(tree), changed)
    left = {target.name: number for target in targets if (number := target.left())}
    passing = {one: number for one in _passing(tree) if (number := one.left())}
    if as_json:
        goes = {one.name: {"left": number, "until": one.until} for one, number in passing.items()}
        show_json({"resealed": done, "left": left, "passing": goes, "vacuumed": changed if vacuum else []})
    else:
        say(_end(sum(done.values()), left, vacuumed=vacuum))
        for one, number in passing.items():
            say(f"{one.name}: {number:,} not sealed anew; {one.until}, so keep their keys as long")
    sys.exit(1 if left else 0)


def _end(done: int, left: Mapping[str, int], *, vacuumed: bool) -> str:
    if left:
        where = ", ".join(f"{name} {number:,}" for name, number in left.items())
        return f"{done:,} rows and files sealed anew; others hold or wrote since: {where}; run it again"
    files = "" if vacuumed or not done else "; the database's files may hold what was there until they are rewritten:"
    return f"{done:,} rows and files sealed anew, nothing is left{files}{' add --vacuum' if files else ''}"


def _reseal(target: Target, *, quiet: bool) -> int:
    """Work one target off, with a line for each step; how many were done."""
    whole, done = target.left(), 0
    for number in target.reseal():
        done += number
        if not quiet:
            say(f"{target.name}: {done:,} of {max(whole, done):,}", err=True)
    return done


def _targets(tree: Settings) -> list[Target]:
    from adapters.store.opening import archive_at  # noqa: PLC0415 - keeps `sre --help` fast
    from tasks.rotation import targets  # noqa: PLC0415

    return targets(store(tree), archive_at(tree.store.files))


def _passing(tree: Settings) -> list[Passing]:
    from adapters.parts_file import home  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.store.opening import archive_at  # noqa: PLC0415
    from tasks.rotation import passing  # noqa: PLC0415

    return passing(store(tree), archive_at(tree.store.files), home(os.environ))


def _keys() -> tuple[str, list[str]]:
    """The key that seals, and all of them."""
    from adapters.sealing import in_use  # noqa: PLC0415 - keeps `sre --help` fast

    return in_use().sealing_id, list(in_use().ids)
