"""Who may do what on the pages and from afar: a caller with a role and scopes, a deed, and why it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.answer_links import LEAST
from domain.people import People, Role
from domain.responses import Verb

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 1_000
NAME = r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}"


class Deed(StrEnum):
    """What somebody does on the pages or by a command from afar, beside answering by a verb."""

    LOOK = "look"
    LOOK_AT_SETTINGS = "look at the settings"
    VERDICT = "verdict"  # say whether there was a fault
    NOTE = "note"  # say what caused it and what helped
    MUTE = "mute"  # add or end a silence or a maintenance window
    PAUSE = "pause"  # stop every action, or allow actions again
    TAKE = "take a shift"  # … of a schedule, or give it back
    QUERY = "ask SQL"  # … over stored logs, which costs more than looking
    TELL = "tell of a change"
    PROMOTE = "promote a model"  # choose which version decides
    ROLL_BACK = "roll a model back"  # to the one that decided before, which is safe at night
    TRUST = "set autonomy"  # say how far a playbook may go on a service


class Scope(StrEnum):
    """What a token is good for; a login is good for everything that its role may."""

    READ = "read"
    ANSWER = "answer"  # includes reading


class Way(StrEnum):
    """How a caller is known."""

    LOGIN = "login"
    TOKEN = "token"  # noqa: S105 - a word, no secret
    UNGUARDED = "unguarded"  # no user exists, and only this machine reaches the pages


DEEDS: Mapping[Deed, Role] = dict.fromkeys(Deed, Role.RESPONDER) | {
    Deed.LOOK: Role.VIEWER,
    Deed.PROMOTE: Role.APPROVER,
    Deed.TRUST: Role.ADMIN,
}
LOOKING = frozenset({Deed.LOOK, Deed.LOOK_AT_SETTINGS, Deed.QUERY})


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks for a page or presses a button."""

    name: str  # as which they logged in
    person: str  # who they are for on-call and for the ledger
    role: Role
    way: Way
    scopes: frozenset[Scope] = frozenset(Scope)
    csrf: str = ""  # what each form of theirs must carry; empty for a token, which no browser sends by itself


@dataclass(frozen=True, slots=True)
class Login:
    """One login of a user, as it is kept."""

    user: str
    csrf: str
    created_at: datetime
    seen_at: datetime


def least(deed: Deed | Verb) -> Role:
    """The role that a deed or an answer needs."""
    return LEAST[deed] if isinstance(deed, Verb) else DEEDS[deed]


def refusal(caller: Caller, deed: Deed | Verb, people: People) -> str:
    """Why the caller may not, in words; empty where nothing speaks against it.

    Where `people` gives roles, whoever answers must have the role there, too: `on-call` asks for it again.
    """
    wanted = least(deed)
    if deed not in LOOKING and Scope.ANSWER not in caller.scopes:
        return f"the token is good for reading alone, and this needs the scope {Scope.ANSWER}"
    if not caller.role.includes(wanted):
        return f"{caller.name} is {caller.role}, and this needs the role {wanted}"
    known = people.roles.get(caller.person)
    if people.roles and deed not in LOOKING and not (known and known.includes(wanted)):
        have = f"is {known} there" if known else "is not there"
        return f"the setting `people` says who may: {caller.person} {have}, and this needs the role {wanted}"
    return ""


def is_over(login: Login, now: datetime, *, idle: timedelta, longest: timedelta) -> bool:
    """Whether a login has ended: nobody used it for long, or it is old."""
    return now - login.seen_at >= idle or now - login.created_at >= longest


def password_flaw(name: str, password: str) -> str:
    """What is wrong with a new password, in words; empty where nothing is."""
    if len(password) < SHORTEST_PASSWORD:
        return f"a password has {SHORTEST_PASSWORD} characters at least"
    if len(password) > LONGEST_PASSWORD:
        return f"a password has {LONGEST_PASSWORD:,} characters at most"
    if name.lower() in password.lower() and len(password) < SHORTEST_PASSWORD + len(name):
        return "a password is more than the name and a few characters"
    if len(set(password)) < SHORTEST_PASSWORD // 3:
        return "a password is more than a few characters again and again"
    return ""


# Wrong passwords that cost nothing, how long the next one waits, and the longest wait.
FREE, FIRST_WAIT, LONGEST_WAIT = 4, timedelta(seconds=1), timedelta(minutes=15)


def wait_after(failures: int) -> timedelta:
    """How long the next try waits after so many wrong passwords in a row: nothing, then 1 s, 2 s, 4 s … 15 min."""
    if failures < FREE:
        return timedelta(0)
    doubled: int = 2 ** min(failures - FREE, 20)
    return min(LONGEST_WAIT, FIRST_WAIT * doubled)
