"""`sre users …`: who may use the pages, as what, and by which tokens."""

from __future__ import annotations

import re
import shlex
import sys
from datetime import UTC, datetime, timedelta

import click

from console.given import as_option, may, settings, store
from console.output import json_option, say, show, show_json
from domain.access import NAME, Scope, password_flaw
from domain.errors import BadInput, BadSettings
from domain.people import Role

MOST_DAYS = 3_650
_NOBODY = "no user: this machine sees the pages without a login, others do not see them"
_NOBODY_BY_OPENID = "no user: whoever logs in by OpenID Connect first becomes one"


@click.group(epilog="Example: sre users add ann --role responder")
def users() -> None:
    """Say who may use the pages: users, who log in by password or OpenID Connect, and tokens for programs."""


@users.command(epilog="Example: sre users add ann --role approver --person ann.archer")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True, help="What they may do.")
@click.option("--person", default="", help="Who they are for on-call and in the ledger; without it NAME.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input.")
@as_option
@json_option
@click.pass_context
def add(ctx: click.Context, name: str, role: str, person: str, *, password_stdin: bool, as_json: bool) -> None:
    """Add user NAME, or give NAME another password and role; the password is asked for twice.

    Needs the role admin, where `people` gives roles.
    """
    from adapters.passwords import hashed  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.store.users import User, put_user  # noqa: PLC0415 - as above

    by, engine = may(ctx, Role.ADMIN), store(settings(ctx))
    if not re.fullmatch(NAME, name):
        raise BadInput(f"{name!r} is no name: letters, digits and . _ @ + - make one")
    given = _password(from_stdin=password_stdin)
    if flaw := password_flaw(name, given):
        raise BadInput(flaw)
    now = datetime.now(UTC)
    new = put_user(engine, User(name, Role(role), person or name, hashed(given), now), by=by, now=now)
    what = "added" if new else "changed, and logged out everywhere"
    if as_json:
        show_json({"user": name, "role": role, "person": person or name, "new": new})
    else:
        say(f"user {name} ({role}) {what}")


def _password(*, from_stdin: bool) -> str:
    """The password, never as an argument: others see those."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    given: str = click.prompt("Password", hide_input=True, confirmation_prompt="Once more")
    return given


@users.command("list", epilog="Example: sre users list --json")
@json_option
@click.pass_context
def list_(ctx: click.Context, *, as_json: bool) -> None:
    """List the users with their roles, and how each logs in."""
    from adapters.store.users import all_users  # noqa: PLC0415 - keeps `sre --help` fast

    tree = settings(ctx)
    rows = [
        {
            "user": one.name,
            "role": one.role.value,
            "person": one.person,
            "login": "password" if one.password else "OpenID Connect" if one.subject else "none",
            "subject": one.subject,
            "since": one.created_at,
            "disabled": one.disabled_at,
        }
        for one in all_users(store(tree))
    ]
    show(rows, as_json=as_json, empty=_NOBODY_BY_OPENID if tree.http.openid.issuer else _NOBODY)


@users.command(epilog="Example: sre users disable ann")
@click.argument("name")
@as_option
@json_option
@click.pass_context
def disable(ctx: click.Context, name: str, *, as_json: bool) -> None:
    """Let user NAME in no more; what they are logged in with and their tokens end now."""
    from adapters.store import users as stored  # noqa: PLC0415 - keeps `sre --help` fast

    by, engine = may(ctx, Role.ADMIN), store(settings(ctx))
    stored.disable(engine, name, by=by, now=datetime.now(UTC))
    user = stored.user_named(engine, name)
    again = f"link {name} {shlex.quote(user.subject)}" if user and user.subject else f"add {name}"
    if as_json:
        show_json({"user": name, "disabled": True})
    else:
        say(f"user {name} is let in no more; `sre users {again}` lets them in again")


@users.command(epilog="Example: sre users link ann 00u1a2b3c4d5e6f7g8h9")
@click.argument("name")
@click.argument("subject")
@click.option("--person", default="", help="Who they are for on-call and in the ledger; without it as before.")
@as_option
@json_option
@click.pass_context
def link(ctx: click.Context, name: str, subject: str, person: str, *, as_json: bool) -> None:
    """Let user NAME log in by OpenID Connect, as SUBJECT of the provider, and by password no more.

    SUBJECT is the claim `sub`; it stands in the refusal that they saw, and in the ledger. Their role is that of their
    groups from the next login on.
    """
    from adapters.store import openid_logins  # noqa: PLC0415 - keeps `sre --help` fast

    tree, by = settings(ctx), may(ctx, Role.ADMIN)
    issuer = tree.http.openid.issuer
    if not issuer:
        raise BadSettings("http.openid.issuer is not set: nobody logs in by OpenID Connect")
    openid_logins.link(store(tree), name, issuer, subject, person=person, by=by, now=datetime.now(UTC))
    if as_json:
        show_json({"user": name, "issuer": issuer, "subject": subject})
    else:
        say(f"user {name} logs in as {subject} of {issuer} from now on, and is logged out everywhere")


@users.command(epilog="Example: sre users token ann --scope read --days 30")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, type=click.Choice([one.value for one in Scope]), default=["read"])
@click.option("--days", default=90.0, show_default=True, type=click.FloatRange(0, MOST_DAYS, min_open=True))
@as_option
@json_option
@click.pass_context
def token(ctx: click.Context, name: str, scopes: tuple[str, ...], days: float, *, as_json: bool) -> None:
    """Make a token with which a program is user NAME; it is shown this once.

    It goes in the header `Authorization: Bearer TOKEN`. The scope read is for looking, answer for buttons, too.
    """
    from adapters.store.users import add_token  # noqa: PLC0415 - keeps `sre --help` fast

    by, now = may(ctx, Role.ADMIN), datetime.now(UTC)
    ends = now + timedelta(days=days)
    made = add_token(store(settings(ctx)), name, map(Scope, scopes), by=by, now=now, expires_at=ends)
    if as_json:
        show_json({"user": name, "scopes": sorted(set(scopes)), "expires": ends, "token": made})
    else:
        say(made)
        say(
            f"good to {' and '.join(sorted(set(scopes)))} until {ends:%Y-%m-%d %H:%M} UTC; it is not shown again",
            err=True,
        )
