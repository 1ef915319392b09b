"""PagerDuty's webhooks (v3): whether one is PagerDuty's, and which answer it carries."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.errors import BadInput
from domain.lengths import LONGEST_SAID
from domain.responses import Response, Verb, Via
from domain.roster import Roster
from domain.shown_texts import printable

_KEY = re.compile(r"sre-agent-(\d{1,18})-(\d{1,9})")


def signed(body: bytes, header: str, secret: str) -> bool:
    """Whether one of the signatures in the header is that of the body; compared in constant time."""
    if not secret:
        return False
    wanted = f"v1={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}".encode()
    found = [hmac.compare_digest(wanted, one.strip().encode()) for one in header.split(",")]
    return any(found)


@dataclass(frozen=True, slots=True)
class Event:
    """One event about an incident of PagerDuty's."""

    id: str
    kind: str  # "incident.acknowledged", …
    their_id: str  # PagerDuty's of the incident
    key: str  # by which we opened it; empty where the event does not say
    agent: Mapping[str, Any]  # who did it; empty where nobody did
    data: Mapping[str, Any]

    @property
    def nonce(self) -> str:
        """Stands for the event and names their incident, so that a note about it can be told apart later."""
        return f"{self.prefix}{self.id}"

    @property
    def prefix(self) -> str:
        """What every nonce about the same incident of PagerDuty's begins with."""
        return f"pagerduty {self.their_id} "

    @property
    def by_somebody(self) -> bool:
        """Whether a person did it: what we told PagerDuty ourselves comes back as an event, too."""
        return str(self.agent.get("type", "")).startswith("user")


def read(document: object) -> Event:
    """The event of a webhook's body. Raises BadInput, with what is wrong, when it is none."""
    event = _part(document, "event")
    data = _part(event, "data")
    about = data.get("incident")
    incident = about if isinstance(about, Mapping) else data
    agent = event.get("agent")
    found = event.get("id")
    if not isinstance(found, str) or not found:
        raise BadInput("event.id is missing")
    return Event(
        id=printable(found)[:100],
        kind=str(event.get("event_type", "")),
        their_id=printable(incident.get("id", ""))[:100],
        key=str(incident.get("incident_key") or ""),
        agent=agent if isinstance(agent, Mapping) else {},
        data=data,
    )


def _part(document: object, name: str) -> Mapping[str, Any]:
    found = document.get(name) if isinstance(document, Mapping) else None
    if not isinstance(found, Mapping):
        raise BadInput(f"{name} is missing: this is no webhook of version 3")
    return found


def named(key: str) -> tuple[int, int] | None:
    """Incident and episode that a key of ours names; None for a key that is not ours."""
    found = _KEY.fullmatch(key)
    return (int(found[1]), int(found[2])) if found else None


def as_response(event: Event, about: tuple[int, int], roster: Roster) -> Response | None:
    """The answer that the event carries about our incident and episode, or None where it carries none."""
    make = ANSWERS.get(event.kind)
    if make is None or not event.by_somebody:
        return None
    verb, argument = make(event.data)
    person = whose(event.agent, roster)
    return Response(*about, verb, person, Via.PAGERDUTY, argument[:LONGEST_SAID], event.nonce)


def whose(agent: Mapping[str, Any], roster: Roster) -> str:
    """The user of the roster that did it, or who PagerDuty says it was."""
    mail, name = str(agent.get("email") or ""), str(agent.get("summary") or "")
    for user in roster.users.values():
        known = {text.lower() for text in (user.email, user.full_name) if text}
        if {mail.lower(), name.lower()} & known:
            return user.name
    return printable(name or mail or "somebody at PagerDuty")[:200]


def _assigned(data: Mapping[str, Any]) -> tuple[Verb, str]:
    assignees = data.get("assignees")
    found = [one for one in assignees if isinstance(one, Mapping)] if isinstance(assignees, list) else []
    names = ", ".join(printable(one.get("summary", "")) for one in found)
    return Verb.COMMENT, f"given to {names or 'nobody'} at PagerDuty"


def _noted(data: Mapping[str, Any]) -> tuple[Verb, str]:
    return Verb.COMMENT, printable(data.get("content", ""))


ANSWERS: Mapping[str, Callable[[Mapping[str, Any]], tuple[Verb, str]]] = {
    "incident.acknowledged": lambda _: (Verb.ACKNOWLEDGE, ""),
    "incident.resolved": lambda _: (Verb.RESOLVE, ""),
    "incident.reassigned": _assigned,
    "incident.delegated": _assigned,
    "incident.annotated": _noted,
}
