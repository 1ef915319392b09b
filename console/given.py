"""What commands need before they start: settings, the store where they look, and who calls."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.output import say
from console.sent import from_afar
from domain.errors import Refused, SreError
from domain.people import Person, Role

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from adapters.settings_files import Loaded
    from adapters.store.database import Engine
    from domain.people import People
    from domain.settings import Settings


def read(context: click.Context) -> Loaded:
    """The settings with their origins and warnings, from the file that `--config` names, or of the service."""
    if sent := from_afar(context):
        return sent.loaded
    from adapters.settings_files import load  # noqa: PLC0415 - keeps `sre --help` fast

    name = (context.obj or {}).get("config_file")
    return load(Path(name) if name else None)


def loaded(context: click.Context) -> Loaded:
    """As `read`; warnings go to stderr, and the certificates of `calls.ca_file` are trusted from now on."""
    found = read(context)
    if from_afar(context):
        return found
    if found.settings.calls.ca_file:
        from adapters.trust import trust  # noqa: PLC0415 - keeps `sre --help` fast

        trust(found.settings.calls.ca_file)
    for warning in found.warnings:
        say(f"warning: {warning}", err=True)
    return found


def settings(context: click.Context) -> Settings:
    """The effective settings."""
    return loaded(context).settings


def store(tree: Settings) -> Engine:
    """The agent's database. Raises BadSettings where there is none."""
    if sent := from_afar():
        return sent.engine
    from adapters.store.opening import database_of  # noqa: PLC0415 - keeps `sre --help` fast

    return database_of(tree)


def as_shown(name: str) -> str:
    """A name as whoever asks sees it: masked from afar."""
    sent = from_afar()
    return sent.sink.mask(name) if sent else name


def services_meant(
    engine: Engine, names: Collection[str], since: datetime | None, until: datetime | None = None
) -> list[str] | None:
    """The services of `--service`; None for all. From afar names are compared as they are shown, masked.

    Of the logs those of the time from `since` to before `until` tell what is named so.
    """
    from adapters.store.log_reader import Asked  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.store.shown_services import meant  # noqa: PLC0415 - as above

    sent = from_afar()
    return meant(engine, names, sent.sink.mask if sent else None, Asked(since, until))


def who() -> str:
    """Who acts, for the ledger."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown user"


def _remember(ctx: click.Context, parameter: click.Parameter, name: str | None) -> None:
    typed = ctx.get_parameter_source(parameter.name or "") is click.core.ParameterSource.COMMANDLINE
    if name and typed and from_afar(ctx):
        from domain.afar import NotSent  # noqa: PLC0415 - keeps `sre --help` fast

        raise NotSent("--as is for the agent's machine: from afar you are whom the token belongs to")
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


def caller(ctx: click.Context) -> str:
    """The name of who calls: from afar whom the token belongs to, else whom `--as` names, or the login name."""
    if sent := from_afar(ctx):
        return sent.caller.person
    return ctx.meta.get(USER) or who()


def people(ctx: click.Context) -> People:
    """Who may what, by the settings."""
    from domain.settings import people_of  # noqa: PLC0415 - keeps `sre --help` fast

    sent = from_afar(ctx)
    return sent.people if sent else people_of(settings(ctx))


def person(ctx: click.Context, least: Role) -> Person:
    """Who calls, with the role. Raises Refused, with who may instead, where the role does not suffice."""
    known, sent = people(ctx), from_afar(ctx)
    if sent is None or known.roles:
        return known.person(caller(ctx), least)
    if not sent.caller.role.includes(least):
        raise Refused(f"{sent.caller.name} is {sent.caller.role}, and this needs the role {least}")
    return Person(sent.caller.person, sent.caller.role)


def may(ctx: click.Context, least: Role) -> str:
    """The name of who calls; raises Refused as `person` does."""
    return person(ctx, least).name


class NotFound(SreError):
    """What was asked for does not exist."""
