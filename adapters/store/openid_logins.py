"""Logins by OpenID Connect: those that were begun, and whose they are."""

from __future__ import annotations

import secrets
import shlex
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from adapters.store.database import Contended, transaction
from adapters.store.ledger_rows import note
from adapters.store.tables.logged_in import logins, openid_logins, users
from adapters.store.users import SECRET_BYTES, User, digest, user_of_row
from domain.errors import BadInput, Refused
from domain.ledger import LedgerKind
from domain.openid import Begun, Identity

GOOD_FOR = timedelta(minutes=10)
# Logins that wait to be ended; whoever begins more of them has the oldest forgotten.
MOST = 10_000


def begin(engine: sa.Engine, begun: Begun, *, now: datetime) -> str:
    """Keep a login that is begun; the secret for a cookie of the browser that began it."""
    secret, table = secrets.token_urlsafe(SECRET_BYTES), openid_logins
    values = {
        "state": digest(begun.state),
        "browser": digest(secret),
        "nonce": begun.nonce,
        "verifier": begun.verifier,
        "redirect": begun.redirect,
        "following": begun.following,
        "expires_at": now + GOOD_FOR,
    }
    newest = sa.select(table.c.expires_at).order_by(table.c.expires_at.desc())
    with transaction(engine) as connection:
        too_many = connection.scalar(newest.offset(MOST - 1).limit(1))
        old = table.c.expires_at <= max(now, too_many or now)
        connection.execute(table.delete().where(old))
        connection.execute(table.insert().values(values))
    return secret


def take(engine: sa.Engine, state: str, browser: str, *, now: datetime) -> Begun | None:
    """The login of that state, for the browser that began it and this once; None where there is none."""
    table = openid_logins
    mine = (table.c.state == digest(state), table.c.browser == digest(browser))
    with transaction(engine) as connection:
        row = connection.execute(sa.select(table).where(*mine, table.c.expires_at > now)).first()
        if row is None or not connection.execute(table.delete().where(*mine)).rowcount:
            return None
    return Begun(state, row.nonce, row.verifier, row.redirect, row.following)


def user_of(engine: sa.Engine, found: Identity, *, now: datetime) -> User:
    """The user of an identity, with the role of today; a new one at their first login.

    Raises Refused for one who is disabled, and where somebody else has the name.
    """
    try:
        return _user_of(engine, found, now)
    except Contended:  # another first login was there at the same moment, and is seen now
        return _user_of(engine, found, now)


def _user_of(engine: sa.Engine, found: Identity, now: datetime) -> User:
    theirs = (users.c.issuer == found.issuer, users.c.subject == found.subject)
    with transaction(engine) as connection:
        row = connection.execute(sa.select(users).where(*theirs)).first()
        if row is None:
            return _added(connection, found, now)
        user = user_of_row(row)
        if user.disabled_at is not None:
            raise Refused(f"{user.name} is not let in any more")
        if user.role is not found.role:
            connection.execute(users.update().where(*theirs).values(role=found.role))
            told = {"user": user.name, "what": "changed", "role": found.role, "by": found.issuer}
            note(connection, LedgerKind.USER_CHANGED, None, told, now=now)
    return replace(user, role=found.role)


def _added(connection: sa.Connection, found: Identity, now: datetime) -> User:
    """Names that differ by case alone would be taken for each other.

    Whoever was added by another first login of theirs at this moment is no other: the insert is what tells.
    """
    other_person = users.c.issuer.is_distinct_from(found.issuer) | users.c.subject.is_distinct_from(found.subject)
    taken = sa.select(users.c.name).where(sa.func.lower(users.c.name) == found.name.lower(), other_person)
    if other := connection.scalar(taken):
        raise Refused(
            f"the name {other} is somebody's already; if that is you, an admin runs "
            f"`sre users link {other} {shlex.quote(found.subject)}`"
        )
    user = User(found.name, found.role, found.name, "", now, issuer=found.issuer, subject=found.subject)
    values = {name: getattr(user, name) for name in users.c.keys()}  # noqa: SIM118 - SQLAlchemy's columns are no dict
    connection.execute(users.insert().values(values))
    told = {"user": user.name, "what": "added", "role": user.role, "person": user.person, "by": found.issuer}
    note(connection, LedgerKind.USER_CHANGED, None, told, now=now)
    return user


def link(  # noqa: PLR0913 - who becomes whom
    engine: sa.Engine, name: str, issuer: str, subject: str, *, person: str, by: str, now: datetime
) -> None:
    """Let a user log in as that subject of the issuer, and by password no more; what they are logged in with ends.

    `person`: who they are for on-call from now on, or empty. Raises BadInput.
    """
    values = {"issuer": issuer, "subject": subject, "password": "", "disabled_at": None}
    values |= {"person": person} if person else {}
    with transaction(engine) as connection:
        theirs = (users.c.issuer == issuer, users.c.subject == subject, users.c.name != name)
        if other := connection.scalar(sa.select(users.c.name).where(*theirs)):
            raise BadInput(f"{subject} is user {other!r} already; `sre users add {other}` gives that one a password")
        if not connection.execute(users.update().where(users.c.name == name).values(values)).rowcount:
            raise BadInput(f"there is no user {name!r}; `sre users list` shows them")
        connection.execute(logins.delete().where(logins.c.user == name))
        told = {"user": name, "what": "linked with OpenID Connect", "person": person, "by": by}
        note(connection, LedgerKind.USER_CHANGED, None, told, now=now)
