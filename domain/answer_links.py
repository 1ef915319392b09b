"""Links in pages by which one person answers about one incident: what they say, and why one is refused."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from domain.contacts import ContactKind
from domain.errors import BadInput, Refused
from domain.incidents import State
from domain.lengths import must_be_short
from domain.pages import Page
from domain.people import People, Role
from domain.responses import Verb
from domain.roster import Roster
from domain.shown_texts import printable

# What whoever answers must be, where roles are given.
LEAST: Mapping[Verb, Role] = dict.fromkeys(Verb, Role.RESPONDER) | {
    Verb.APPROVE: Role.APPROVER,
    Verb.REJECT: Role.APPROVER,
}
ABOUT_A_PLAN = frozenset({Verb.APPROVE, Verb.REJECT})
# What must be said beside the verb, and how to say so.
ARGUMENTS: Mapping[Verb, tuple[str, str]] = {
    Verb.SNOOZE: (r"[1-9][0-9]{1,5}", "a number of seconds, such as 3600"),
    Verb.REASSIGN: (r".*\S.*", "a name, such as `ann`, `team web` or `schedule primary`"),
    Verb.COMMENT: (r".*\S.*", "a text"),
}


@dataclass(frozen=True, slots=True)
class AnswerLink:
    """What a signed link says: who may answer what about which incident, and for how long."""

    incident_id: int
    episode: int
    person: str  # a user of the roster, or the contact that belongs to nobody
    verbs: tuple[Verb, ...]
    expires_at: datetime
    nonce: str  # with each verb good for once
    plan: str = ""  # digest of the plan that waited when the page was made


def link_of(page: Page, *, now: datetime, hours: float) -> AnswerLink:
    """What the link of a page lets its receiver do.

    It ends at a full hour and its nonce follows from the delivery, so that a delivery that is tried again carries
    the same link.
    """
    person = page.person or str(page.to)
    named = f"{page.key}\0{person}\0{page.to}"
    verbs = tuple(verb for verb in Verb if verb not in ABOUT_A_PLAN or page.plan_digest)
    ends = (now + timedelta(hours=hours + 1)).replace(minute=0, second=0, microsecond=0)
    nonce = hashlib.sha256(named.encode()).hexdigest()[:24]
    return AnswerLink(page.incident_id, page.episode, person, verbs, ends, nonce, page.plan_digest)


class Flaw(StrEnum):
    """Why an answer is not taken."""

    FORGED = "forged"
    EXPIRED = "expired"
    REPLAYED = "replayed"
    WRONG_VERB = "wrong verb"
    WRONG_PERSON = "wrong person"
    DISABLED = "disabled user"
    EARLIER_EPISODE = "earlier episode"
    OTHER_PLAN = "other plan"
    CLOSED = "closed"
    UNKNOWN = "unknown incident"
    UNREADABLE = "unreadable"


# What is wrong, as the page and the ledger say it.
MEANING: Mapping[Flaw, str] = {
    Flaw.FORGED: "it is not signed by this agent",
    Flaw.EXPIRED: "the link has expired",
    Flaw.REPLAYED: "the link was used for this before",
    Flaw.WRONG_VERB: "the link is not good for this",
    Flaw.WRONG_PERSON: "whoever it is from may not answer this",
    Flaw.DISABLED: "the user whom it is from is disabled",
    Flaw.EARLIER_EPISODE: "it is about an earlier time: the incident was over and came back since",
    Flaw.OTHER_PLAN: "the plan is another one by now, or waits for nobody",
    Flaw.CLOSED: "the incident is over",
    Flaw.UNKNOWN: "there is no such incident",
    Flaw.UNREADABLE: "it cannot be read",
}


class NotTaken(Refused):
    """An answer that is not taken."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(MEANING[flaw])
        self.flaw = flaw


@dataclass(frozen=True, slots=True)
class Asked:
    """What an incident is when somebody answers about it."""

    episode: int
    state: State
    plan: str = ""  # digest of the plan that waits for a person at this moment, or empty
    offered: frozenset[str] = frozenset()  # digests of the plans that an analysis proposes, which a person may allow


def objection(verb: Verb, episode: int, plan: str, asked: Asked | None) -> Flaw | None:
    """Why an answer about that episode and plan is not taken as the incident is now, or None."""
    if asked is None:
        return Flaw.UNKNOWN
    if episode != asked.episode:
        return Flaw.EARLIER_EPISODE
    if asked.state.closed:
        return Flaw.CLOSED
    if verb is Verb.APPROVE and plan and plan in asked.offered:
        return None
    if verb in ABOUT_A_PLAN and (not plan or plan != asked.plan):
        return Flaw.OTHER_PLAN
    return None


def argument_of(verb: Verb, given: str, plan: str) -> str:
    """What an answer says beside its verb. Raises BadInput with what it must be."""
    if verb in ABOUT_A_PLAN:
        return plan
    if verb not in ARGUMENTS:
        return ""
    text = must_be_short(f"the {verb}" if verb is Verb.COMMENT else f"what {verb} needs", printable(given))
    pattern, wanted = ARGUMENTS[verb]
    if not re.fullmatch(pattern, text):
        raise BadInput(f"{verb} needs {wanted}")
    return text


def may_answer(person: str, verb: Verb, people: People, roster: Roster) -> bool:
    """Whether that person may; where neither roles nor users are given, whoever got the link may."""
    if people.roles:
        role = people.roles.get(person)
        return role is not None and role.includes(LEAST[verb])
    return not roster.users or person in roster.users or _is_contact(person)


def _is_contact(person: str) -> bool:
    kind, _, to = person.partition(" ")
    return bool(to) and kind in set(ContactKind)


def claims(link: AnswerLink) -> dict[str, object]:
    """The link as a token carries it."""
    return {
        "inc": link.incident_id,
        "epi": link.episode,
        "sub": link.person,
        "may": [verb.value for verb in link.verbs],
        "pln": link.plan,
        "exp": int(link.expires_at.timestamp()),
        "jti": link.nonce,
    }


def from_claims(said: Mapping[str, object]) -> AnswerLink:
    """The link that a token carries. Raises BadInput when it is none."""
    verbs = said.get("may")
    if not isinstance(verbs, Sequence) or isinstance(verbs, str):
        raise BadInput("a link without verbs")
    try:
        return AnswerLink(
            incident_id=_whole(said["inc"]),
            episode=_whole(said["epi"]),
            person=str(said["sub"]),
            verbs=tuple(Verb(verb) for verb in verbs),
            expires_at=datetime.fromtimestamp(_whole(said["exp"]), UTC),
            nonce=str(said["jti"]),
            plan=str(said.get("pln", "")),
        )
    except (KeyError, ValueError, OverflowError, OSError) as error:
        raise BadInput(f"a link that cannot be read: {error!r}") from error


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("not a whole number")
