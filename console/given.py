"""What commands need before they start: settings, the store where they look, and who calls."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.output import say
from domain.errors import BadSettings, SreError
from domain.people import Person, Role

if TYPE_CHECKING:
    from adapters.settings_files import Loaded
    from adapters.store.database import Engine
    from domain.settings import Settings


def loaded(context: click.Context) -> Loaded:
    """The effective settings, from the file that `--config` names; warnings go to stderr."""
    from adapters.settings_files import load  # noqa: PLC0415 - keeps `sre --help` fast

    name = context.obj["config_file"]
    found = load(Path(name) if name else None)
    if found.settings.calls.ca_file:
        from adapters.trust import trust  # noqa: PLC0415 - as above

        trust(found.settings.calls.ca_file)
    for warning in found.warnings:
        say(f"warning: {warning}", err=True)
    return found


def settings(context: click.Context) -> Settings:
    """The effective settings."""
    return loaded(context).settings


def store(tree: Settings) -> Engine:
    """The agent's database. Raises BadSettings where there is none."""
    from adapters.store.opening import open_database  # noqa: PLC0415 - keeps `sre --help` fast

    url = tree.store.url.get_secret_value()
    if not url:
        raise BadSettings("no database: start the embedded one with `sre up`, or set SRE_STORE__URL")
    return open_database(url, tree.encryption, tree.store.files)


def who() -> str:
    """Who acts, for the ledger."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown user"


def _remember(ctx: click.Context, _parameter: click.Parameter, name: str | None) -> None:
    if name:
        ctx.meta[USER] = name


USER = "sre.user"
as_option = click.option(
    "--as",
    "user",
    metavar="NAME",
    envvar="SRE_USER",
    expose_value=False,
    callback=_remember,
    help="Who says it; without it the login name. Also SRE_USER.",
)


def person(ctx: click.Context, least: Role) -> Person:
    """Who calls, with the role. Raises Refused, with who may instead, where the role does not suffice."""
    from domain.settings import people_of  # noqa: PLC0415 - keeps `sre --help` fast

    return people_of(settings(ctx)).person(ctx.meta.get(USER) or who(), least)


def may(ctx: click.Context, least: Role) -> str:
    """The name of who calls; raises Refused as `person` does."""
    return person(ctx, least).name


class NotFound(SreError):
    """What was asked for does not exist."""
