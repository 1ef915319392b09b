"""Users of the pages, their logins and their tokens; of secrets the store keeps hashes alone."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.ledger_rows import note
from adapters.store.tables.logged_in import api_tokens, logins, users
from domain.access import Login, Scope
from domain.errors import BadInput
from domain.ledger import LedgerKind
from domain.people import Role

SECRET_BYTES = 32
# How often it is written that a login is in use.
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in."""

    name: str
    role: Role
    person: str  # who they are for on-call
    password: str  # its hash; empty for whoever logs in by OpenID Connect
    created_at: datetime
    disabled_at: datetime | None = None
    issuer: str | None = None  # the provider at which they log in
    subject: str | None = None  # who they are there


def digest(secret: str) -> str:
    """What is kept of a secret of 256 random bits: nobody guesses it, so one pass of a fast hash does."""
    return hashlib.sha256(secret.encode()).hexdigest()


def any_user(engine: sa.Engine) -> bool:
    """Whether there is a user, disabled or not."""
    with transaction(engine) as connection:
        return connection.execute(sa.select(users.c.name).limit(1)).first() is not None


def any_password(engine: sa.Engine) -> bool:
    """Whether somebody logs in by password."""
    with transaction(engine) as connection:
        return connection.execute(sa.select(users.c.name).where(users.c.password != "").limit(1)).first() is not None


def all_users(engine: sa.Engine) -> list[User]:
    """Every user by name."""
    with transaction(engine) as connection:
        return [user_of_row(row) for row in connection.execute(sa.select(users).order_by(users.c.name))]


def user_named(engine: sa.Engine, name: str) -> User | None:
    """The user of that name, disabled or not."""
    with transaction(engine) as connection:
        row = connection.execute(sa.select(users).where(users.c.name == name)).first()
    return user_of_row(row) if row else None


def is_disabled(engine: sa.Engine, person: str) -> bool:
    """Whether the users who are that person to on-call are all disabled; not where there is none."""
    with transaction(engine) as connection:
        found = connection.scalars(sa.select(users.c.disabled_at).where(users.c.person == person)).all()
    return bool(found) and None not in found


def put_user(engine: sa.Engine, user: User, *, by: str, now: datetime) -> bool:
    """Add a user, or give one another password, role and person and end their logins; True for a new one.

    Whoever logged in by OpenID Connect does so by password from then on.
    """
    values = {"password": user.password, "role": user.role, "person": user.person, "disabled_at": None}
    values |= {"issuer": None, "subject": None}
    with transaction(engine) as connection:
        changed = connection.execute(users.update().where(users.c.name == user.name).values(values)).rowcount
        if not changed:
            connection.execute(users.insert().values(name=user.name, created_at=now, **values))
        connection.execute(logins.delete().where(logins.c.user == user.name))
        what = "changed" if changed else "added"
        told = {"user": user.name, "what": what, "role": user.role, "person": user.person, "by": by}
        note(connection, LedgerKind.USER_CHANGED, None, told, now=now)
    return not changed


def disable(engine: sa.Engine, name: str, *, by: str, now: datetime) -> None:
    """Let a user in no more, whatever they log in by; what they are logged in with ends. Raises BadInput."""
    with transaction(engine) as connection:
        mine = (users.c.name == name, users.c.disabled_at.is_(None))
        if not connection.execute(users.update().where(*mine).values(disabled_at=now)).rowcount:
            raise BadInput(f"there is no user {name!r} who could log in; `sre users list` shows them")
        for table in (logins, api_tokens):
            connection.execute(table.delete().where(table.c.user == name))
        note(connection, LedgerKind.USER_CHANGED, None, {"user": name, "what": "disabled", "by": by}, now=now)


def log_in(engine: sa.Engine, user: User, *, now: datetime, longest: timedelta, address: str) -> str:
    """Begin a login; the secret that its cookie holds. Logins that are over are forgotten."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    values = {
        "digest": digest(secret),
        "user": user.name,
        "csrf": secrets.token_urlsafe(SECRET_BYTES),
        "created_at": now,
        "seen_at": now,
        "expires_at": now + longest,
    }
    with transaction(engine) as connection:
        connection.execute(logins.delete().where(logins.c.expires_at <= now))
        connection.execute(logins.insert().values(values))
        told = {"user": user.name, "from": address} | ({"by": user.issuer} if user.issuer else {})
        note(connection, LedgerKind.LOGGED_IN, None, told, now=now)
    return secret


def refuse_login(engine: sa.Engine, fields: Mapping[str, object], *, now: datetime) -> None:
    """Note a login that was refused."""
    with transaction(engine) as connection:
        note(connection, LedgerKind.LOGIN_REFUSED, None, fields, now=now)


def log_out(engine: sa.Engine, secret: str) -> None:
    """End a login; nothing happens where it has ended."""
    with transaction(engine) as connection:
        connection.execute(logins.delete().where(logins.c.digest == digest(secret)))


def login_of(engine: sa.Engine, secret: str, *, now: datetime) -> tuple[Login, User] | None:
    """The login of a cookie, and its user, who is not disabled; it counts as used now."""
    mine = logins.c.digest == digest(secret)
    query = sa.select(logins, *_of_user()).join(users, users.c.name == logins.c.user).where(mine, _ENABLED)
    with transaction(engine) as connection:
        row = connection.execute(query).first()
        if row is None:
            return None
        if now - row.seen_at >= SEEN_EVERY:
            connection.execute(logins.update().where(mine).values(seen_at=now))
    return Login(row.user, row.csrf, row.created_at, row.seen_at), _user_of(row)


def add_token(
    engine: sa.Engine, name: str, scopes: Iterable[Scope], *, by: str, now: datetime, expires_at: datetime
) -> str:
    """Make a token for a user; it is told this once. Tokens that have ended are forgotten.

    Raises BadInput for no such user.
    """
    user = user_named(engine, name)
    if user is None or user.disabled_at is not None:
        raise BadInput(f"there is no user {name!r} who could log in; `sre users list` shows them")
    secret = secrets.token_urlsafe(SECRET_BYTES)
    held = sorted(set(scopes))
    values = {"digest": digest(secret), "user": name, "scopes": held, "created_at": now, "expires_at": expires_at}
    with transaction(engine) as connection:
        connection.execute(api_tokens.delete().where(api_tokens.c.expires_at <= now))
        connection.execute(api_tokens.insert().values(values))
        told = {"user": name, "what": f"given a token to {' and '.join(held)}", "by": by}
        note(connection, LedgerKind.USER_CHANGED, None, told, now=now)
    return secret


def token_of(engine: sa.Engine, secret: str, *, now: datetime) -> tuple[frozenset[Scope], User] | None:
    """What a token is good for, and whose it is; None where it is none, has ended, or its user is disabled."""
    mine = (api_tokens.c.digest == digest(secret), api_tokens.c.expires_at > now, _ENABLED)
    query = sa.select(api_tokens.c.scopes, *_of_user()).join(users, users.c.name == api_tokens.c.user).where(*mine)
    with transaction(engine) as connection:
        row = connection.execute(query).first()
    return (frozenset(map(Scope, row.scopes)), _user_of(row)) if row else None


_ENABLED = users.c.disabled_at.is_(None)


def _of_user() -> list[sa.Label[Any]]:
    return [column.label(f"user_{column.name}") for column in users.c]


def _user_of(row: sa.Row[Any]) -> User:
    """The user of a row in which their columns begin with `user_`."""
    held = row._mapping  # noqa: SLF001 - SQLAlchemy's public name
    values = {column.name: held[f"user_{column.name}"] for column in users.c}
    return User(**(values | {"role": Role(values["role"])}))


def user_of_row(row: sa.Row[Any]) -> User:
    """The user of a row of `users`."""
    return User(**(dict(row._mapping) | {"role": Role(row.role)}))  # noqa: SLF001 - SQLAlchemy's public name
